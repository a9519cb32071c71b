"""A worker process that joins a pool is given its work by that, not by the schedule."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.command_line import tidegate_json

PATIENCE_SECONDS = 90


@pytest.mark.usefixtures("no_schedule")
def test_jobs_that_wait_for_a_worker_run_when_one_joins(stack_home: Path) -> None:
    job = '{"type": "tidegate.noop", "pool": "ecs"}'
    job_id = tidegate_json(stack_home, "submit", "-", stdin=job)["job_id"]
    command = [sys.executable, "-m", "tidegate_cli", "worker", "--pool", "ecs", "--slots", "1"]
    environment = {**os.environ, "TIDEGATE_HOME": str(stack_home)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline_s = time.monotonic() + PATIENCE_SECONDS
        state = "READY"
        while state != "SUCCEEDED" and time.monotonic() < deadline_s:
            state = tidegate_json(stack_home, "jobs", "get", job_id)["state"]
        assert state == "SUCCEEDED"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
