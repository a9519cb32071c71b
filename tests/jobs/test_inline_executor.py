"""The worker function's executor: it works in the main thread, and leaves no trace."""

from __future__ import annotations

import logging
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.harness.jobs.executors import BEAT_SECONDS, CLOCK, JOBCODE, Beats, assignment
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.domain.errors import TidegateError
from tidegate.jobs.loader import load_registry
from tidegate.ports import OutcomeKind


@pytest.fixture
def executor() -> InlineExecutor:
    return InlineExecutor(load_registry(JOBCODE), CLOCK, heartbeat_seconds=BEAT_SECONDS)


def test_outside_of_the_main_thread_it_refuses(executor: InlineExecutor) -> None:
    refused: list[str] = []

    def run() -> None:
        with pytest.raises(TidegateError) as error:
            executor.execute(assignment("sample.describe"), Beats())
        refused.append(str(error.value))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "main thread only" in refused[0]


def test_neither_a_thread_nor_a_signal_handler_stays_behind(executor: InlineExecutor) -> None:
    before = (signal.getsignal(signal.SIGUSR1), threading.active_count())
    executor.execute(assignment("sample.spin", timeout_ms=100), Beats())
    assert (signal.getsignal(signal.SIGUSR1), threading.active_count()) == before


def test_what_job_code_does_at_its_end_is_not_interrupted_again_at_once(
    executor: InlineExecutor, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    outcome = executor.execute(assignment("sample.clean-up", {"marker": str(marker)}, timeout_ms=50), Beats())
    assert outcome.kind is OutcomeKind.TIMED_OUT
    assert marker.read_text(encoding="utf-8") == "cleaned up"


def test_it_runs_again_after_an_interrupt(executor: InlineExecutor) -> None:
    for _ in range(3):
        spun = executor.execute(assignment("sample.spin", timeout_ms=50), Beats())
        assert spun.kind is OutcomeKind.TIMED_OUT
        assert executor.execute(assignment("sample.describe"), Beats()).kind is OutcomeKind.SUCCEEDED


def test_the_time_to_note_that_the_code_begins_is_not_taken_from_its_timeout(
    executor: InlineExecutor,
) -> None:
    outcome = executor.execute(
        assignment("sample.describe", timeout_ms=1_400), Beats(), lambda: time.sleep(0.5)
    )
    assert isinstance(outcome.result, dict)
    assert outcome.result["has_time"]


def test_a_record_of_tidegate_is_printed_once_and_the_functions_own_log_is_back_behind_the_job(
    executor: InlineExecutor,
) -> None:
    own = logging.getLogger("tidegate")
    with open(1, "w", closefd=False) as output:  # the process's own, as Powertools' handler has it
        printing = logging.StreamHandler(output)
        own.addHandler(printing)
        try:
            outcome = executor.execute(assignment("sample.crash", {"rows": 3}), Beats())
            assert printing in own.handlers
        finally:
            own.removeHandler(printing)
    assert len([line for line in outcome.last_lines if "raised SecretError" in line]) == 1
