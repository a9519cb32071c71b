"""The worker process's executor: it owns processes, kills them and replaces them."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.harness.jobs.executors import BEAT_SECONDS, CLOCK, JOBCODE, Beats, assignment, has_progress
from tests.harness.processes import importing_environment, is_running
from tests.harness.waiting import PATIENCE_SECONDS, becomes_true
from tidegate.adapters.executors import job_process, process_executor
from tidegate.adapters.executors.job_process import JobProcess
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.domain.job import Progress
from tidegate.domain.limits import MAX_ERROR_CHARACTERS
from tidegate.domain.logs import LogLine
from tidegate.ports import Outcome, OutcomeKind, Signal


def _make(heartbeat_seconds: float = BEAT_SECONDS) -> ProcessExecutor:
    return ProcessExecutor(
        CLOCK,
        heartbeat_seconds=heartbeat_seconds,
        cancel_grace_seconds=0.05,
        hand_back_grace_seconds=0.05,
        packages=(JOBCODE,),
    )


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    made = _make()
    yield made
    made.close()


def _process_of(executor: ProcessExecutor) -> object:
    outcome = executor.execute(assignment("sample.describe"), Beats())
    assert isinstance(outcome.result, dict)
    return outcome.result["process"]


def test_a_process_runs_one_job_after_the_other(executor: ProcessExecutor) -> None:
    first = _process_of(executor)
    assert first != os.getpid()
    assert _process_of(executor) == first


def test_a_process_that_had_to_be_killed_is_replaced(executor: ProcessExecutor) -> None:
    first = _process_of(executor)
    assert executor.execute(assignment("sample.spin"), Beats(Signal.LOST)).kind is OutcomeKind.LOST
    assert isinstance(first, int)
    assert not is_running(first)
    assert _process_of(executor) != first


def test_code_that_holds_the_interpreter_can_neither_starve_heartbeats_nor_outlive_its_stop(
    executor: ProcessExecutor,
) -> None:
    beats = Beats(*[Signal.GO_ON] * 10, Signal.CANCEL)
    outcome = executor.execute(assignment("sample.hold-interpreter"), beats)
    assert outcome.kind is OutcomeKind.CANCELLED
    assert beats.count >= 11


def test_a_process_that_dies_fails_the_attempt(executor: ProcessExecutor) -> None:
    outcome = executor.execute(assignment("sample.exit-process"), Beats())
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "process-died", True)
    assert "status 7" in outcome.message
    assert _process_of(executor)


def test_a_process_that_a_signal_without_a_name_ends_fails_the_attempt(executor: ProcessExecutor) -> None:
    number = signal.SIGRTMIN + 6
    outcome = executor.execute(assignment("sample.raise-signal", {"status": number}), Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "process-died")
    assert f"signal {number}" in outcome.message


def test_a_process_that_died_after_its_job_costs_the_next_one_nothing(executor: ProcessExecutor) -> None:
    trapped = executor.execute(assignment("sample.leave-a-trap"), Beats()).result
    assert isinstance(trapped, int)
    assert becomes_true(lambda: not is_running(trapped))
    assert _process_of(executor) != trapped


@contextmanager
def _killed_unseen(executor: ProcessExecutor) -> Iterator[int]:
    """Lends the idle process as one that runs, and kills it before it can begin a job."""
    (idle,) = executor._children.idle
    pid = idle.pid
    os.kill(pid, signal.SIGSTOP)
    assert becomes_true(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)

    def kill() -> None:
        becomes_true(lambda: idle in executor._children.busy)
        os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    yield pid
    killer.join(PATIENCE_SECONDS)


def test_a_process_that_dies_before_it_began_a_job_costs_the_job_nothing(executor: ProcessExecutor) -> None:
    first = _process_of(executor)
    with _killed_unseen(executor) as killed:
        assert killed == first
        # Another attempt, as it always is, because the last message of the first one may come late.
        following = dataclasses.replace(assignment("sample.describe"), attempt=3)
        outcome = executor.execute(following, Beats())
    assert outcome.kind is OutcomeKind.SUCCEEDED, outcome
    assert not executor._children.busy


def test_a_process_that_dies_before_it_described_the_job_types_is_replaced(executor: ProcessExecutor) -> None:
    executor.warm(1)
    with _killed_unseen(executor):
        types = executor.job_types()
    assert "sample.describe" in types.types()


def test_processes_that_never_begin_are_not_started_without_end(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor.execute(assignment("sample.exit-process"), Beats())
    started: list[int] = []
    start = executor._children._start

    def start_and_kill(*, with_keys: bool) -> JobProcess:
        child = start(with_keys=with_keys)
        started.append(child.pid)
        os.kill(child.pid, signal.SIGKILL)
        return child

    monkeypatch.setattr(executor._children, "_start", start_and_kill)
    told: list[str] = []
    outcome = executor.execute(assignment("sample.describe"), Beats(), lambda: told.append("begun"))
    assert told == []
    assert (outcome.kind, outcome.code, outcome.retryable) == (
        OutcomeKind.UNABLE,
        "process-not-started",
        True,
    )
    assert "SIGKILL" in outcome.message
    assert len(started) == 3


def test_a_process_that_reads_nothing_keeps_no_large_job_waiting(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_process, "_SEND_SECONDS", 5.0)
    stopped = _process_of(executor)
    assert isinstance(stopped, int)
    os.kill(stopped, signal.SIGSTOP)
    assert becomes_true(lambda: psutil.Process(stopped).status() == psutil.STATUS_STOPPED)
    large = dataclasses.replace(assignment("sample.print"), attempt=3, key="k" * 1_000_000)
    outcomes: list[Outcome] = []
    slot = threading.Thread(target=lambda: outcomes.append(executor.execute(large, Beats())), daemon=True)
    slot.start()
    slot.join(PATIENCE_SECONDS)
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.SUCCEEDED]
    assert not is_running(stopped)


def test_a_new_process_that_can_not_load_job_code_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "withdrawn.py").write_text(
        "from pathlib import Path\n"
        "if Path(__file__).with_name('gone').exists():\n"
        "    raise RuntimeError('the model is gone \\x1b[31m' + 'x' * 10_000)\n"
        "__path__ = []\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    executor = ProcessExecutor(
        CLOCK, heartbeat_seconds=BEAT_SECONDS, cancel_grace_seconds=0.05, packages=("withdrawn",)
    )
    try:
        executor.job_types()
        (tmp_path / "gone").touch()
        (idle,) = executor._children.idle
        idle.kill()
        outcome = executor.execute(assignment("tidegate.sleep", {"seconds": 0}), Beats())
    finally:
        executor.close()
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNABLE, "process-not-started")
    assert "RuntimeError: the model is gone ?[31m" in outcome.message
    assert len(outcome.message) == MAX_ERROR_CHARACTERS


@pytest.mark.parametrize(
    "error", [BlockingIOError(11, "no more processes"), MemoryError(), RuntimeError("can't start new thread")]
)
@pytest.mark.parametrize("place", ["subprocess.Popen", "threading.Thread.start"])
def test_where_no_process_can_be_started_no_job_fails(
    monkeypatch: pytest.MonkeyPatch, place: str, error: Exception
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise error

    executor = _make()
    before = set(Path("/dev/fd").iterdir())
    children = set(psutil.Process().children(recursive=True))
    try:
        with monkeypatch.context() as starved:
            starved.setattr(place, refuse)
            executor.warm(2)
            outcome = executor.execute(assignment("sample.describe"), Beats())
            assert (outcome.kind, outcome.code) == (OutcomeKind.UNABLE, "process-not-started"), outcome
            assert executor.probe()
            assert set(Path("/dev/fd").iterdir()) == before, "what was opened for it is closed"
            assert not set(psutil.Process().children(recursive=True)) - children
        assert executor.probe() == ""
        assert executor.execute(assignment("sample.describe"), Beats()).kind is OutcomeKind.SUCCEEDED
    finally:
        executor.close()


PARTLY = """
from tidegate.jobs import JobContext, job
from tidegate.jobs.registry import Parameters
class None_(Parameters): ...
@job("partly.{name}")
def run(parameters: None_, context: JobContext) -> None: ...
"""


def test_a_module_that_can_not_be_loaded_is_named_where_its_type_is_lacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "partly"
    folder.mkdir()
    for name in ("__init__", "good", "bad"):
        text = "" if name == "__init__" else PARTLY.replace("{name}", name)
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    executor = ProcessExecutor(
        CLOCK,
        heartbeat_seconds=BEAT_SECONDS,
        cancel_grace_seconds=0.05,
        packages=("partly",),
        reuse_processes=False,
    )
    try:
        assert executor.job_types().faults() == ()
        (folder / "bad.py").write_text("import no_such_library\n", encoding="utf-8")
        (idle,) = executor._children.idle
        idle.kill()
        lacking = executor.execute(assignment("partly.bad"), Beats())
        assert (lacking.kind, lacking.code) == (OutcomeKind.UNABLE, "unknown-type"), lacking
        assert "partly.bad" in lacking.message
        assert "no_such_library" in lacking.message
        assert executor.execute(assignment("partly.good"), Beats()).kind is OutcomeKind.SUCCEEDED
        assert set(executor.types_now()) >= {"partly.good"}
        assert "partly.bad" not in executor.types_now()
        assert not executor._children.idle, "a look leaves no process"
    finally:
        executor.close()


def _slow_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ProcessExecutor:
    """Makes an executor whose next process takes 2 s to load its job code."""
    (folder / "slow.py").write_text(
        "import time\n"
        "from pathlib import Path\n"
        "if Path(__file__).with_name('loaded').exists():\n"
        "    time.sleep(2)\n"
        "__path__ = []\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(folder)
    executor = ProcessExecutor(
        CLOCK, heartbeat_seconds=BEAT_SECONDS, cancel_grace_seconds=0.05, packages=("slow",)
    )
    executor.job_types()
    (folder / "loaded").touch()
    (idle,) = executor._children.idle
    idle.kill()
    return executor


def test_the_start_of_a_process_takes_nothing_of_the_time_of_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = _slow_package(tmp_path, monkeypatch)
    try:
        brief = assignment("tidegate.sleep", {"seconds": 0}, timeout_ms=500)
        outcome = executor.execute(brief, Beats())
        brief = dataclasses.replace(assignment("tidegate.sleep", {"seconds": 9}, timeout_ms=200), attempt=3)
        late = executor.execute(brief, Beats())
    finally:
        executor.close()
    assert outcome.kind is OutcomeKind.SUCCEEDED, outcome
    assert late.kind is OutcomeKind.TIMED_OUT, "from its beginning on, its time counts"


def test_a_process_that_hangs_as_it_starts_is_no_timeout_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = _slow_package(tmp_path, monkeypatch)
    monkeypatch.setattr(process_executor, "_DESCRIBE_SECONDS", 0.3)
    try:
        outcome = executor.execute(assignment("tidegate.sleep", {"seconds": 0}, timeout_ms=200), Beats())
    finally:
        executor.close()
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNABLE, "process-not-started"), outcome
    assert "job code was not loaded within" in outcome.message


def test_work_that_was_done_counts_though_its_process_can_not_be_told_to_stop(
    executor: ProcessExecutor,
) -> None:
    executor.hurry()  # so that the first heartbeat comes before any answer is read

    def ask_once_it_is_gone(progress: Progress | None) -> Signal:
        del progress
        (child,) = executor._children.busy
        assert becomes_true(child.has_ended)
        return Signal.CANCEL

    outcome = executor.execute(assignment("sample.leave-a-trap"), ask_once_it_is_gone)
    assert outcome.kind is OutcomeKind.SUCCEEDED, outcome


def test_where_the_system_can_not_tell_of_a_death_processes_are_used_again(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "waitid")  # as on macOS before Python 3.13
    first = _process_of(executor)
    assert _process_of(executor) == first


def test_a_process_that_died_is_missed_though_what_it_forked_holds_its_line(
    executor: ProcessExecutor,
) -> None:
    outcome = executor.execute(assignment("sample.fork-and-die"), Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "process-died")
    assert "status 9" in outcome.message


def test_a_copy_of_the_process_that_job_code_made_does_not_answer(executor: ProcessExecutor) -> None:
    outcome = executor.execute(assignment("sample.fork-and-return"), Beats())
    assert outcome.result == "original"
    assert _process_of(executor), "what one job is answered must not be taken for the next one's"


def test_a_timeout_that_passes_while_a_heartbeat_hangs_is_a_timeout(executor: ProcessExecutor) -> None:
    late = assignment("sample.spin", timeout_ms=200)
    begun = threading.Event()

    def hang(progress: Progress | None) -> Signal:
        """Waits until the process's own alarm ends it, after its time."""
        if not begun.is_set():
            return Signal.GO_ON
        over_ms = CLOCK.now_ms() + late.timeout_ms + 100  # later than the executor's own
        assert progress is None or progress.message == "spinning"
        assert becomes_true(lambda: CLOCK.now_ms() > over_ms)
        (child,) = executor._children.busy
        os.kill(child.pid, signal.SIGALRM)
        assert becomes_true(child.has_ended)
        return Signal.GO_ON

    assert executor.execute(late, hang, begun.set).kind is OutcomeKind.TIMED_OUT


def test_what_job_code_prints_is_no_message(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="tidegate.output"):
        outcome = executor.execute(assignment("sample.print"), Beats())
    assert outcome == Outcome(OutcomeKind.SUCCEEDED, result="printed")
    assert caplog.messages == ['job 01JD.7 attempt 2: {"kind": "ended"}']


class Kept:
    """A log that keeps the lines."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []

    def write(self, line: LogLine) -> None:
        self.lines.append(line)


def test_each_line_goes_to_the_log_with_its_job_attempt_and_number(executor: ProcessExecutor) -> None:
    kept = Kept()
    executor.print_to(kept)
    executor.execute(assignment("sample.print"), Beats())
    executor.execute(assignment("sample.crash", {"rows": 7}), Beats())
    first, second, *others = kept.lines
    assert first == LogLine("01JD.7", 2, 1, '{"kind": "ended"}')
    assert second == LogLine("01JD.7", 2, 1, "ERROR tidegate.jobs job 01JD.7 attempt 2 raised SecretError")
    assert [line.number for line in others] == list(range(2, len(others) + 2))


def test_processes_that_job_code_started_end_with_it(executor: ProcessExecutor) -> None:
    beats = Beats(Signal.LOST, when=has_progress)
    executor.execute(assignment("sample.start-grandchild"), beats)
    grandchild = int(beats.progress[0].message)
    assert becomes_true(lambda: not is_running(grandchild))


def test_hurry_brings_the_heartbeat_forward() -> None:
    executor = _make(heartbeat_seconds=3_600)
    outcomes: list[Outcome] = []
    beats = Beats(Signal.HAND_BACK)
    slot = threading.Thread(
        target=lambda: outcomes.append(executor.execute(assignment("sample.spin"), beats)), daemon=True
    )
    slot.start()
    executor.hurry()
    slot.join(PATIENCE_SECONDS)
    executor.close()
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.HANDED_BACK]
    assert beats.count == 1


def test_closing_hands_back_what_runs_and_takes_nothing_more() -> None:
    executor = _make()
    outcomes: list[Outcome] = []
    beats = Beats()
    slot = threading.Thread(
        target=lambda: outcomes.append(executor.execute(assignment("sample.spin"), beats)), daemon=True
    )
    slot.start()
    assert beats.beaten.wait(PATIENCE_SECONDS)
    executor.close()
    slot.join(PATIENCE_SECONDS)
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.HANDED_BACK]
    assert executor.execute(assignment("sample.describe"), Beats()).kind is OutcomeKind.HANDED_BACK


def test_warm_processes_are_used() -> None:
    executor = _make()
    executor.warm(1)
    (warm,) = (child.pid for child in executor._children.idle)
    assert _process_of(executor) == warm
    executor.close()
    assert not is_running(warm)


def test_a_process_does_not_outlive_its_parent(tmp_path: Path) -> None:
    note = tmp_path / "process"
    parent_code = textwrap.dedent(f"""
        import pathlib, threading
        from tests.harness.jobs.executors import Beats, assignment
        from tests.jobs.test_process_executor import _make, _process_of
        executor = _make()
        pid = _process_of(executor)
        threading.Thread(target=executor.execute, args=(assignment("sample.spin"), beats := Beats()),
                         daemon=True).start()
        beats.beaten.wait()
        path = pathlib.Path({str(note)!r})
        path.with_suffix(".new").write_text(str(pid))
        path.with_suffix(".new").rename(path)
        threading.Event().wait()
    """)
    environment = importing_environment()
    with subprocess.Popen([sys.executable, "-c", parent_code], env=environment) as parent:
        try:
            assert becomes_true(note.exists)
            child = int(note.read_text(encoding="utf-8"))
            assert is_running(child)
        finally:
            parent.send_signal(signal.SIGKILL)
    assert becomes_true(lambda: not is_running(child))
