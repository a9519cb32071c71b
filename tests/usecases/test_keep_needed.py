"""An ended job is kept while another job may need it, and no longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from dev.simulator.people.callers import caller_named
from tests.harness.functions.api_calls import SETTINGS
from tests.harness.usecases.recovering import Workflow, after, chain
from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import Job
from tidegate.domain.requests import DependencyRequest
from tidegate.domain.states import State
from tidegate.domain.transitions import CancelIfInState, Ending, Stamp
from tidegate.usecases.reap.reap_expiring import reap_expiring
from tidegate.usecases.reap.reap_pending import reap_pending
from tidegate.usecases.recover.reopen import rerun_workflow, retry_job

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
RETENTION_DAYS = 30
ACTOR = "ann"
COMPLETE = DependencyType.MUST_COMPLETE


class Kept(Workflow):
    """A workflow over which days pass. The reaper runs every hour, and expired items are removed at once."""

    def __init__(self, edges: Mapping[str, Sequence[DependencyRequest]]) -> None:
        super().__init__(edges, settings=replace(SETTINGS, retention_days=RETENTION_DAYS))
        self.kept = 0

    def pass_days(self, days: float, *, reaped: bool = True) -> None:
        end_ms = self.now_ms + int(days * DAY_MS)
        while self.now_ms < end_ms:
            self.now_ms = min(end_ms, self.now_ms + HOUR_MS)
            self.world.now_ms = self.now_ms
            if reaped:
                self.kept += reap_expiring(self.services, self.now_ms)
            self.world.remove_expired()

    def stands(self, *keys: str) -> bool:
        return all(self.ids[key] in self.world.jobs for key in keys)

    def rerun(self) -> object:
        return rerun_workflow(self.services, self.workflow_id, caller=caller_named(ACTOR), now_ms=self.now_ms)

    def cancel(self, key: str) -> Job:
        ending = Ending(State.CANCELLED, expires_at_s=self.services.settings.expires_at_s(self.now_ms))
        cancelled = CancelIfInState(self.job(key), ending, Stamp(self.now_ms, ACTOR))
        job = self.services.jobs.apply(cancelled)
        self.hear(job)
        return job


def test_an_upstream_stays_until_what_was_skipped_for_another_can_run() -> None:
    flow = Kept({"a": (), "b": (), "c": after("a", "b")})
    flow.finish("a")
    flow.pass_days(20)
    flow.finish("b", State.FAILED)
    flow.pass_days(RETENTION_DAYS - 1)
    assert flow.stands("a", "b", "c")
    flow.rerun()
    flow.pass_days(RETENTION_DAYS + 5)  # b runs for long
    flow.finish("b")
    assert flow.states == {"a": State.SUCCEEDED, "b": State.SUCCEEDED, "c": State.READY}


def test_a_workflow_that_succeeds_is_removed_on_time_and_nothing_is_written_for_it() -> None:
    flow = Kept(chain("a", "b", "c"))
    for key in ("a", "b", "c"):
        flow.finish(key)
    flow.pass_days(RETENTION_DAYS - 0.1)
    assert (flow.kept, flow.stands("a", "b", "c")) == (0, True)
    flow.pass_days(0.2)
    assert flow.world.jobs == {}


def test_what_failed_is_removed_with_all_that_was_kept_for_it_and_no_later() -> None:
    flow = Kept({"a": (), "b": after("a")})
    flow.finish("a")
    flow.pass_days(12)
    flow.finish("b", State.FAILED)
    flow.pass_days(RETENTION_DAYS - 0.1)
    assert (flow.kept, flow.stands("a", "b")) == (1, True)
    flow.pass_days(0.2)
    assert flow.world.jobs == {}


def test_an_open_job_keeps_what_it_waits_on_for_as_long_as_it_takes() -> None:
    flow = Kept({"a": (), "b": (), "c": after("a", "b")})
    assert flow.services.jobs.store_result_overflow(replace(flow.job("a"), attempt=1), "x" * 10_000)
    job = flow.finish("a")
    flow.world.jobs[job.job_id] = replace(job, result_overflow=True)
    flow.pass_days(200)
    assert flow.stands("a")
    assert flow.services.jobs.load_result(flow.job("a")) == "x" * 10_000
    assert flow.kept <= 200 // (RETENTION_DAYS * 9 // 10) + 1


def test_what_is_kept_longer_itself_keeps_its_own_upstreams_down_a_chain() -> None:
    """All jobs of the chain are cancelled at one moment, and an open job needs only the last one."""
    keys = [f"j{place}" for place in range(20)]
    flow = Kept({**chain(*keys), "other": (), "last": after(keys[-1], "other", kind=COMPLETE)})
    flow.finish(keys[0])
    flow.cancel(keys[1])
    assert flow.job(keys[-1]).state is State.SKIPPED
    flow.pass_days(RETENTION_DAYS + 10)
    assert flow.stands(*keys)
    flow.finish("other")
    flow.finish("last")
    flow.pass_days(RETENTION_DAYS + 1)
    assert flow.world.jobs == {}


@pytest.mark.parametrize("ended_before", [False, True])
def test_a_job_of_a_later_submission_keeps_what_it_waits_on(ended_before: bool) -> None:
    flow = Kept({"a": (), "b": ()})
    if ended_before:
        flow.finish("a")
    edges = [DependencyRequest(job_id=flow.ids[key]) for key in ("a", "b")]
    later = flow.submit_on(*edges)
    if not ended_before:
        flow.finish("a")
    flow.pass_days(RETENTION_DAYS + 5)
    assert flow.stands("a")
    flow.finish("b")
    assert flow.world.jobs[later].state is State.READY


def test_a_submission_just_before_the_end_of_its_upstreams_retention_keeps_it() -> None:
    flow = Kept({"a": (), "b": ()})
    flow.finish("a")
    flow.pass_days(RETENTION_DAYS - 0.001)
    later = flow.submit_on(*(DependencyRequest(job_id=flow.ids[key]) for key in ("a", "b")))
    flow.pass_days(1, reaped=False)
    assert flow.stands("a")
    flow.finish("b")
    assert flow.world.jobs[later].state is State.READY


def test_a_rerun_just_before_the_end_of_its_retention_keeps_what_it_needs() -> None:
    flow = Kept({"a": (), "b": (), "c": after("a", "b")})
    flow.finish("b", State.FAILED)
    flow.finish("a")
    flow.pass_days(RETENTION_DAYS - 0.001, reaped=False)
    flow.rerun()
    flow.pass_days(1, reaped=False)
    flow.finish("b")
    assert flow.states["c"] is State.READY


def test_a_rerun_says_how_many_jobs_can_not_run_because_an_upstream_is_gone() -> None:
    """The reaper was down for too long."""
    flow = Kept({"a": (), "b": (), "c": after("a", "b"), "d": after("c")})
    flow.finish("a")
    flow.pass_days(20, reaped=False)
    flow.finish("b", State.FAILED)
    flow.pass_days(20, reaped=False)
    assert not flow.stands("a")
    for _ in range(2):
        answer = flow.rerun()
        assert (answer.left_without_upstream, answer.complete) == (1, True)  # type: ignore[attr-defined]
        failure = flow.job("c").failure
        assert failure is not None
        assert (flow.job("c").state, failure.code) == (State.SKIPPED, "upstream-gone")
        assert failure.upstream_id == flow.ids["a"]
    job, retried = retry_job(
        flow.services, flow.ids["c"], reopen_skipped=True, caller=caller_named(ACTOR), now_ms=flow.now_ms
    )
    assert (job.state, retried.left_without_upstream) == (State.SKIPPED, 1)


def test_an_event_that_is_lost_does_not_cost_an_upstream() -> None:
    flow = Kept({"a": (), "b": after("a")})
    flow.finish("a", event=False)
    flow.pass_days(RETENTION_DAYS + 1)
    assert reap_pending(flow.services, flow.now_ms) == 1
    assert flow.states["b"] is State.READY


def test_a_retention_that_was_raised_does_not_hide_what_ended_before() -> None:
    flow = Kept({"a": (), "b": (), "c": after("a", "b")})
    flow.finish("a")
    flow.pass_days(1)
    longer = replace(flow.services.settings, retention_days=300)
    flow.services = replace(flow.services, settings=longer)
    flow.pass_days(RETENTION_DAYS + 5)
    assert flow.stands("a")


def test_a_round_rests_after_it_went_round() -> None:
    flow = Kept({"a": ()})
    flow.finish("a")
    flow.pass_days(RETENTION_DAYS - 1)
    before = flow.world.requests["page"]
    flow.pass_days(0.5)
    places = 2 * 5 * len(SETTINGS.pools)  # shards and groups of every pool
    assert flow.world.requests["page"] - before <= places
