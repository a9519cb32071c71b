"""Processes and ports: who is who, and how to end one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

_children: dict[int, subprocess.Popen[bytes]] = {}


def remember_child(child: subprocess.Popen[bytes]) -> None:
    """Keeps a child so that it can be reaped when it ends; without that a dead one would look alive."""
    _children[child.pid] = child


def start_mark(pid: int) -> str | None:
    """A text that tells this process from any other with the same pid; None if it does not run."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        return None
    try:
        # The name, field 2, may hold spaces and parentheses; what follows the last one is regular.
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _start_mark_from_ps(pid)
    except ProcessLookupError:
        return None
    state, start_ticks = fields[0], fields[19]
    return None if state in "ZX" else start_ticks


def _start_mark_from_ps(pid: int) -> str | None:
    found = subprocess.run(
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


def runs(pid: int, mark: str) -> bool:
    """Whether the very process that had this mark still runs."""
    return start_mark(pid) == mark


def end(pid: int, mark: str, *, patience_seconds: float) -> bool:
    """Asks a process to end and waits; after `patience_seconds` ends it hard. False if it was gone already.

    Never touches another process that got the same pid.
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
    """A loopback port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a loopback port can be listened on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
