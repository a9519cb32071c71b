"""Worker processes on the real stack: they join, drain, are killed, come back, and are fenced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import tidegate, tidegate_json

PATIENCE_SECONDS = 90


class RunningWorker:
    """A worker process of pool ecs; what it says is kept."""

    def __init__(self, home: Path, log: Path, *options: str) -> None:
        self.log = log
        command = [sys.executable, "-m", "tidegate_cli", "worker", "--pool", "ecs", *options]
        environment = {**os.environ, "TIDEGATE_HOME": str(home)}
        with log.open("wb") as sink:
            self.process = subprocess.Popen(command, env=environment, stderr=sink, stdout=sink)

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        return self.process.wait(timeout=PATIENCE_SECONDS)


@contextmanager
def worker(home: Path, log: Path, *options: str) -> Iterator[RunningWorker]:
    running = RunningWorker(home, log, *options)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait(timeout=PATIENCE_SECONDS)


def becomes(read: Callable[[], Any], wanted: object) -> None:
    deadline_s = time.monotonic() + PATIENCE_SECONDS
    while (found := read()) != wanted:
        assert time.monotonic() < deadline_s, found
        time.sleep(0.2)


def submit(home: Path, seconds: float) -> str:
    job = f'{{"type": "tidegate.sleep", "pool": "ecs", "parameters": {{"seconds": {seconds}}}}}'
    return str(tidegate_json(home, "submit", "-", stdin=job)["job_id"])


def job_state(home: Path, job_id: str) -> Callable[[], str]:
    return lambda: str(tidegate_json(home, "jobs", "get", job_id)["state"])


def worker_state(home: Path, worker_id: str) -> Callable[[], str | None]:
    def read() -> str | None:
        listed = tidegate_json(home, "workers", "list", "--pool", "ecs", "--limit", "1000")["workers"]
        return next((each["state"] for each in listed if each["worker_id"] == worker_id), None)

    return read


@pytest.mark.usefixtures("no_schedule")
def test_jobs_that_wait_for_a_worker_run_when_one_joins(stack_home: Path, tmp_path: Path) -> None:
    job_id = submit(stack_home, 0)
    with worker(stack_home, tmp_path / "log", "--slots", "1") as running:
        becomes(job_state(stack_home, job_id), "SUCCEEDED")
        running.tell(signal.SIGTERM)
        assert running.ended() == 0


@pytest.mark.usefixtures("stack")
def test_a_running_job_may_finish_after_sigterm(stack_home: Path, tmp_path: Path) -> None:
    given = ("--worker-id", "e2e-drain", "--name", "drains", "--tag", "team=data", "--drain-seconds", "60")
    job_id = submit(stack_home, 8)
    with worker(stack_home, tmp_path / "log", *given) as running:
        becomes(job_state(stack_home, job_id), "RUNNING")
        running.tell(signal.SIGTERM)
        becomes(worker_state(stack_home, "e2e-drain"), "DRAINING")
        assert running.ended() == 0
    job = tidegate_json(stack_home, "jobs", "get", job_id)
    assert (job["state"], job["attempt"], job["worker"]) == ("SUCCEEDED", 1, "e2e-drain")
    left = tidegate_json(stack_home, "workers", "get", "ecs", "e2e-drain")
    assert (left["state"], left["live"], left["running"]) == ("INACTIVE", False, 0)
    assert (left["claimed"], left["succeeded"], left["handed_back"]) == (1, 1, 0)
    assert (left["name"], left["tags"]) == ("drains", {"team": "data"})


@pytest.mark.usefixtures("no_schedule")
def test_what_does_not_finish_is_handed_back_and_runs_when_the_worker_is_back(
    stack_home: Path, tmp_path: Path
) -> None:
    given = ("--worker-id", "e2e-back", "--drain-seconds", "0.5")
    job_id = submit(stack_home, 10)
    with worker(stack_home, tmp_path / "first", *given) as first:
        becomes(job_state(stack_home, job_id), "RUNNING")
        first.tell(signal.SIGTERM)
        assert first.ended() == 0
    assert job_state(stack_home, job_id)() == "READY"
    assert tidegate_json(stack_home, "workers", "get", "ecs", "e2e-back")["handed_back"] == 1
    # Its entry is there already: the stream must tell a worker that is back from one that beats.
    with worker(stack_home, tmp_path / "second", *given) as second:
        becomes(job_state(stack_home, job_id), "SUCCEEDED")
        second.tell(signal.SIGTERM)
        assert second.ended() == 0
    assert tidegate_json(stack_home, "jobs", "get", job_id)["attempt"] == 2


@pytest.mark.usefixtures("stack")
def test_a_worker_that_was_asked_to_drain_ends_in_order(stack_home: Path, tmp_path: Path) -> None:
    with worker(stack_home, tmp_path / "log", "--worker-id", "e2e-asked") as running:
        becomes(worker_state(stack_home, "e2e-asked"), "ACTIVE")
        asked = tidegate_json(stack_home, "workers", "drain", "ecs", "e2e-asked")
        assert asked["state"] == "DRAINING"
        assert running.ended() == 0
    assert worker_state(stack_home, "e2e-asked")() == "INACTIVE"
    refused = tidegate(stack_home, "workers", "drain", "ecs", "e2e-asked")
    assert (refused.returncode, "is INACTIVE" in refused.stderr) == (1, True)


@pytest.mark.usefixtures("stack")
def test_the_id_of_a_killed_process_is_refused_until_it_is_taken_over(
    stack_home: Path, tmp_path: Path
) -> None:
    given = ("--worker-id", "e2e-killed")
    with worker(stack_home, tmp_path / "first", *given) as first:
        becomes(worker_state(stack_home, "e2e-killed"), "ACTIVE")
        first.tell(signal.SIGKILL)
        assert first.ended() == -signal.SIGKILL
    with worker(stack_home, tmp_path / "second", *given) as second:
        assert second.ended() == 1
        said = second.log.read_text(encoding="utf-8")
        assert "worker id 'e2e-killed' of pool 'ecs' is taken" in said
        assert "it is free in" in said
        assert "Traceback" not in said
    with worker(stack_home, tmp_path / "third", *given, "--take-over") as third:
        job_id = submit(stack_home, 0)
        becomes(job_state(stack_home, job_id), "SUCCEEDED")
        # The third one lives: the fourth fences it, and it hands back what it runs.
        held_id = submit(stack_home, 60)
        becomes(job_state(stack_home, held_id), "RUNNING")
        with worker(stack_home, tmp_path / "fourth", *given, "--take-over") as fourth:
            assert third.ended() == 1
            assert "now belongs to a process on host" in third.log.read_text(encoding="utf-8")
            becomes(lambda: tidegate_json(stack_home, "jobs", "get", held_id)["attempt"], 2)
            fourth.tell(signal.SIGTERM)
            assert fourth.ended() == 0
    tidegate_json(stack_home, "jobs", "cancel", held_id)


@pytest.mark.usefixtures("stack")
def test_options_that_are_not_right_are_exit_code_2(stack_home: Path) -> None:
    for options, problem in (
        (("--pool", "moon"), "--pool: unknown pool 'moon'"),
        (("--pool", "lambda"), "--pool: 'lambda' is served by a function"),
        (("--pool", "ecs", "--worker-id", "a b"), "--worker-id: must have"),
    ):
        refused = tidegate(stack_home, "worker", *options)
        assert (refused.returncode, problem in refused.stderr) == (2, True), refused.stderr
