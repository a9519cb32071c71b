"""Retry, rerun and redrive reopen jobs that ended without success, and disturb no other jobs."""

from __future__ import annotations

from itertools import count

import pytest

from dev.simulator.people.callers import caller_named
from tests.harness.domain.job_samples import worn_out
from tests.harness.usecases.recovering import Workflow, after, chain
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import NotFound, NotRetryable, ServiceUnavailable
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FinishIfAttemptHolds, SkipIfPending, Stamp, TransitionRefused
from tidegate.usecases.read.query import get_job
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.recover import reopen
from tidegate.usecases.recover.cancel import cancel_job

ACTOR = "ann"
PENDING, READY, SKIPPED, FAILED, SUCCEEDED = (
    State.PENDING,
    State.READY,
    State.SKIPPED,
    State.FAILED,
    State.SUCCEEDED,
)
OPEN_CHAIN = {"a": READY, "b": PENDING, "c": PENDING}


def retry(workflow: Workflow, key: str, *, reopen_skipped: bool = True) -> reopen.Reopened:
    _, reopened = reopen.retry_job(
        workflow.services,
        workflow.ids[key],
        reopen_skipped=reopen_skipped,
        caller=caller_named(ACTOR),
        now_ms=workflow.now_ms,
    )
    return reopened


def failed_chain() -> Workflow:
    workflow = Workflow(chain("a", "b", "c"))
    workflow.finish("a", FAILED)
    assert workflow.states == {"a": FAILED, "b": SKIPPED, "c": SKIPPED}
    return workflow


def test_a_retried_job_takes_what_was_skipped_for_it_along() -> None:
    workflow = failed_chain()
    assert retry(workflow, "a") == reopen.Reopened(3, 0, left_without_upstream=0, complete=True)
    assert workflow.states == OPEN_CHAIN
    a = workflow.job("a")
    assert (a.attempt, a.reopened, a.failure, a.finished_at_ms, a.expires_at_s) == (1, 1, None, None, None)
    assert [(entry.state, entry.actor) for entry in a.history[-3:]] == [
        (FAILED, "w"), (PENDING, ACTOR), (READY, ACTOR),
    ]  # fmt: skip
    for key in "abc":
        workflow.finish(key)
    assert set(workflow.states.values()) == {SUCCEEDED}
    assert workflow.job("a").attempt == 2


def test_without_reopening_only_the_job_itself_is_tried_again() -> None:
    workflow = failed_chain()
    assert retry(workflow, "a", reopen_skipped=False).reopened == 1
    assert workflow.states == {"a": READY, "b": SKIPPED, "c": SKIPPED}
    workflow.finish("a")
    assert workflow.states["b"] is SKIPPED
    assert retry(workflow, "b").reopened == 2
    assert workflow.states == {"a": SUCCEEDED, "b": READY, "c": PENDING}


def test_retrying_twice_changes_nothing_more() -> None:
    workflow = failed_chain()
    retry(workflow, "a")
    before = dict(workflow.world.jobs)
    assert retry(workflow, "a").reopened == 0
    workflow.finish("a")
    assert workflow.job("b").state is READY
    assert {key: job for key, job in before.items() if key == workflow.ids["c"]}.items() <= (
        workflow.world.jobs.items()
    )


def _cut_off_after(workflow: Workflow, requests: int) -> bool:
    """Says whether a retry was interrupted after `requests` requests, rather than finished within them."""
    numbers = count()

    def cut_off(_request: str) -> None:
        if next(numbers) >= requests:
            raise ServiceUnavailable("cut off")

    workflow.world.on_request = cut_off
    try:
        retry(workflow, "a")
    except ServiceUnavailable:
        return True
    finally:
        workflow.world.on_request = lambda _request: None
    return False


def test_a_retry_that_was_cut_off_anywhere_is_finished_by_the_next() -> None:
    for requests in count(1):
        workflow = failed_chain()
        if not _cut_off_after(workflow, requests):
            break
        retry(workflow, "a")
        reap(workflow.services, now_ms=workflow.now_ms + 120_000)
        assert workflow.states == OPEN_CHAIN
    assert requests > 8


def test_a_job_skipped_for_two_reasons_waits_for_both() -> None:
    workflow = Workflow({"a": (), "b": (), "both": after("a", "b"), "last": after("both")})
    workflow.finish("a", FAILED)
    workflow.finish("b", FAILED)
    assert retry(workflow, "b").reopened == 1, "it was skipped because of a"
    assert retry(workflow, "a").reopened == 3
    assert workflow.states == {"a": READY, "b": READY, "both": PENDING, "last": PENDING}
    workflow.finish("b", FAILED)
    assert workflow.states["both"] is SKIPPED
    retry(workflow, "b")
    workflow.finish("a")
    workflow.finish("b")
    assert workflow.states == {"a": SUCCEEDED, "b": SUCCEEDED, "both": READY, "last": PENDING}


def test_what_ran_because_the_job_had_ended_is_left_alone() -> None:
    workflow = Workflow({"a": (), "cleanup": after("a", kind=DependencyType.MUST_COMPLETE)})
    workflow.finish("a", FAILED)
    workflow.finish("cleanup")
    assert retry(workflow, "a").reopened == 1
    assert workflow.states == {"a": READY, "cleanup": SUCCEEDED}


def test_a_late_change_of_the_first_end_decides_nothing_any_more() -> None:
    workflow = Workflow(chain("a", "b", "c"))
    old = workflow.finish("a", FAILED, event=False)
    retry(workflow, "a")
    workflow.hear(old)
    assert workflow.states == OPEN_CHAIN


def test_what_was_found_out_before_a_job_was_reopened_is_no_good_after_it() -> None:
    workflow = Workflow(chain("a", "b"))
    first_life = workflow.job("b")
    workflow.finish("a", FAILED)
    retry(workflow, "a")
    late = SkipIfPending(first_life, 0, Ending(SKIPPED), Stamp(workflow.now_ms, "late"))
    with pytest.raises(TransitionRefused, match="reopened 1 times"):
        workflow.services.jobs.apply(late)


def test_a_worker_of_before_can_not_write_to_the_reopened_job() -> None:
    workflow = Workflow({"a": ()})
    running = workflow.start("a")
    stamp = Stamp(workflow.now_ms, "w")
    workflow.services.jobs.apply(FinishIfAttemptHolds(running, 1, Ending(FAILED), stamp))
    retry(workflow, "a")
    late = FinishIfAttemptHolds(running, 1, Ending(SUCCEEDED), stamp)
    with pytest.raises(TransitionRefused):
        workflow.services.jobs.apply(late)
    workflow.start("a")
    with pytest.raises(TransitionRefused):
        workflow.services.jobs.apply(late)


def test_jobs_of_later_submissions_are_reopened_too() -> None:
    workflow = Workflow({"a": ()})
    before = workflow.submit_after("a")
    workflow.finish("a", FAILED)
    afterwards = workflow.submit_after("a")
    jobs = workflow.world.jobs
    assert (jobs[before].state, jobs[afterwards].state) == (SKIPPED, SKIPPED)
    assert retry(workflow, "a").reopened == 3
    workflow.finish("a")
    assert (jobs[before].state, jobs[afterwards].state) == (READY, READY)


def test_a_cancelled_job_that_never_ran_waits_on_its_dependencies_again() -> None:
    workflow = Workflow(chain("a", "b"))
    cancel_job(workflow.services, workflow.ids["b"], caller=caller_named(ACTOR), now_ms=workflow.now_ms)
    retry(workflow, "b")
    assert workflow.states == {"a": READY, "b": PENDING}
    workflow.finish("a", FAILED)
    assert workflow.states["b"] is SKIPPED
    retry(workflow, "b")
    assert workflow.states["b"] is SKIPPED, "its upstream is as it was"
    failure = workflow.job("b").failure
    assert failure is not None
    assert failure.upstream_id == workflow.ids["a"]


def test_a_job_that_ran_runs_again_though_its_upstream_is_gone() -> None:
    workflow = Workflow(chain("a", "b"))
    workflow.finish("a")
    workflow.finish("b", FAILED)
    workflow.world.remove(workflow.ids["a"])
    retry(workflow, "b")
    assert workflow.job("b").state is READY


def test_workers_may_be_lost_anew() -> None:
    workflow = Workflow({"a": ()}, max_retries=0)
    later_ms = workflow.now_ms + 61_000
    for lost in range(1, limits.MAX_WORKER_LOSSES + 1):
        assert (workflow.job("a").state, workflow.job("a").worker_losses) == (READY, lost - 1)
        workflow.start("a")
        reap(
            workflow.services, now_ms=later_ms + lost
        )  # READY again counts from a millisecond later each time
    ended = workflow.job("a")
    assert (ended.state, ended.worker_losses) == (FAILED, limits.MAX_WORKER_LOSSES)
    assert ended.failure is not None
    assert ended.failure.code == "worker-lost"
    retry(workflow, "a")
    workflow.start("a")
    reap(workflow.services, now_ms=later_ms + 9)
    job = workflow.job("a")
    assert (job.state, job.attempt, job.worker_losses) == (READY, limits.MAX_WORKER_LOSSES + 1, 1)


@pytest.mark.parametrize(
    ("state", "why"),
    [(READY, "has not ended"), (SUCCEEDED, "has succeeded"), (FAILED, "ran again after 20 reopenings")],
)
def test_what_can_not_be_retried_says_why(state: State, why: str) -> None:
    workflow = Workflow({"a": ()})
    if state is not READY:
        job = workflow.finish("a", state)
        if state is FAILED:
            workflow.world.jobs[job.job_id] = worn_out(job)
    before = dict(workflow.world.jobs)
    with pytest.raises(NotRetryable, match=why):
        retry(workflow, "a")
    assert workflow.world.jobs == before


def test_a_job_that_is_being_stopped_is_not_taken_for_one_that_is_tried_again() -> None:
    workflow = failed_chain()
    retry(workflow, "a")
    workflow.start("a")
    assert retry(workflow, "a").reopened == 0, "it is tried again already"
    cancel_job(workflow.services, workflow.ids["a"], caller=caller_named(ACTOR), now_ms=workflow.now_ms)
    with pytest.raises(NotRetryable, match="being stopped"):
        retry(workflow, "a")


def test_an_unknown_job_or_workflow_is_not_found() -> None:
    workflow = Workflow({"a": ()})
    with pytest.raises(NotFound):
        reopen.retry_job(workflow.services, "X", reopen_skipped=True, caller=caller_named(ACTOR), now_ms=0)
    with pytest.raises(NotFound):
        reopen.rerun_workflow(workflow.services, "X", caller=caller_named(ACTOR), now_ms=0)


def test_a_reopened_job_is_never_taken_for_one_that_is_being_staged() -> None:
    workflow = failed_chain()
    retry(workflow, "a")
    workflow.world.submissions.clear()  # past its retention
    assert get_job(workflow.services, workflow.ids["b"]).state is PENDING
    reap(workflow.services, now_ms=workflow.now_ms + 120_000)
    assert workflow.states == OPEN_CHAIN


def test_what_was_skipped_and_may_not_be_reopened_any_more_is_counted() -> None:
    workflow = failed_chain()
    second = workflow.job("b")
    workflow.world.jobs[second.job_id] = worn_out(second)
    assert retry(workflow, "a") == reopen.Reopened(1, 1, left_without_upstream=0, complete=True)
    assert workflow.states == {"a": READY, "b": SKIPPED, "c": SKIPPED}
