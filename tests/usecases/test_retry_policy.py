"""The failures that are retried, and when: by the job's policy and by the errors of its code."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.functions.api_calls import NOW_MS
from tests.harness.usecases.recovering import Workflow
from tidegate.domain.job import Job
from tidegate.domain.retry import RetryPolicy, backoff_ms
from tidegate.domain.states import State
from tidegate.ports import Message, Outcome, OutcomeKind
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.work.claim import claim
from tidegate.usecases.work.conclude import conclude

NEVER, ALWAYS = frozenset({"Fatal", "worker-lost"}), frozenset({"Odd", "timed-out"})
POLICY = RetryPolicy(max_retries=3, never_on=NEVER, always_on=ALWAYS)


def fails_with(outcome: Outcome, policy: RetryPolicy = POLICY) -> Job:
    workflow = Workflow({"a": ()})
    job = replace(workflow.job("a"), retry=policy, state=State.QUEUED)
    workflow.world.write(job)
    claimed = claim(workflow.services, Message(job.job_id, 0), "w", NOW_MS)
    assert claimed is not None
    concluded = conclude(workflow.services, claimed, outcome, NOW_MS)
    assert concluded is not None
    return concluded


def failed(code: str, *, retryable: bool = True, retry_after_seconds: float | None = None) -> Outcome:
    return Outcome(
        OutcomeKind.FAILED, code=code, retryable=retryable, retry_after_seconds=retry_after_seconds
    )


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (failed("Usual"), State.SCHEDULED),
        (failed("Usual", retryable=False), State.FAILED),
        (failed("Fatal"), State.FAILED),
        (failed("Fatal", retry_after_seconds=3), State.FAILED),
        (failed("Odd", retryable=False), State.SCHEDULED),
        (Outcome(OutcomeKind.TIMED_OUT), State.SCHEDULED),
        (Outcome(OutcomeKind.TIMED_OUT, retryable=False), State.SCHEDULED),
    ],
)
def test_the_policy_decides_before_the_code_does(outcome: Outcome, state: State) -> None:
    assert fails_with(outcome).state is state


def test_always_is_within_the_retries() -> None:
    none_left = replace(POLICY, max_retries=0)
    assert fails_with(failed("Odd"), none_left).state is State.FAILED


def test_a_timeout_can_be_final() -> None:
    final = RetryPolicy(never_on=frozenset({"timed-out"}))
    assert fails_with(Outcome(OutcomeKind.TIMED_OUT), final).state is State.TIMED_OUT


def test_what_the_code_asks_for_is_waited_for_at_the_least() -> None:
    assert fails_with(failed("Usual", retry_after_seconds=90.5)).due_at_ms == NOW_MS + 90_500
    assert backoff_ms(RetryPolicy(), 5, 0.99, 3.0) == int(5 * 2**4 * 1_000 * 0.99)
    assert backoff_ms(RetryPolicy(), 5, 0.0, 3.0) == 3_000


@pytest.mark.parametrize(("policy", "state"), [(POLICY, State.FAILED), (RetryPolicy(), State.READY)])
def test_a_lost_worker_can_be_final(policy: RetryPolicy, state: State) -> None:
    workflow = Workflow({"a": ()})
    running = workflow.start("a")
    workflow.world.write(replace(running, retry=policy))
    later_ms = workflow.now_ms + 61_000
    if state is State.FAILED:
        assert claim(workflow.services, Message(running.job_id, 0), "other", later_ms) is None
    reap(workflow.services, now_ms=later_ms)
    job = workflow.job("a")
    assert job.state is state
    if job.failure:
        assert job.failure.message.endswith("and its retry policy never retries that")
