"""The real template on an emulator that is killed: the next `up` goes on with the saved state, and deploys nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.harness.e2e.command_line import tidegate_json
from tests.harness.e2e.kills.deployment import resend_after
from tests.harness.e2e.looks import job
from tidegate_devstack import LocalState, down, status, up

SAVED_WITHIN_SECONDS = 6.0  # docs/guides/local-stack.md
# If a function had received the message and not yet claimed the job, another message is sent after this time and half
# of it at most, by the next run of the reaper (docs/explanation/recovery.md). Deployed, it is five minutes.
RESEND_AFTER_SECONDS = 50
RECOVERED_WITHIN_SECONDS = 240  # on a busy machine functions start slowly


def silent(line: str) -> None:
    """Takes a line of progress and prints nothing."""


def still_running(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Returns the processes that run a second later.

    A process that only waits to be reaped by its parent does not run.
    """
    alive = psutil.wait_procs(processes, timeout=1)[1]
    return [each for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
def test_jobs_outlive_a_kill_and_no_process_outlives_a_stop(stack_home: Path) -> None:
    home = stack_home.with_name(f"{stack_home.name}-killed")
    down(silent, home=home, wipe=True)
    try:
        first = up(silent, home=home)
        resend_after(first, RESEND_AFTER_SECONDS)
        document = '{"type": "tidegate.sleep", "parameters": {"seconds": 1}}'
        job_id = tidegate_json(home, "submit", "-", stdin=document)["job_id"]
        time.sleep(SAVED_WITHIN_SECONDS)
        left = psutil.Process(first.pid).children(recursive=True)
        assert left, "functions run"
        os.kill(first.pid, signal.SIGKILL)
        said: list[str] = []
        second = up(said.append, home=home)
        assert second.pid != first.pid
        assert "nothing changed since the last deployment" in said
        assert still_running(left) == []
        deadline_s = time.monotonic() + RECOVERED_WITHIN_SECONDS
        while (ended := job(home, job_id))["state"] != "SUCCEEDED":
            assert time.monotonic() < deadline_s, ended
            time.sleep(1)
        last = [psutil.Process(second.pid), *psutil.Process(second.pid).children(recursive=True)]
        assert down(silent, home=home)
        assert still_running(last) == []
        assert not (home / "tmp").exists()
    finally:
        down(silent, home=home, wipe=True)
    assert status(home=home).state is LocalState.STOPPED
