"""Job code written as `async def` runs, stops and times out like other job code."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.harness.jobs.executors import Beats, assignment, has_progress
from tests.jobs.test_executors import kind, patient, strict
from tidegate.ports import Executor, Outcome, OutcomeKind, Signal

__all__ = ["kind", "patient", "strict"]
SOON_SECONDS = 20.0  # of the 120 that the job would take


def test_it_returns_its_result(patient: Executor) -> None:
    outcome = patient.execute(assignment("later.add", {"rows": 9}), Beats())
    assert outcome == Outcome(OutcomeKind.SUCCEEDED, result={"total": 9, "main": True})


def test_a_plain_function_may_return_a_coroutine(patient: Executor) -> None:
    assert patient.execute(assignment("later.wrapped", {"rows": 9}), Beats()).result == 4


def test_it_fails_with_its_own_code(patient: Executor) -> None:
    outcome = patient.execute(assignment("later.refuse"), Beats())
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "Gone", False)


@pytest.mark.parametrize("asked", [Signal.CANCEL, Signal.HAND_BACK])
def test_it_hears_at_its_next_await_that_it_should_stop(
    patient: Executor, tmp_path: Path, asked: Signal
) -> None:
    marker = tmp_path / "marker"
    started = time.monotonic()
    outcome = patient.execute(
        assignment("later.wait", {"marker": str(marker)}), Beats(asked, when=has_progress)
    )
    wanted = OutcomeKind.CANCELLED if asked is Signal.CANCEL else OutcomeKind.HANDED_BACK
    assert outcome.kind is wanted
    assert marker.read_text() == "cleaned up"
    assert time.monotonic() - started < SOON_SECONDS


def test_its_time_is_over_at_its_next_await(patient: Executor, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    started = time.monotonic()
    outcome = patient.execute(assignment("later.wait", {"marker": str(marker)}, timeout_ms=1_500), Beats())
    assert outcome.kind is OutcomeKind.TIMED_OUT
    assert time.monotonic() - started < SOON_SECONDS


def test_one_that_goes_on_is_stopped_by_force(strict: Executor) -> None:
    started = time.monotonic()
    outcome = strict.execute(assignment("later.stubborn"), Beats(Signal.CANCEL, when=has_progress))
    assert outcome.kind is OutcomeKind.CANCELLED
    assert time.monotonic() - started < SOON_SECONDS


def test_one_that_goes_on_beyond_its_time_is_stopped_by_force(strict: Executor) -> None:
    outcome = strict.execute(assignment("later.stubborn", timeout_ms=1_500), Beats())
    assert outcome.kind is OutcomeKind.TIMED_OUT


def test_one_that_cancels_itself_has_failed(patient: Executor) -> None:
    outcome = patient.execute(assignment("later.cancel-itself"), Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "CancelledError")
