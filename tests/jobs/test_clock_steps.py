"""The machine's clock is set while job code runs: no attempt ends earlier or later because of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.harness.jobs.executors import BEAT_SECONDS, JOBCODE, Beats, assignment
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.adapters.system import SystemStopwatch
from tidegate.jobs.loader import load_registry
from tidegate.ports import Executor, OutcomeKind

STEPS_SECONDS = (600, -120)
TIMEOUT_MS = 1_500


@pytest.fixture(params=["inline", "process"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "inline":
        registry = load_registry(JOBCODE)
        yield InlineExecutor(registry, SystemStopwatch(), heartbeat_seconds=BEAT_SECONDS)
        return
    made = ProcessExecutor(
        SystemStopwatch(), heartbeat_seconds=BEAT_SECONDS, cancel_grace_seconds=1, packages=(JOBCODE,)
    )
    yield made
    made.close()


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Returns a function that shifts the machine's clock, as this process sees it, by a number of seconds."""
    seconds, nanoseconds = time.time, time.time_ns

    def by(step_seconds: int) -> None:
        monkeypatch.setattr(time, "time", lambda: seconds() + step_seconds)
        monkeypatch.setattr(time, "time_ns", lambda: nanoseconds() + step_seconds * 1_000_000_000)

    return by


@pytest.mark.parametrize("by_seconds", STEPS_SECONDS)
def test_an_attempt_runs_for_its_own_time_whatever_the_machine_s_clock_says(
    executor: Executor, step: Callable[[int], None], by_seconds: int
) -> None:
    stepped = threading.Timer(0.3, step, (by_seconds,))
    began = time.monotonic()
    stepped.start()
    beats = Beats()
    outcome = executor.execute(assignment("sample.spin", timeout_ms=TIMEOUT_MS), beats)
    ran_ms = (time.monotonic() - began) * 1_000
    stepped.join()
    assert outcome.kind is OutcomeKind.TIMED_OUT
    assert TIMEOUT_MS <= ran_ms < 60_000
    assert beats.count >= 3, "the heartbeats went on"
