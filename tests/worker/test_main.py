from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from dev.simulator.memory.services import memory_services
from tests.harness.determined import NoEntropy
from tests.harness.processes import importing_environment
from tests.harness.waiting import PATIENCE_SECONDS
from tests.harness.worker.world import CLOCK, POOL, GateExecutor
from tidegate import bootstrap
from tidegate.domain import limits
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.workers import WorkerSpec, WorkerState
from tidegate.settings import Settings
from tidegate.usecases.work.worker_life import join_pool
from tidegate_worker.main import EXIT_USAGE, _supervise, main
from tidegate_worker.process import EXIT_DRAINED, EXIT_GAVE_UP, WorkerProcess
from tidegate_worker.protection import TaskGuard


class Stoppable:
    """A worker process that ends when it was stopped a given number of times."""

    def __init__(self, stops: int) -> None:
        self._wanted = stops
        self._enough = threading.Event()
        self.stops = 0

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT)[: self._wanted]:
            os.kill(os.getpid(), number)
        assert self._enough.wait(PATIENCE_SECONDS)
        return 0

    def stop(self) -> None:
        self.stops += 1
        if self.stops == self._wanted:
            self._enough.set()


@pytest.mark.parametrize("stops", [1, 2])
def test_every_signal_is_a_request_to_stop(stops: int) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    process = Stoppable(stops)
    assert _supervise(process) == 0
    assert process.stops == stops
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_an_error_of_the_process_is_not_swallowed() -> None:
    class Broken(Stoppable):
        def run(self) -> int:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _supervise(Broken(1))


@pytest.fixture
def deps(monkeypatch: pytest.MonkeyPatch) -> bootstrap.ProcessDeps:
    """Makes a worker process over a deployment in memory that stops as soon as it has registered."""
    pools = {
        POOL: Pool(POOL, "", PoolKind.PROCESS, 60, capabilities=frozenset({"gpu"})),
        "function": Pool("function", "", PoolKind.FUNCTION, 60),
    }
    services, _ = memory_services(Settings(pools=pools, default_pool=POOL))
    made = bootstrap.ProcessDeps(services, GateExecutor(), CLOCK, NoEntropy(), bootstrap.Meter(), "session")
    monkeypatch.setattr(bootstrap, "process_worker", lambda *_bounds: made)
    monkeypatch.setattr(WorkerProcess, "_serve", lambda self: EXIT_DRAINED)
    return made


@pytest.mark.parametrize("option", ["--jobs-per-process", "--process-growth-mb"])
def test_bounds_of_processes_are_checked_before_anything_is_started(
    option: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bootstrap, "process_worker", lambda *_bounds: pytest.fail("it was started"))
    assert main(["--pool", POOL, option, "0"]) == EXIT_USAGE
    assert f"{option}: is 0; must be from 1 to" in caplog.text


def test_the_help_says_the_bounds_of_processes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    for option, default in (
        ("--jobs-per-process", limits.DEFAULT_JOBS_PER_PROCESS),
        ("--process-growth-mb", limits.DEFAULT_PROCESS_GROWTH_MB),
    ):
        assert option in said
        assert f"(default {default})" in said


def test_a_worker_registers_as_it_was_started(deps: bootstrap.ProcessDeps) -> None:
    given = [
        "--pool",
        POOL,
        "--slots",
        "3",
        "--worker-id",
        "w-1",
        "--name",
        "nightly run",
        "--capability",
        "gpu",
    ]
    assert main([*given, "--capability", "more", "--tag", "team=data", "--tag", "zone=a=b"]) == EXIT_DRAINED
    entry = deps.services.workers.get(POOL, "w-1")
    assert entry is not None
    assert entry.state is WorkerState.INACTIVE
    assert entry.spec == WorkerSpec(
        POOL,
        "w-1",
        socket.gethostname(),
        slots=3,
        name="nightly run",
        capabilities=frozenset({"gpu", "more"}),
        tags={"team": "data", "zone": "a=b"},
    )


def test_a_worker_that_can_start_no_process_says_so_and_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_bounds: int) -> bootstrap.ProcessDeps:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(bootstrap, "process_worker", refuse)
    assert main(["--pool", POOL]) == EXIT_GAVE_UP
    assert "can't be started: [Errno 11] Resource temporarily unavailable; see" in caplog.text


def test_a_worker_without_an_id_makes_one_of_its_own(deps: bootstrap.ProcessDeps) -> None:
    assert main(["--pool", POOL]) == EXIT_DRAINED
    (entry,) = deps.services.workers.page(POOL, limit=10).workers
    assert entry.worker_id.startswith(f"{socket.gethostname()}-{os.getpid()}-")


def test_a_worker_that_names_no_capability_has_what_its_pool_offers(deps: bootstrap.ProcessDeps) -> None:
    assert main(["--pool", POOL]) == EXIT_DRAINED
    (entry,) = deps.services.workers.page(POOL, limit=10).workers
    assert entry.spec.capabilities == {"gpu"}


@pytest.mark.parametrize(("uri", "guards"), [("", 0), ("http://127.0.0.1:9/api/0123", 1)])
def test_in_an_ecs_task_it_guards_the_task(
    deps: bootstrap.ProcessDeps, monkeypatch: pytest.MonkeyPatch, uri: str, guards: int
) -> None:
    monkeypatch.setenv("ECS_AGENT_URI", uri)
    looked: list[float] = []
    monkeypatch.setattr(TaskGuard, "start", lambda self, longest: looked.append(longest()))
    assert main(["--pool", POOL]) == EXIT_DRAINED
    assert looked == [0.0] * guards


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["--slots", "0"], "--slots: is 0; must be from 1 to 256"),
        (["--slots", "-1"], "--slots: is -1; must be from 1 to 256"),
        (["--pool", "nowhere"], "--pool: unknown pool 'nowhere'; worker processes serve hosts here"),
        (["--pool", "host"], "worker processes serve hosts here; did you mean 'hosts'?"),
        (["--pool", "function"], "--pool: 'function' is served by a function"),
        (["--capability", "tape"], "--capability: pool 'hosts' offers gpu"),
        (["--worker-id", "a b"], "--worker-id: must have 1 to 128"),
        (["--tag", "team"], "--tag: 'team' is no tag; give NAME=VALUE"),
        (["--tag", "a=1", "--tag", "a=2"], "--tag: 'a' is given twice"),
        (["--drain-seconds", "-1"], "--drain-seconds: is -1; must be from 0 to 43,200"),
        (["--drain-seconds", "nan"], "--drain-seconds: is nan; must be from 0 to 43,200"),
    ],
)
def test_arguments_that_are_not_right_are_exit_code_2_and_nothing_is_written(
    deps: bootstrap.ProcessDeps, caplog: pytest.LogCaptureFixture, given: list[str], problem: str
) -> None:
    assert main(["--pool", POOL, *given]) == EXIT_USAGE
    assert problem in caplog.text
    assert not deps.services.workers.page(POOL, limit=10).workers


def test_an_id_that_is_taken_is_exit_code_1_unless_it_is_taken_over(
    deps: bootstrap.ProcessDeps, caplog: pytest.LogCaptureFixture
) -> None:
    spec = WorkerSpec(POOL, "w-1", "host-a", slots=1, capabilities=frozenset({"gpu"}))
    join_pool(deps.services, spec, session_id="S0", now_ms=CLOCK.now_ms())
    given = ["--pool", POOL, "--worker-id", "w-1"]
    assert main(given) == EXIT_GAVE_UP
    assert "worker id 'w-1' of pool 'hosts' is taken: a process on host 'host-a'" in caplog.text
    assert main([*given, "--take-over"]) == EXIT_DRAINED
    entry = deps.services.workers.get(POOL, "w-1")
    assert entry is not None
    assert (entry.session_id != "S0", entry.state) == (True, WorkerState.INACTIVE)


def test_a_missing_environment_is_one_message() -> None:
    inherited = importing_environment(AWS_DEFAULT_REGION="eu-central-1")
    environment = {name: value for name, value in inherited.items() if not name.startswith("TIDEGATE_")}
    ended = subprocess.run(
        [sys.executable, "-m", "tidegate_worker", "--pool", "hosts"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert ended.returncode == EXIT_USAGE
    assert "environment variable 'TIDEGATE_POOLS' is missing" in ended.stderr
    assert "Traceback" not in ended.stderr
