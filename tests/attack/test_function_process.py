"""Job code in the function's own process: it never stops, spoils the runtime's streams, or leaves processes behind."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dev.simulator.memory.world import MemoryWorld
from tests.attack.test_process_leftovers import WAYS, _left, linux_only
from tests.harness.attack.isolation import result_of
from tests.harness.jobs.executors import CLOCK, Beats, assignment
from tests.harness.processes import importing_environment, is_running
from tests.harness.worker.world import job_of, make_services, queued_job
from tidegate.adapters.executors.inline import EXIT_GAVE_UP, InlineExecutor
from tidegate.domain.states import State
from tidegate.jobs.loader import load_registry
from tidegate.ports import Assignment, Outcome, OutcomeKind, Signal
from tidegate.usecases.work.claim import claim
from tidegate.usecases.work.conclude_stuck import conclude_stuck

JOBS = "tests.harness.attack.process_jobs"


def _executor(**options: Any) -> InlineExecutor:
    return InlineExecutor(load_registry(JOBS), CLOCK, heartbeat_seconds=0.02, **options)


# --- code that never stops ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beats", "timeout_ms", "verdict"),
    [
        (Beats(), 100, OutcomeKind.TIMED_OUT),
        (Beats(Signal.CANCEL), 60_000, OutcomeKind.CANCELLED),
        (Beats(Signal.LOST), 60_000, OutcomeKind.LOST),
    ],
)
def test_code_that_swallows_its_interrupts_is_given_up(
    beats: Beats, timeout_ms: int, verdict: OutcomeKind
) -> None:
    concluded: list[tuple[str, OutcomeKind]] = []
    left: list[int] = []
    executor = _executor(
        cancel_grace_seconds=0.05,
        give_up_seconds=0.3,
        give_up=lambda one, outcome: concluded.append((one.job_id, outcome.kind)),
        leave=left.append,
    )
    swallows = assignment("process.swallow-exceptions", {"amount": 2_500}, timeout_ms=timeout_ms)
    outcome = executor.execute(swallows, beats)
    assert concluded == [(swallows.job_id, verdict)]
    assert left == [EXIT_GAVE_UP]
    assert outcome.kind is OutcomeKind.LOST, "the attempt was concluded, and must not be once more"


def test_a_process_ends_though_its_attempt_can_not_be_concluded() -> None:
    def fail(one: Assignment, outcome: Outcome) -> None:
        raise OSError("no network")

    left: list[int] = []
    executor = _executor(give_up_seconds=0.1, give_up=fail, leave=left.append)
    executor.execute(assignment("process.swallow-exceptions", {"amount": 1_500}, timeout_ms=50), Beats())
    assert left == [EXIT_GAVE_UP]


_FUNCTION = """
    import sys
    from tests.attack.test_function_process import _executor
    from tests.harness.jobs.executors import Beats, assignment
    executor = _executor(give_up_seconds=0.5, give_up=lambda one, outcome: open(sys.argv[2], "w").write(outcome.kind))
    executor.execute(assignment(sys.argv[1], {"amount": 60_000} if "swallow" in sys.argv[1] else {}, timeout_ms=200),
                     Beats())
"""


def _run_function(job_type: str, note: Path) -> int:
    environment = importing_environment()
    command = [sys.executable, "-c", textwrap.dedent(_FUNCTION), job_type, str(note)]
    return subprocess.run(command, env=environment, check=False, timeout=50).returncode


def test_the_runtimes_process_ends_with_the_answer_stored(tmp_path: Path) -> None:
    assert _run_function("process.swallow-exceptions", tmp_path / "note") == EXIT_GAVE_UP
    assert (tmp_path / "note").read_text(encoding="utf-8") == OutcomeKind.TIMED_OUT


def test_the_runtimes_process_ends_though_no_thread_of_it_gets_a_turn(tmp_path: Path) -> None:
    began = time.monotonic()
    assert _run_function("process.hold-the-interpreter", tmp_path / "note") != 0
    assert time.monotonic() - began < 45, "the job itself takes two minutes"
    assert not (tmp_path / "note").exists(), "nobody could conclude it: its lease runs out"


def test_what_was_given_up_is_concluded_as_any_attempt_is_and_only_once() -> None:
    services = make_services(MemoryWorld())
    message = queued_job(services)
    claimed = claim(services, message, "lambda-1", CLOCK.now_ms())
    assert claimed is not None
    concluded = conclude_stuck(services, CLOCK, claimed.assignment, Outcome(OutcomeKind.TIMED_OUT))
    assert concluded is not None
    assert concluded.state is not State.RUNNING
    assert job_of(services, message).state is concluded.state
    assert conclude_stuck(services, CLOCK, claimed.assignment, Outcome(OutcomeKind.TIMED_OUT)) is None
    assert claim(services, message, "lambda-1", CLOCK.now_ms()) is None, "its message is stale"


# --- the process itself ------------------------------------------------------------------------------------------


def test_what_one_job_changed_of_the_functions_process_the_next_one_finds_as_it_was() -> None:
    executor = _executor()
    before = result_of(executor, "process.observe")
    assert result_of(executor, "process.change-everything") == os.getpid()
    after = result_of(executor, "process.observe")
    by_chance = {"random", "folder"}
    assert {name: after[name] for name in after.keys() - by_chance} == {
        name: before[name] for name in before.keys() - by_chance
    }
    result_of(executor, "process.change-everything")
    assert result_of(executor, "process.observe")["random"] != after["random"], "no seed of a job stays"


def test_interrupts_that_a_job_held_back_meet_neither_the_process_nor_the_next_job() -> None:
    executor = _executor(give_up_seconds=30)
    held = executor.execute(
        assignment("process.hold-back-signals", {"amount": 1_500}, timeout_ms=100), Beats()
    )
    assert held.kind is OutcomeKind.TIMED_OUT, "the alarm finds another thread of the process"
    began = time.monotonic()
    endless = assignment("process.wait", {"amount": 60_000}, timeout_ms=100)
    assert executor.execute(endless, Beats()).kind is OutcomeKind.TIMED_OUT
    assert time.monotonic() - began < 20


def test_a_process_without_a_free_descriptor_runs_no_job_and_none_is_to_blame() -> None:
    executor, noop = _executor(), assignment("tidegate.noop", {})
    assert executor.execute(noop, Beats()).kind is OutcomeKind.SUCCEEDED
    first, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = set(Path("/dev/fd").iterdir())
    held = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 64, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        outcomes = [executor.execute(noop, Beats())]
        while outcomes[-1].kind is OutcomeKind.UNABLE and len(outcomes) < 20:
            os.close(held.pop())  # the job fails further on each time
            outcomes.append(executor.execute(noop, Beats()))
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (first, hard))
    *refused, last = outcomes
    assert last.kind is OutcomeKind.SUCCEEDED
    assert len(refused) > 5
    assert {(outcome.kind, outcome.code) for outcome in refused} == {(OutcomeKind.UNABLE, "no-surroundings")}
    assert all("Too many open files" in outcome.message for outcome in refused)
    assert set(Path("/dev/fd").iterdir()) == opened


def test_a_process_without_a_free_thread_runs_no_job_and_none_is_to_blame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    executor, noop = _executor(), assignment("tidegate.noop", {})
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        outcome = executor.execute(noop, Beats())
    assert (outcome.kind, outcome.message) == (OutcomeKind.UNABLE, "can't start new thread")
    assert executor.execute(noop, Beats()).kind is OutcomeKind.SUCCEEDED


def test_the_copy_of_a_function_that_job_code_forked_answers_nothing() -> None:
    assert result_of(_executor(), "process.fork-and-return") == 0


# --- streams -----------------------------------------------------------------------------------------------------

_RUNTIME = """
    import json, logging, sys
    from tests.attack.test_function_process import _executor
    from tests.harness.jobs.executors import Beats, assignment
    logging.basicConfig(level=logging.INFO)
    executor, answers = _executor(), sys.stdout
    for line in sys.stdin:
        outcome = executor.execute(assignment(line.strip()), Beats())
        logging.info("ran")
        answers.write(json.dumps([outcome.kind, outcome.result, outcome.message]) + "\\n")
        answers.flush()
"""


def test_no_job_reads_or_writes_what_the_runtime_says_over_the_standard_streams() -> None:
    """In the local stack's runtime, a line on descriptor 0 is an event and a line on descriptor 1 is its answer."""
    environment = importing_environment()
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_RUNTIME)],
        input=b"process.read-and-spoil-streams\n" * 2 + b"process.print\n",
        env=environment,
        capture_output=True,
        check=True,
        timeout=50,
    )
    answers = [json.loads(line) for line in ran.stdout.decode("utf-8", "strict").splitlines()]
    assert [answer[:2] for answer in answers[:2]] == [["SUCCEEDED", ""]] * 2, answers
    assert answers[2][0] == "SUCCEEDED"
    errors = ran.stderr.decode("utf-8", "strict")
    printed = [json.loads(line)["text"] for line in errors.splitlines() if line.startswith("{")]
    for line in (
        r"\xff\xfe? no text",
        '{"status": "ok"}',
        r"\xff on the other one",
        "from a program",
        "to stdout",
    ):
        assert line in "\n".join(printed)
    assert errors.count("INFO:root:ran") == 3, "the loggers are as they were"
    assert max(map(len, errors.splitlines())) < 10_000


# --- processes ---------------------------------------------------------------------------------------------------


@linux_only
@pytest.mark.parametrize("how", [way for way in WAYS if way != "deaf"])
def test_what_a_job_left_in_the_function_is_gone_with_its_attempt(tmp_path: Path, how: str) -> None:
    spared = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    try:
        outcome = _executor().execute(
            assignment("process.leave", {"folder": str(tmp_path), "how": how}), Beats()
        )
        assert outcome.kind is OutcomeKind.SUCCEEDED, outcome
        assert _left(tmp_path)
        assert [pid for pid in _left(tmp_path) if is_running(pid)] == []
        assert spared.poll() is None, "what ran before is nobody's but the function's"
    finally:
        spared.kill()
        spared.wait()
