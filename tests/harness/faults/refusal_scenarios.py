"""Scenarios in which batches of transitions are refused, because another actor was faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dev.simulator.people.callers import caller_named
from dev.simulator.workflows.graphs import job as job_of
from dev.simulator.workflows.graphs import workflow
from tests.harness.faults.deployment import DIES, MINUTE_MS, POOL, Deployment
from tests.harness.faults.steps import submit, submit_all
from tidegate.domain.transitions import Transition
from tidegate.ports import message_of
from tidegate.usecases.dispatch.serve import serve_pools
from tidegate.usecases.recover.cancel import cancel_workflow


@dataclass
class Interrupted:
    """A job store that runs another actor before its first batch of transitions."""

    inner: Any
    happens: Callable[[], object]
    done: bool = False

    def apply_all(self, transitions: Sequence[Transition]) -> Any:
        if not self.done:
            self.done = True
            self.happens()
        return self.inner.apply_all(transitions)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def doubled_messages(d: Deployment) -> None:
    """Delivers messages again, several at once, after their jobs have ended."""
    for name in ("one", "two", "three"):
        submit(d, name)
    d.settle()
    d.services.queue.send(POOL, [message_of(replace(job, attempt=0)) for job in d.jobs.values()])
    d.settle()


def slow_dispatcher(d: Deployment) -> None:
    """A slow dispatcher dispatches jobs that a faster one has just dispatched. One of them needs a permit."""
    for name in ("first", "plain"):
        submit(d, name, concurrency_key="k" if name == "first" else None)
    slow: Any = replace(d.services, jobs=Interrupted(d.services.jobs, d.events))
    d.ask(lambda: serve_pools(slow, {POOL}, d.now_ms))
    submit(d, "second", concurrency_key="k")
    d.settle()
    d.wait(20 * MINUTE_MS)
    d.tick()


def begins_when_looked_at(d: Deployment) -> tuple[Mapping[str, str], Any]:
    """Makes a workflow, and services under which two of its jobs begin right before their first transitions."""
    d.course = lambda _job: DIES
    ids = submit_all(d, workflow([job_of("a"), job_of("b"), job_of("c", "a", "b")]))

    def workers_take_them() -> None:
        d.events()
        d.work()

    return ids, replace(d.services, jobs=Interrupted(d.services.jobs, workers_take_them))


def cancelled_as_they_begin(d: Deployment) -> None:
    """Jobs of a workflow begin between a cancellation's read and its write. Their workers ignore the cancellation."""
    ids, services = begins_when_looked_at(d)
    workflow_id = ids["a"].partition(".")[0]
    # Its clock is ahead, because time passes during the call.
    d.ask(
        lambda: cancel_workflow(services, workflow_id, caller=caller_named("client"), now_ms=d.now_ms + 5_000)
    )
    d.wait(40_000)
    d.reap()
    d.settle()
