"""Identifies processes, ends them, and finds free ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil

_children: dict[int, subprocess.Popen[bytes]] = {}


def remember_child(child: subprocess.Popen[bytes]) -> None:
    """Remembers a child of this process, so that `start_mark` reaps it once it has ended.

    An ended child that is not reaped looks like a running process.
    """
    _children[child.pid] = child


def start_mark(pid: int) -> str | None:
    """Returns a text that distinguishes this process from any other with the same pid; None if it does not run.

    The text is the time at which the process started, in a form that a change of the system's clock leaves as it is.
    """
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        return None
    return _start_ticks(pid) if psutil.LINUX else _start_seconds(pid)


def _start_ticks(pid: int) -> str | None:
    """Returns the ticks from the start of the system to that of the process.

    On Linux, psutil adds these ticks to the time of the system's start, which moves with the clock. Marks are kept in
    files and compared for days, so they are the ticks alone.
    """
    try:
        # The name, field 2, may hold spaces and parentheses. The fields after its last parenthesis hold none.
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, start_ticks = fields[0], fields[19]
    return None if state in "ZX" else start_ticks


def _start_seconds(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except psutil.NoSuchProcess:
        return None


def runs(pid: int, mark: str) -> bool:
    """True if the process with this pid and this mark still runs. A later process with the same pid does not count."""
    return start_mark(pid) == mark


def end(pid: int, mark: str, *, patience_seconds: float) -> bool:
    """Ends a process with SIGTERM, or with SIGKILL if it still runs after `patience_seconds`, and waits for its end.

    Returns False if it had ended before. Never ends another process that got the same pid.
    """
    if not runs(pid, mark):
        return False
    for number, wait_seconds in ((signal.SIGTERM, patience_seconds), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        deadline_s = time.monotonic() + wait_seconds
        while time.monotonic() < deadline_s:
            if not runs(pid, mark):
                return True
            time.sleep(0.05)
    return True


def free_port() -> int:
    """Returns a loopback port on which no process listens now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """True if a process can listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
