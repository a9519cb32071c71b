"""A skipped job runs after all if the job that it was skipped for is retried and satisfies it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from tests.harness.domain.job_samples import worn_out
from tests.harness.usecases.recovering import Workflow, after, chain
from tests.usecases.test_reopen import FAILED, PENDING, READY, SKIPPED, SUCCEEDED, retry
from tests.usecases.test_rerun import rerun
from tidegate.domain.dependency import DependencyType
from tidegate.domain.transitions import ReopenIfEnded, Stamp
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.release import downstream
from tidegate.usecases.release.release import release


def _skipped_while_it_is_retried(requests: int) -> tuple[Workflow, bool]:
    """Fails `a`, lets the dispatcher skip `b` for it, and retries `a` after `requests` of its requests.

    Also says whether the retry came before the dispatcher was done.
    """
    workflow = Workflow(chain("a", "b", "c"))
    failed = workflow.finish("a", FAILED, event=False)
    numbers = count()
    retried = []

    def retry_now(_request: str) -> None:
        if next(numbers) == requests:
            workflow.world.on_request = lambda _request: None
            retry(workflow, "a")
            retried.append(requests)

    workflow.world.on_request = retry_now
    workflow.hear(failed)
    workflow.world.on_request = lambda _request: None
    return workflow, bool(retried)


def test_a_job_that_is_being_skipped_while_its_upstream_is_retried_follows() -> None:
    left = 0
    for requests in count(0):
        workflow, retried = _skipped_while_it_is_retried(requests)
        if not retried:
            break
        left += workflow.states["b"] is SKIPPED
        for key in "abc":
            workflow.finish(key)
        assert set(workflow.states.values()) == {SUCCEEDED}
    assert left, "no moment was met at which it stays skipped at first"


def _a_succeeds_before_the_next_write(workflow: Workflow) -> None:
    """Retries job `a`, with success, just before the next transitions are written."""

    def meanwhile(request: str) -> None:
        if request == "apply_all":
            workflow.world.on_request = lambda _request: None
            retry(workflow, "a")
            workflow.finish("a")

    workflow.world.on_request = meanwhile


def test_a_skip_that_comes_after_the_retry_has_succeeded_is_refused() -> None:
    """Its dispatcher stopped between its read of the upstream and its write."""
    workflow = Workflow({"a": (), "beside": (), "b": after("a", "beside")})
    failed = workflow.finish("a", FAILED, event=False)
    _a_succeeds_before_the_next_write(workflow)
    workflow.hear(failed)
    assert workflow.states == {"a": SUCCEEDED, "beside": READY, "b": PENDING}
    assert workflow.job("b").waiting_on == {1}


def test_of_two_that_failed_the_other_still_counts_when_one_was_retried_meanwhile() -> None:
    workflow = Workflow({"a": (), "beside": (), "b": after("a", "beside")})
    failed = [workflow.finish(key, FAILED, event=False) for key in ("a", "beside")]
    _a_succeeds_before_the_next_write(workflow)
    release(workflow.services, failed, workflow.now_ms)
    b = workflow.job("b")
    assert b.state is SKIPPED
    assert b.failure is not None
    assert b.failure.upstream_id == workflow.ids["beside"]


def test_jobs_of_other_workflows_follow_a_rerun_too() -> None:
    workflow = Workflow({"a": ()})
    later = workflow.submit_after("a")
    workflow.finish("a", FAILED)
    assert workflow.world.jobs[later].state is SKIPPED
    rerun(workflow)
    workflow.finish("a", FAILED)
    assert workflow.world.jobs[later].state is SKIPPED, "it is as before"
    rerun(workflow)
    workflow.finish("a")
    job = workflow.world.jobs[later]
    assert (job.state, job.reopened) == (READY, 1)
    assert (job.history[-2].actor, job.history[-2].reason) == ("release", "its upstream was retried")


def test_more_than_one_call_can_reopen_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = Workflow(chain(*"abcdef"))
    workflow.finish("a", FAILED)
    monkeypatch.setattr(downstream, "LAYERS_AT_MOST", 2)
    assert not retry(workflow, "a").complete
    for key in "abcdef":
        workflow.finish(key)
    assert set(workflow.states.values()) == {SUCCEEDED}


@pytest.mark.parametrize(
    ("condition", "follows"),
    [("upstream.status == 'SUCCEEDED' && upstream.attempts == 1", True), ("upstream.attempts > 9", False)],
)
def test_a_condition_is_asked_anew(condition: str, follows: bool) -> None:
    edge = replace(after("a", kind=DependencyType.CONDITIONAL)[0], condition=condition)
    workflow = Workflow({"a": (), "b": (edge,)})
    failed = workflow.finish("a", FAILED)
    assert workflow.states["b"] is SKIPPED
    # As if the caller's process was killed right after the retry.
    workflow.services.jobs.apply(ReopenIfEnded(failed, Stamp(workflow.now_ms, "killed")))
    reap(workflow.services, now_ms=workflow.now_ms + 120_000)
    workflow.finish("a")
    b = workflow.job("b")
    assert (b.state, b.reopened) == ((READY, 1) if follows else (SKIPPED, 0))


def test_of_two_dependencies_on_one_job_both_have_to_be_satisfied() -> None:
    both = (*after("a"), *after("a", kind=DependencyType.MUST_START))
    workflow = Workflow({"a": (), "b": both})
    failed = workflow.finish("a", FAILED)
    workflow.services.jobs.apply(ReopenIfEnded(failed, Stamp(workflow.now_ms, "killed")))
    reap(workflow.services, now_ms=workflow.now_ms + 120_000)
    workflow.finish("a", FAILED)
    assert workflow.job("b").reopened == 0


def test_what_was_to_be_left_is_left() -> None:
    workflow = Workflow(chain("a", "b"))
    workflow.finish("a", FAILED)
    retry(workflow, "a", reopen_skipped=False)
    workflow.finish("a")
    assert workflow.states["b"] is SKIPPED


def test_what_was_reopened_as_often_as_is_allowed_stays_skipped() -> None:
    workflow = Workflow(chain("a", "b"))
    workflow.finish("a", FAILED)
    b = workflow.job("b")
    workflow.world.jobs[b.job_id] = worn_out(b)
    retry(workflow, "a")
    workflow.finish("a")
    assert workflow.states["b"] is SKIPPED
