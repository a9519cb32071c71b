"""Everything that a job started ends with its attempt, and no job meets the leftovers of another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.harness.attack.isolation import result_of
from tests.harness.jobs.executors import CLOCK, Beats, assignment, has_progress
from tests.harness.processes import importing_environment, is_running
from tests.harness.waiting import becomes_true
from tidegate.adapters.executors.keeper import INNER_SECONDS, SWEEP_SECONDS
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.adapters.executors.process_tree import descendants_of
from tidegate.domain.job import Progress
from tidegate.jobs.process_state import MAX_OPEN_FILES_LEFT
from tidegate.ports import OutcomeKind, Signal

JOBS = "tests.harness.attack.process_jobs"
WAYS = ["plain", "nohup", "session", "double-fork", "fork", "headless", "many", "deaf"]

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc and no keeper")


def make_executor(**options: Any) -> ProcessExecutor:
    return ProcessExecutor(
        CLOCK,
        heartbeat_seconds=0.02,
        cancel_grace_seconds=0.05,
        hand_back_grace_seconds=0.05,
        packages=(JOBS,),
        **options,
    )


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    made = make_executor()
    yield made
    made.close()


def _left(folder: Path) -> list[int]:
    return [int(note.name.removeprefix("pid-")) for note in folder.glob("pid-*")]


# --- processes ---------------------------------------------------------------------------------------------------


@linux_only
@pytest.mark.parametrize("how", WAYS)
def test_what_a_job_left_is_gone_when_its_attempt_has_succeeded(
    executor: ProcessExecutor, tmp_path: Path, how: str
) -> None:
    first = result_of(executor, "process.leave", {"folder": str(tmp_path), "how": how})
    assert [pid for pid in _left(tmp_path) if is_running(pid)] == []
    assert result_of(executor, "process.observe")["process"] != first, "it may hold what it shared with them"


@linux_only
@pytest.mark.parametrize("then", ["fail", "die"])
def test_what_a_job_left_is_gone_when_its_attempt_has_failed(
    executor: ProcessExecutor, tmp_path: Path, then: str
) -> None:
    given = {"folder": str(tmp_path), "how": "many", "then": then}
    assert executor.execute(assignment("process.leave", given), Beats()).kind is OutcomeKind.FAILED
    assert len(_left(tmp_path)) == 8
    assert [pid for pid in _left(tmp_path) if is_running(pid)] == []


@linux_only
@pytest.mark.parametrize("asked", [Signal.CANCEL, Signal.HAND_BACK, Signal.LOST])
def test_what_a_job_left_is_gone_when_it_was_told_to_stop(
    executor: ProcessExecutor, tmp_path: Path, asked: Signal
) -> None:
    given = {"folder": str(tmp_path), "how": "many", "then": "c-code"}
    executor.execute(assignment("process.leave", given), Beats(asked, when=has_progress))
    assert len(_left(tmp_path)) == 8
    assert [pid for pid in _left(tmp_path) if is_running(pid)] == []


@linux_only
def test_what_a_job_left_is_gone_when_its_time_is_over(executor: ProcessExecutor, tmp_path: Path) -> None:
    executor.job_types()
    given = {"folder": str(tmp_path), "how": "many", "then": "c-code"}
    outcome = executor.execute(assignment("process.leave", given, timeout_ms=3_000), Beats())
    assert outcome.kind is OutcomeKind.TIMED_OUT
    assert len(_left(tmp_path)) == 8
    assert [pid for pid in _left(tmp_path) if is_running(pid)] == []


_WORKER = """
    import sys, threading
    from tests.attack.test_process_leftovers import make_executor
    from tests.harness.jobs.executors import Beats, assignment
    given = {"folder": sys.argv[1], "how": sys.argv[2], "then": sys.argv[3]}
    executor = make_executor()
    executor.execute(assignment("process.leave", given), beats := Beats())
"""


@linux_only
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("then", ["wait", "c-code", "stop-keeper-and-wait"])
def test_nothing_that_a_job_started_outlives_a_killed_worker(tmp_path: Path, how: str, then: str) -> None:
    environment = importing_environment()
    command = [sys.executable, "-c", textwrap.dedent(_WORKER), str(tmp_path), how, then]
    with subprocess.Popen(command, env=environment) as worker:
        try:
            assert becomes_true(lambda: len(_left(tmp_path)) == (8 if how == "many" else 1))
            started = descendants_of(worker.pid)
            assert set(_left(tmp_path)) < set(started)
        finally:
            worker.send_signal(signal.SIGKILL)
    assert becomes_true(lambda: not any(is_running(pid) for pid in started))


@linux_only
@pytest.mark.parametrize("how", WAYS)
def test_what_a_job_left_is_gone_though_it_killed_its_keeper(
    executor: ProcessExecutor, tmp_path: Path, how: str
) -> None:
    given = {"folder": str(tmp_path), "how": how, "then": "kill-keeper"}
    outcome = executor.execute(assignment("process.leave", given), Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "process-died")
    assert _left(tmp_path)
    assert [pid for pid in _left(tmp_path) if is_running(pid)] == []


@linux_only
@pytest.mark.parametrize("which", ["outer", "inner"])
def test_what_a_job_left_is_gone_though_one_of_its_keepers_was_killed(
    executor: ProcessExecutor, tmp_path: Path, which: str
) -> None:
    def kill_a_keeper(progress: Progress | None) -> Signal:
        if progress is not None:
            (child,) = executor._children.busy
            outer = psutil.Process(child._process.pid)
            (inner,) = outer.children()
            (outer if which == "outer" else inner).kill()
        return Signal.GO_ON

    given = {"folder": str(tmp_path), "how": "many", "then": "wait"}
    outcome = executor.execute(assignment("process.leave", given), kill_a_keeper)
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "process-died")
    assert len(_left(tmp_path)) == 8
    assert [pid for pid in _left(tmp_path) if is_running(pid)] == []


@linux_only
@pytest.mark.parametrize(
    ("then", "kind"),
    [("stop-keeper", OutcomeKind.SUCCEEDED), ("stop-keeper-and-wait", OutcomeKind.CANCELLED)],
)
def test_a_job_that_stops_its_keeper_gains_nothing(
    executor: ProcessExecutor, tmp_path: Path, then: str, kind: OutcomeKind
) -> None:
    given = {"folder": str(tmp_path), "how": "many", "then": then}
    beats = Beats(Signal.CANCEL, when=has_progress) if then.endswith("wait") else Beats()
    assert executor.execute(assignment("process.leave", given), beats).kind is kind
    ended_at = time.time()
    left_at = max(path.stat().st_mtime for path in tmp_path.iterdir())
    assert ended_at - left_at < SWEEP_SECONDS, "nobody waits for the one that was stopped"
    assert [pid for pid in _left(tmp_path) if is_running(pid)] == []


def test_a_process_that_was_closed_may_be_killed_again(executor: ProcessExecutor) -> None:
    """The worker may shut down in the moment in which a thread discards its process."""
    result_of(executor, "process.observe")
    (child,) = executor._children.idle
    child.close()
    assert child.kill() == "signal SIGKILL ended it"


@linux_only
def test_no_signal_goes_to_the_number_of_a_group_that_is_gone(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number may belong to another process by then."""
    result_of(executor, "process.observe")
    killed: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, _number: killed.append(group))
    (child,) = executor._children.idle
    assert child.kill() == "signal SIGKILL ended it"
    assert killed == []


@linux_only
def test_a_job_outlives_the_time_that_the_keepers_give_each_other(executor: ProcessExecutor) -> None:
    waited_s = INNER_SECONDS + 0.5
    assert result_of(executor, "process.wait", {"amount": int(waited_s * 1_000)}) >= waited_s


# --- the process itself ------------------------------------------------------------------------------------------


def test_what_one_job_changed_the_next_one_finds_as_it_was(executor: ProcessExecutor) -> None:
    before = result_of(executor, "process.observe")
    changed = result_of(executor, "process.change-everything")
    after = result_of(executor, "process.observe")
    assert before["process"] == changed == after["process"], "the process is put right, not replaced"
    by_chance = {"random", "folder"}
    assert {name: after[name] for name in after.keys() - by_chance} == {
        name: before[name] for name in before.keys() - by_chance
    }
    result_of(executor, "process.change-everything")
    assert result_of(executor, "process.observe")["random"] != after["random"], "no seed of a job stays"


@pytest.mark.parametrize(
    ("job_type", "parameters"),
    [
        ("process.leave-a-thread", {}),
        ("process.leave-a-file", {}),
        ("process.leave-connections", {"amount": MAX_OPEN_FILES_LEFT + 2}),
        ("process.leave-memory", {"amount": 80}),
        ("process.lower-a-limit", {}),
    ],
)
def test_what_can_not_be_put_right_ends_the_process(job_type: str, parameters: dict[str, Any]) -> None:
    executor = make_executor(process_growth_mb=64)
    try:
        spoiled = result_of(executor, job_type, parameters)
        assert not is_running(spoiled)
        assert result_of(executor, "process.observe")["process"] != spoiled
    finally:
        executor.close()


def test_a_few_connections_and_a_little_memory_may_stay(executor: ProcessExecutor) -> None:
    kept = result_of(executor, "process.leave-connections", {"amount": MAX_OPEN_FILES_LEFT})
    assert result_of(executor, "process.leave-memory", {"amount": 80}) == kept
    assert result_of(executor, "process.observe")["process"] == kept


def test_a_process_runs_no_more_jobs_than_it_may() -> None:
    executor = make_executor(jobs_per_process=3)
    try:
        ran = [result_of(executor, "process.observe")["process"] for _ in range(7)]
    finally:
        executor.close()
    assert [ran.count(process) for process in dict.fromkeys(ran)] == [3, 3, 1]


@linux_only
def test_many_jobs_and_many_replaced_processes_leave_nothing_in_the_worker() -> None:
    executor, worker = make_executor(jobs_per_process=25), psutil.Process()

    def holds() -> tuple[int, int, int]:
        return worker.num_fds(), worker.num_threads(), len(worker.children(recursive=True))

    try:
        result_of(executor, "process.wait", {"amount": 0})
        before = holds()
        ran = {result_of(executor, "process.observe")["process"] for _ in range(249)}
        result_of(executor, "process.wait", {"amount": 0})
        assert len(ran) >= 10
        assert holds() == before
    finally:
        executor.close()


@linux_only
def test_an_executor_that_was_closed_holds_no_descriptor(tmp_path: Path) -> None:
    held: list[int] = []
    for _ in range(3):
        executor = make_executor(scratch=tmp_path)
        result_of(executor, "process.leave", {"folder": str(tmp_path)})
        result_of(executor, "process.observe")
        executor.close()
        held.append(len(list(Path("/proc/self/fd").iterdir())))
    assert held[-1] == held[0]
