"""Finds and ends the processes of a stack: those of its functions, and whatever these started.

A process belongs to a stack where it was started with the stack's mark in its environment, where it is in the session
of the stack's emulator, or where its parent belongs to it. A job may clear the environment, may leave the session, and
may outlive its parent; doing all of that at once takes intent.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tidegate_cli.local_stack import processes
from tidegate_cli.local_stack.places import Places

MARK_VARIABLE = "TIDEGATE_STACK_HOME"
"""Set in the environment of the emulator, and so of all that it starts, to the home of the stack."""
_ASK_SECONDS = 5.0
_END_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Leader:
    """A session's first process: its pid, which is the session's id, and the mark that tells it from a later one."""

    pid: int
    mark: str


def find(places: Places, leader: Leader | None) -> dict[int, str]:
    """The stack's processes that run, with their marks; not the leader itself, not the calling process."""
    running = {pid: mark for pid in _pids() if (mark := processes.start_mark(pid)) is not None}
    found = {
        pid for pid in running if _is_marked(pid, places) or _is_in_session(pid, leader, running, places)
    }
    parents = {pid: _parent(pid) for pid in running}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    found.discard(os.getpid())
    return {
        pid: running[pid]
        for pid in found
        if leader is None or (pid, running[pid]) != (leader.pid, leader.mark)
    }


def _is_in_session(pid: int, leader: Leader | None, running: Mapping[int, str], places: Places) -> bool:
    """Whether a process is in the leader's session.

    Once the leader has ended, its number may be that of a later session. Then a process counts only where it works in
    the stack's own folder too, as far as the system tells.
    """
    if leader is None or _session(pid) != leader.pid:
        return False
    if running.get(leader.pid) == leader.mark or not _has_proc():
        return True
    return _folder(pid).is_relative_to(places.scratch)


def end(places: Places, leader: Leader | None, before: Iterable[tuple[int, str]] = ()) -> int:
    """Ends the stack's processes and waits until they are gone; how many there were.

    `before` are some that were found while their parents still ran. Each is asked, and ended hard after a few
    seconds; what starts meanwhile is found too.
    """
    known = dict(before)
    ended: set[int] = set()
    begun_s = time.monotonic()
    while True:
        known.update(find(places, leader))
        left = {pid: mark for pid, mark in known.items() if processes.runs(pid, mark)}
        if not left:
            return len(ended)
        elapsed_s = time.monotonic() - begun_s
        if elapsed_s > _ASK_SECONDS + _END_SECONDS:
            raise TimeoutError(f"processes {sorted(left)} do not end")
        for pid in left:
            if pid not in ended or elapsed_s > _ASK_SECONDS:
                _signal(pid, signal.SIGTERM if elapsed_s <= _ASK_SECONDS else signal.SIGKILL)
        ended.update(left)
        time.sleep(0.05)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it has ended meanwhile


def _pids() -> list[int]:
    if _has_proc():
        return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [int(line) for line in _from_ps("-A", "-o", "pid=")]


def _has_proc() -> bool:
    return Path("/proc/self/stat").exists()


def _folder(pid: int) -> Path:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return Path("/")


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rpartition(")")[2].split()[1])
    except ProcessLookupError:
        return None
    except FileNotFoundError:
        if _has_proc():
            return None
    return next((int(line) for line in _from_ps("-o", "ppid=", "-p", str(pid))), None)


def _is_marked(pid: int, places: Places) -> bool:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False  # gone, another user's, or a system that shows nobody's environment
    return f"{MARK_VARIABLE}={places.home}".encode() in variables


def _from_ps(*arguments: str) -> list[str]:
    found = subprocess.run(["/bin/ps", *arguments], capture_output=True, text=True, check=False)
    return found.stdout.split()
