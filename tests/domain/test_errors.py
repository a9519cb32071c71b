"""Each error says what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.domain.job_samples import NOW_MS, READY
from tidegate.domain import errors, workers
from tidegate.domain.errors import TidegateError, Violation
from tidegate.domain.transitions import TransitionRefused
from tidegate.domain.workers import Worker, WorkerSpec, begin

WORKER: Worker = begin(WorkerSpec("ecs", "w1", "host-a", slots=2), "session-1", NOW_MS)


@pytest.mark.parametrize(
    ("make", "words"),
    [  # made in the test, because `make mutants` counts no code that runs while tests are collected
        (lambda: errors.NotFound("job", "X"), ("no job 'X'", "check the id", "retention")),
        (lambda: errors.AlreadyEnded("X", "FAILED"), ("job X", "FAILED", "nothing left to cancel")),
        (lambda: errors.NotRetryable("X", "has succeeded"), ("job X has succeeded",)),
        (
            lambda: errors.TooFarDownstream("X", 7),
            ("more than 7 jobs", "wait on X", "nothing was done", "its workflow"),
        ),
        (
            errors.IdempotencyConflict,
            (
                "Idempotency-Key was used",
                "different body; send the same body again, or use a new key for a new submission",
            ),
        ),
        (lambda: errors.IdempotencyConflict("use another"), ("use another",)),
        (
            lambda: workers.WorkerRefused("heartbeat", "w1", None),
            ("heartbeat refused for worker w1: it has no entry",),
        ),
        (lambda: workers.WorkerRefused("heartbeat", "w1", WORKER), ("ACTIVE", "session-1")),
        (lambda: workers.WorkerFenced(WORKER), ("'w1'", "'ecs'", "'host-a'", "session-1", "must stop")),
        (lambda: workers.WorkerGone(WORKER), ("w1", "ACTIVE", "nothing left to drain")),
        (lambda: errors.JobError("it broke"), ("it broke",)),
        (
            lambda: workers.WorkerIdTaken(WORKER, silent_since_ms=NOW_MS - 59_999),
            (
                "'w1'",
                "'ecs'",
                "'host-a'",
                "ACTIVE",
                "2023-11-14T22:13:20.000+00:00",
                "free in 60 s",
                "or take it over (--take-over), which stops the other process",
            ),
        ),
        (lambda: workers.WorkerIdTaken(WORKER, silent_since_ms=NOW_MS + 5_000), ("free in 1 s",)),
    ],
)
def test_an_error_says_so(make: Callable[[], TidegateError], words: tuple[str, ...]) -> None:
    text = str(make())
    assert not [word for word in words if word not in text], text


def test_a_handlers_error_says_how_to_go_on() -> None:
    plain = errors.JobError("it broke")
    assert (plain.retryable, plain.retry_after_seconds, plain.code) == (True, None, "job-error")
    told = errors.JobError("it broke", retryable=False, retry_after_seconds=3, code="Throttled")
    assert (told.retryable, told.retry_after_seconds, told.code) == (False, 3, "Throttled")
    assert errors.JobError.code == "job-error"


def test_errors_keep_what_they_are_about() -> None:
    found = errors.NotFound("job", "X")
    assert (found.what, found.identifier) == ("job", "X")
    ended = errors.AlreadyEnded("X", "FAILED")
    assert (ended.job_id, ended.state) == ("X", "FAILED")
    assert errors.NotRetryable("X", "why").job_id == "X"
    far = errors.TooFarDownstream("X", 7)
    assert (far.job_id, far.found) == ("X", 7)
    assert workers.WorkerFenced(WORKER).holder is WORKER
    assert workers.WorkerIdTaken(WORKER, silent_since_ms=0).holder is WORKER
    assert workers.WorkerGone(WORKER).worker is WORKER
    assert workers.WorkerRefused("leave", "w1", WORKER).worker is WORKER


def test_violations_are_named_one_after_the_other() -> None:
    error = errors.InvalidRequest([Violation("a", "is bad"), Violation("b", "is worse")])
    assert str(error) == "a: is bad; b: is worse"
    assert errors.InvalidRequest.of("a", "is bad").violations == (Violation("a", "is bad"),)


def test_a_refused_transition_keeps_why_for_who_raises_it_again() -> None:
    refused = TransitionRefused("release", READY, "it waits on another")
    again = TransitionRefused(refused.transition, refused.job, refused.why)
    assert str(again) == str(refused)
    assert "it waits on another" in str(again)
