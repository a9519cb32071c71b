"""A caller ends a job by hand, and what waits for it goes on as after any other end."""

from __future__ import annotations

import pytest

from dev.simulator.people.callers import caller_named
from tests.harness.usecases.recovering import Workflow, after
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import NotFound, NotMarkable
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, MarkUnlessDispatched, Stamp, TransitionRefused
from tidegate.usecases.recover.hold import hold_job
from tidegate.usecases.recover.mark import Mark, mark_job
from tidegate.usecases.recover.reopen import Reopened, retry_job

ANN = caller_named("ann")


def mark(workflow: Workflow, key: str, state: State) -> tuple[Job, Reopened]:
    workflow.now_ms += 1_000
    found = mark_job(
        workflow.services, workflow.ids[key], Mark(state, "by hand"), caller=ANN, now_ms=workflow.now_ms
    )
    workflow.hear(found[0])
    return found


@pytest.mark.parametrize(
    ("state", "follows"), [(State.SUCCEEDED, State.READY), (State.SKIPPED, State.SKIPPED)]
)
def test_what_waits_for_a_waiting_job_is_judged_by_its_end(state: State, follows: State) -> None:
    workflow = Workflow({"a": (), "b": after("a"), "c": after("a", kind=DependencyType.MUST_COMPLETE)})
    job, _ = mark(workflow, "a", state)
    assert (job.state, job.history[-1].actor, job.history[-1].reason) == (state, "ann", "marked: by hand")
    assert job.expires_at_s is not None
    assert (workflow.states["b"], workflow.states["c"]) == (follows, State.READY)


def test_a_job_that_waits_for_others_may_be_marked_before_they_end() -> None:
    workflow = Workflow({"a": (), "b": after("a"), "c": after("b")})
    mark(workflow, "b", State.SUCCEEDED)
    assert workflow.states == {"a": State.READY, "b": State.SUCCEEDED, "c": State.READY}
    workflow.finish("a", State.FAILED)
    assert workflow.states["b"] is State.SUCCEEDED


def test_what_was_skipped_for_a_failure_goes_on_once_that_is_marked_succeeded() -> None:
    workflow = Workflow({"a": (), "b": after("a"), "c": after("b"), "d": ()})
    workflow.finish("a", State.FAILED)
    assert workflow.states["c"] is State.SKIPPED
    job, reopening = mark(workflow, "a", State.SUCCEEDED)
    assert (job.failure, reopening.reopened, reopening.complete) == (None, 2, True)
    assert workflow.states == {
        "a": State.SUCCEEDED,
        "b": State.READY,
        "c": State.PENDING,
        "d": State.READY,
    }


def test_a_failure_may_be_marked_skipped_and_that_succeeded() -> None:
    workflow = Workflow({"a": (), "b": after("a")})
    workflow.finish("a", State.FAILED)
    job, _ = mark(workflow, "a", State.SKIPPED)
    assert job.failure is not None
    assert (job.failure.code, job.failure.message) == ("marked", "ann marked it SKIPPED: by hand")
    assert workflow.states == {"a": State.SKIPPED, "b": State.SKIPPED}
    mark(workflow, "a", State.SUCCEEDED)
    assert workflow.states == {"a": State.SUCCEEDED, "b": State.READY}


def test_the_same_call_again_changes_nothing() -> None:
    workflow = Workflow({"a": ()})
    first, _ = mark(workflow, "a", State.SUCCEEDED)
    assert mark(workflow, "a", State.SUCCEEDED)[0] == first


def test_a_job_that_is_dispatched_or_has_succeeded_is_refused() -> None:
    workflow = Workflow({"a": ()})
    workflow.start("a")
    with pytest.raises(NotMarkable, match="is RUNNING; cancel it first"):
        mark(workflow, "a", State.SUCCEEDED)
    other = Workflow({"a": ()})
    other.finish("a")
    with pytest.raises(NotMarkable, match="has ended as SUCCEEDED, so it can't be marked SKIPPED"):
        mark(other, "a", State.SKIPPED)
    with pytest.raises(NotFound):
        mark_job(
            other.services,
            f"{other.workflow_id}.7",
            Mark(State.SKIPPED, "x"),
            caller=ANN,
            now_ms=other.now_ms,
        )


def test_a_job_on_hold_may_be_marked_and_is_no_longer_on_hold() -> None:
    workflow = Workflow({"a": ()})
    stale = workflow.job("a")
    hold_job(workflow.services, workflow.ids["a"], caller=ANN, now_ms=workflow.now_ms)
    stamp = Stamp(workflow.now_ms, "ann")
    with pytest.raises(TransitionRefused):
        workflow.services.jobs.apply(MarkUnlessDispatched(stale, Ending(State.SUCCEEDED), stamp))
    job, _ = mark(workflow, "a", State.SUCCEEDED)
    assert not job.on_hold


def test_a_job_that_was_marked_skipped_may_be_retried() -> None:
    workflow = Workflow({"a": ()})
    mark(workflow, "a", State.SKIPPED)
    retry_job(
        workflow.services, workflow.ids["a"], reopen_skipped=True, caller=ANN, now_ms=workflow.now_ms + 1
    )
    assert workflow.job("a").state is State.READY
