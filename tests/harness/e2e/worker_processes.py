"""Worker processes that tests start, and jobs for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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


def submit(home: Path, seconds: float) -> str:
    job = f'{{"type": "tidegate.sleep", "pool": "ecs", "parameters": {{"seconds": {seconds}}}}}'
    return str(tidegate_json(home, "submit", "-", stdin=job)["job_id"])
