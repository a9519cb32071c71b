"""Worker processes that tests start, and waits for their effects."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.harness.e2e.command_line import tidegate_json

PATIENCE_SECONDS = 90


class RunningWorker:
    """A worker process of pool ecs, whose output is kept."""

    def __init__(self, home: Path, log: Path, *options: str, variables: Mapping[str, str]) -> None:
        self.log = log
        command = [sys.executable, "-m", "tidegate_cli", "worker", "--pool", "ecs", *options]
        environment = {**os.environ, "TIDEGATE_HOME": str(home), **variables}
        with log.open("wb") as sink:
            self.process = subprocess.Popen(command, env=environment, stderr=sink, stdout=sink)

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        return self.process.wait(timeout=PATIENCE_SECONDS)


@contextmanager
def worker(
    home: Path, log: Path, *options: str, variables: Mapping[str, str] | None = None
) -> Iterator[RunningWorker]:
    """Runs a worker process while the block runs. `variables` are added to its environment.

    The process is terminated rather than killed: in the emulator a long poll that is cut off still takes the next
    message.
    """
    running = RunningWorker(home, log, *options, variables=variables or {})
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.tell(signal.SIGTERM)
            try:
                running.ended()
            except subprocess.TimeoutExpired:
                running.process.kill()
                raise


def becomes(read: Callable[[], Any], wanted: object) -> None:
    """Waits, with a time limit, until `read` returns the wanted value."""
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
