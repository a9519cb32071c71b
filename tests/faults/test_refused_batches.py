"""A refused statement returns no item. The use cases handle this, over the emulator's DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dev.simulator.people.callers import caller_named
from tests.harness.faults.deployment import POOL, Deployment
from tests.harness.faults.emulated import EmulatedAws
from tests.harness.faults.refusal_scenarios import Interrupted, begins_when_looked_at
from tests.harness.faults.steps import submit
from tidegate.domain.states import Group, State
from tidegate.ports import IndexPage
from tidegate.usecases.dispatch.serve import serve_pools
from tidegate.usecases.recover.cancel import Cancelled, cancel_workflow

DISPATCHED = (State.QUEUED, State.RUNNING)


@dataclass
class LaggingIndex:
    """An index that does not show the latest dispatches yet. Permits hold all the same, which is their purpose."""

    inner: Any

    def first_pages(self, pool: str, group: Any, **options: Any) -> Mapping[tuple[str, int], IndexPage]:
        found: Mapping[tuple[str, int], IndexPage] = self.inner.first_pages(pool, group, **options)
        return {} if group is Group.ACTIVE else found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_a_limit_holds_though_a_slow_dispatcher_is_refused(aws: EmulatedAws) -> None:
    """The slow dispatcher took the very permit that the faster one's job holds, and must not free it."""
    d = Deployment(aws)
    for name in ("first", "plain"):
        submit(d, name, concurrency_key="k" if name == "first" else None)
    slow: Any = replace(d.services, jobs=Interrupted(d.services.jobs, d.events))
    serve_pools(slow, {POOL}, d.now_ms)
    assert [d.states[name] for name in ("first", "plain")] == [State.QUEUED] * 2
    submit(d, "second", concurrency_key="k")
    lagging: Any = replace(d.services, index=LaggingIndex(d.services.index))
    serve_pools(lagging, {POOL}, d.now_ms)
    of_key = [job.state for job in d.jobs.values() if job.concurrency_key == "k"]
    assert sum(state in DISPATCHED for state in of_key) == 1


def test_a_job_that_began_while_its_workflow_was_cancelled_is_asked_to_stop(aws: EmulatedAws) -> None:
    d = Deployment(aws)
    ids, services = begins_when_looked_at(d)
    workflow_id = ids["a"].partition(".")[0]
    done = cancel_workflow(services, workflow_id, caller=caller_named("ann"), now_ms=d.now_ms)
    assert {key: d.jobs[job_id].state for key, job_id in ids.items()} == {
        "a": State.RUNNING,
        "b": State.RUNNING,
        "c": State.CANCELLED,
    }
    assert [d.jobs[ids[key]].cancel_requested_by for key in ("a", "b")] == ["ann", "ann"]
    assert done == Cancelled(cancelled=1, asked=2, ended=0)
