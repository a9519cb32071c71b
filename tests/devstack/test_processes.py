"""`down` ends every process that the stack started, and only those, and then removes their folders."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.harness.devstack.emulated import Stack
from tests.harness.processes import is_running
from tests.harness.waiting import becomes_true
from tidegate_devstack.emulator import STOP_SECONDS

# A busy job and its processes: a child, a child in a session of its own, and a child with an empty environment.
BUSY = """
import os, subprocess, sys, time

def handler(event, context):
    sleeps = [sys.executable, "-c", "import signal, time; {ignore}; time.sleep(600)"]
    children = [
        subprocess.Popen(sleeps),
        subprocess.Popen(sleeps, start_new_session=True),
        subprocess.Popen(sleeps, env={{}}),
    ]
    with open(event, "w") as file:
        file.write(" ".join(map(str, [os.getpid(), *(child.pid for child in children)])))
    time.sleep(600)
"""


def _busy(stack: Stack, pids: Path, ignore: str = "0") -> set[int]:
    """Runs a function for long. Returns the pids of its process and of its children."""
    stack.make_function(BUSY.format(ignore=ignore), timeout_seconds=900)

    def call() -> None:
        try:
            stack.invoke(str(pids))
        except (BotoCoreError, ClientError):
            return  # the emulator is ended during the call

    threading.Thread(target=call, daemon=True).start()
    assert becomes_true(lambda: pids.exists() and len(pids.read_text().split()) == 4), "it does not run"
    found = {int(pid) for pid in pids.read_text().split()}
    assert all(is_running(pid) for pid in found)
    return found


@pytest.fixture
def strangers() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Starts processes of the user's own."""
    sleeps = [sys.executable, "-c", "import time; time.sleep(600)"]
    made = [subprocess.Popen(sleeps), subprocess.Popen(sleeps, start_new_session=True)]
    yield made
    for child in made:
        child.kill()
        child.wait()


def test_a_stop_ends_all_that_ran(
    stack: Stack, tmp_path: Path, strangers: list[subprocess.Popen[bytes]]
) -> None:
    stack.start()
    found = _busy(stack, tmp_path / "pids")
    began_s = time.monotonic()
    assert stack.stop()
    assert time.monotonic() - began_s < STOP_SECONDS / 2, "it ends by itself, so what it holds is saved"
    assert [pid for pid in found if is_running(pid)] == []
    assert not stack.places.scratch.exists()
    assert all(child.poll() is None for child in strangers)


def test_a_stop_ends_what_ignores_it(stack: Stack, tmp_path: Path) -> None:
    stack.start()
    found = _busy(stack, tmp_path / "pids", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    assert stack.stop()
    assert [pid for pid in found if is_running(pid)] == []


def test_a_start_after_a_kill_ends_what_the_killed_left(stack: Stack, tmp_path: Path) -> None:
    stack.start()
    found = _busy(stack, tmp_path / "pids")
    stack.kill()
    assert all(is_running(pid) for pid in found)
    stack.start()
    assert [pid for pid in found if is_running(pid)] == []
    assert any("left behind" in line for line in stack.said)


def test_a_stop_after_a_kill_ends_what_the_killed_left(stack: Stack, tmp_path: Path) -> None:
    stack.start()
    found = _busy(stack, tmp_path / "pids")
    stack.kill()
    assert not stack.stop(), "the emulator itself was gone"
    assert [pid for pid in found if is_running(pid)] == []


def test_a_stop_ends_an_emulator_that_hangs(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate_devstack.emulator.STOP_SECONDS", 1.0)
    emulator = stack.start()
    stack.make_table()
    stack.put("kept")
    found = _busy(stack, tmp_path / "pids")
    time.sleep(3)
    os.kill(emulator.pid, signal.SIGSTOP)
    assert stack.stop()
    assert [pid for pid in {emulator.pid, *found} if is_running(pid)] == []
    stack.start()
    assert stack.held() == {"kept"}


def test_a_stale_record_ends_no_process_of_somebody_else(
    stack: Stack, strangers: list[subprocess.Popen[bytes]]
) -> None:
    """The record's pid, and the session with that number, belong to another program by now."""
    stack.start()
    stack.stop()
    record = stack.places.emulator_record
    for stranger in strangers:
        changed = record.read_text().replace(f'"pid": {stack.emulator.pid}', f'"pid": {stranger.pid}')
        record.write_text(changed)
        assert stack.emulator.pid == stranger.pid
        assert not stack.stop()
        stack.start()
        stack.stop()
    assert all(child.poll() is None for child in strangers)
