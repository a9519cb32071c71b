from __future__ import annotations

from copy import copy
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from tests.harness.domain.job_samples import ENDED, NOW_MS, SAMPLES
from tidegate.domain import limits
from tidegate.domain.job import GivenFields, HistoryEntry, Job
from tidegate.domain.requests import JobRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import State


def test_the_duration_is_that_of_the_last_attempt() -> None:
    job = replace(ENDED, started_at_ms=NOW_MS - 1_500, finished_at_ms=NOW_MS)
    assert job.actual_duration_seconds == 1.5
    assert replace(job, finished_at_ms=None).actual_duration_seconds is None
    assert replace(job, started_at_ms=None).actual_duration_seconds is None


def test_what_a_job_waited_after_its_last_attempt_does_not_count() -> None:
    states = [(State.QUEUED, 0), (State.RUNNING, 100), (State.SCHEDULED, 1_600), (State.CANCELLED, 90_000)]
    history = tuple(HistoryEntry(NOW_MS + after_ms, state, 1, "t") for state, after_ms in states)
    job = replace(ENDED, started_at_ms=NOW_MS + 100, finished_at_ms=NOW_MS + 90_000, history=history)
    assert job.actual_duration_seconds == 1.5


def test_a_job_counts_as_started_once_its_code_began_not_from_its_claim() -> None:
    assert not replace(ENDED, attempt=1).was_started
    assert replace(ENDED, attempt=1, began_at_ms=NOW_MS).was_started


def test_a_job_counts_as_claimed_from_its_first_attempt_in_whatever_life() -> None:
    assert not replace(ENDED, attempt=0).was_claimed
    assert replace(ENDED, attempt=1, reopened=2, began_at_ms=None).was_claimed


def test_runs_are_the_tries_and_the_run_that_succeeded() -> None:
    assert replace(ENDED, state=State.FAILED, attempt=9, tries=3).runs == 3
    assert replace(ENDED, state=State.SUCCEEDED, attempt=9, tries=3).runs == 4
    assert replace(ENDED, state=State.CANCELLED, attempt=9, tries=0).runs == 0


def test_retries_are_left_while_fewer_tries_failed_than_there_are_retries() -> None:
    job = replace(ENDED, attempt=100, worker_losses=4, retry=RetryPolicy(max_retries=2))
    assert replace(job, tries=1).has_retries_left
    assert not replace(job, tries=2).has_retries_left
    assert not replace(job, tries=0, retry=RetryPolicy(max_retries=0)).has_retries_left


def test_a_job_may_lose_its_worker_until_it_has_lost_as_many_as_a_job_may_lose() -> None:
    job = replace(ENDED, attempt=100, tries=25, retry=RetryPolicy(max_retries=0))
    assert replace(job, worker_losses=limits.MAX_WORKER_LOSSES - 2).may_lose_its_worker
    assert not replace(job, worker_losses=limits.MAX_WORKER_LOSSES - 1).may_lose_its_worker
    forbidden = RetryPolicy(max_retries=9, never_on=frozenset({"worker-lost"}))
    assert not replace(job, worker_losses=0, retry=forbidden).may_lose_its_worker


def test_only_jobs_of_a_workflow_have_a_workflow() -> None:
    assert replace(ENDED, job_id="W.3").workflow_id == "W"
    assert replace(ENDED, job_id="J").workflow_id is None


@pytest.mark.parametrize(
    ("state", "terminal"),
    [(State.RUNNING, False), (State.READY, False), (State.SKIPPED, True), (State.TIMED_OUT, True)],
)
def test_terminal_states_end_a_job(state: State, terminal: bool) -> None:
    assert SAMPLES[state].is_terminal is terminal


GIVEN: dict[str, Any] = {
    "type": "t",
    "key": "k",
    "name": "n",
    "description": "d",
    "requires": ("gpu",),
    "concurrency_key": "c",
    "concurrency_limit": 3,
    "not_before_ms": NOW_MS + 1,
    "finish_by_ms": NOW_MS + 2,
    "estimated_duration_seconds": 2.5,
    "estimate_is_usual": False,
    "retry": RetryPolicy(1, 2, 3),
}


def test_a_job_takes_over_what_its_caller_gave_and_nothing_else_of_the_request() -> None:
    request = JobRequest(**GIVEN, tags={"team": "data"}, priority=7)
    assert request.given() == GIVEN
    job = Job(**request.given(), job_id="S", state=State.READY, pool="p", priority=100, created_at_ms=NOW_MS)
    assert job.given() == GIVEN
    assert (job.priority, dict(job.tags)) == (100, {})


@pytest.mark.parametrize("value", [replace(ENDED, name="n"), JobRequest(**GIVEN), GivenFields(**GIVEN)])
def test_what_its_caller_gave_never_changes_and_is_copied(value: GivenFields) -> None:
    assert copy(value) == value
    assert not hasattr(value, "__dict__")
    with pytest.raises(FrozenInstanceError):
        value.name = "another"  # type: ignore[misc]  # it must fail
    assert value.name == "n"
