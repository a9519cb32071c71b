"""Commands of targets that leave processes, flood their output, or hold on to what they have."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.jobs.executors import BEAT_SECONDS, CLOCK, Beats, assignment
from tests.harness.processes import is_running
from tests.harness.waiting import becomes_true
from tidegate.adapters.executors.output import MAX_ATTEMPT_BYTES
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.domain.limits import MAX_RESULT_BYTES
from tidegate.jobs.targets.last_line import LastLine
from tidegate.ports import Outcome, OutcomeKind, Signal

PACKAGE = "tests.harness.jobs.targetcode"


@pytest.fixture(scope="module")
def executor() -> Iterator[ProcessExecutor]:
    made = ProcessExecutor(
        CLOCK,
        heartbeat_seconds=BEAT_SECONDS,
        cancel_grace_seconds=0.2,
        hand_back_grace_seconds=0.2,
        packages=(PACKAGE,),
    )
    yield made
    made.close()


def _run(executor: ProcessExecutor, run: str, beats: Beats | None = None) -> Outcome:
    return executor.execute(assignment("target.shell", {"run": run}), beats or Beats())


def _is_gone(path: Path) -> bool:
    return becomes_true(lambda: not is_running(int(path.read_text())))


_LEFT = "sh -c 'echo $$ > {pid}; exec sleep 60'"


@pytest.mark.parametrize(
    "leave",
    [
        f"{_LEFT} &",
        f"({_LEFT} &)",
        f"setsid {_LEFT} &",
        f"nohup setsid {_LEFT} >/dev/null 2>&1 &",
        f"trap '' TERM HUP; {_LEFT} &",
    ],
)
def test_nothing_that_a_command_started_outlives_its_attempt(
    executor: ProcessExecutor, tmp_path: Path, leave: str
) -> None:
    """The processes that hold the command's output open must not keep the attempt waiting either."""
    pid = tmp_path / "pid"
    began_s = time.monotonic()
    left = leave.replace("{pid}", str(pid))
    outcome = _run(executor, f"{left}\nwhile [ ! -s {pid} ]; do sleep 0.01; done; echo 1")
    assert (outcome.kind, outcome.result) == (OutcomeKind.SUCCEEDED, 1)
    assert time.monotonic() - began_s < 30
    assert _is_gone(pid)


def test_a_command_that_ignores_its_stop_is_ended_with_all_it_started(
    executor: ProcessExecutor, tmp_path: Path
) -> None:
    run = f"trap '' TERM; echo $$ > {tmp_path}/one; sh -c 'echo $$ > {tmp_path}/two; exec sleep 60'"
    beats = Beats(Signal.CANCEL, when=lambda _: (tmp_path / "two").exists())
    assert _run(executor, run, beats).kind is OutcomeKind.CANCELLED
    assert _is_gone(tmp_path / "one")
    assert _is_gone(tmp_path / "two")


def test_a_command_ends_when_the_process_that_runs_it_is_killed(
    executor: ProcessExecutor, tmp_path: Path
) -> None:
    outcome = _run(executor, f"echo $$ > {tmp_path}/pid; kill -KILL $PPID; sleep 60")
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "process-died")
    assert _is_gone(tmp_path / "pid")


def test_a_flood_of_output_neither_fills_memory_nor_loses_the_result(executor: ProcessExecutor) -> None:
    flood_bytes = 20 * MAX_ATTEMPT_BYTES
    outcome = _run(
        executor, f"head -c {flood_bytes} /dev/zero | tr '\\0' 'x'; echo; yes | head -n 500000; echo 7"
    )
    assert (outcome.kind, outcome.result) == (OutcomeKind.SUCCEEDED, 7)


def test_a_last_line_longer_than_a_result_fails_for_good(executor: ProcessExecutor) -> None:
    outcome = _run(executor, f"head -c {MAX_RESULT_BYTES + 1} /dev/zero | tr '\\0' '1'")
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "result-too-large", False)


def test_deep_json_is_no_result_and_breaks_nothing(executor: ProcessExecutor) -> None:
    outcome = _run(executor, "head -c 100000 /dev/zero | tr '\\0' '['")
    assert (outcome.kind, outcome.result) == (OutcomeKind.SUCCEEDED, None)
    outcome = _run(executor, "printf '%0.s[' $(seq 300); printf '%0.s]' $(seq 300)")
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "result-too-deep")


def test_parameters_are_never_words_of_a_shell(executor: ProcessExecutor, tmp_path: Path) -> None:
    """A caller sends values; the words of the command are the deployment's alone."""
    mark = tmp_path / "mark"
    evil = f"'; touch {mark}; echo $(touch {mark}) `touch {mark}`\n{{here}}/x"
    outcome = executor.execute(assignment("target.facts", {evil: evil}), Beats())
    assert outcome.kind is OutcomeKind.SUCCEEDED
    assert isinstance(outcome.result, dict)
    assert outcome.result["given"] == {evil: evil}
    assert outcome.result["arguments"] == []
    assert not mark.exists()


def test_a_command_that_stops_itself_still_ends_at_its_timeout(
    executor: ProcessExecutor, tmp_path: Path
) -> None:
    job = assignment("target.shell", {"run": f"echo $$ > {tmp_path}/pid; kill -STOP $$"}, timeout_ms=5_000)
    assert executor.execute(job, Beats()).kind is OutcomeKind.TIMED_OUT
    assert _is_gone(tmp_path / "pid")


def test_a_command_does_not_keep_reading_a_stream_that_never_ends(executor: ProcessExecutor) -> None:
    job = assignment("target.shell", {"run": "yes"}, timeout_ms=5_000)
    assert executor.execute(job, Beats()).kind is OutcomeKind.TIMED_OUT


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_the_last_line_is_the_same_however_the_stream_is_cut(size: int) -> None:
    stream = b"one\n\n two\nthree \r\n \n"
    line = LastLine(100)
    for start in range(0, len(stream), size):
        line.take(stream[start : start + size])
    assert line.value() == b"three"


def test_a_line_is_kept_only_as_far_as_it_may_be_a_result() -> None:
    line = LastLine(10)
    for _ in range(1_000):
        line.take(b"x" * 1_000)
    assert len(line.value()) == 11
    line.take(b"\n12\n")
    assert line.value() == b"12"


def test_the_worker_gets_no_signal_that_a_command_sends_to_its_group(executor: ProcessExecutor) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
    try:
        outcome = _run(executor, "trap '' TERM; kill -TERM 0; echo 1")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (outcome.kind, outcome.result, heard) == (OutcomeKind.SUCCEEDED, 1, [])
