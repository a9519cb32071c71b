from __future__ import annotations

from dataclasses import replace

import pytest

from tests.domain.job_samples import ENDED, NOW_MS, SAMPLES
from tidegate.domain.job import HistoryEntry
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


def test_a_job_counts_as_started_from_its_first_claim() -> None:
    assert not replace(ENDED, attempt=0).was_started
    assert replace(ENDED, attempt=1).was_started


def test_only_jobs_of_a_workflow_have_a_workflow() -> None:
    assert replace(ENDED, job_id="W.3").workflow_id == "W"
    assert replace(ENDED, job_id="J").workflow_id is None


@pytest.mark.parametrize(
    ("state", "terminal"),
    [(State.RUNNING, False), (State.READY, False), (State.SKIPPED, True), (State.TIMED_OUT, True)],
)
def test_terminal_states_end_a_job(state: State, terminal: bool) -> None:
    assert SAMPLES[state].is_terminal is terminal
