"""Finds and ends the processes of a stack: those of its functions, and all processes that these started.

A process belongs to a stack if its environment has the stack's mark, if it is in the session of the stack's emulator,
or if its parent belongs to the stack. A job's process is missed only if it clears its environment, leaves the session
and outlives its parent, which does not happen by accident.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from tidegate_devstack import processes
from tidegate_devstack.places import Places

MARK_VARIABLE = "TIDEGATE_STACK_HOME"
"""The variable that marks a stack's processes. Its value is the stack's home; children inherit it from the emulator."""
_ASK_SECONDS = 5.0
_END_SECONDS = 10.0
_NOT_TOLD = (psutil.Error, OSError)  # the process has ended, or it is another user's


@dataclass(frozen=True, slots=True)
class Leader:
    """The first process of a session. Its pid is the session's id; `mark` distinguishes it from a later process."""

    pid: int
    mark: str


def find(places: Places, leader: Leader | None) -> dict[int, str]:
    """Returns the pids of the stack's running processes, with their marks.

    `leader` is the stack's emulator, if one is known. It and the calling process are left out.
    """
    running = {pid: mark for pid in psutil.pids() if (mark := processes.start_mark(pid)) is not None}
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
    """True if a process is in the leader's session.

    Once the leader has ended, a later session may get its number. So a process then counts only if it also works in the
    stack's own folder.
    """
    if leader is None or _session(pid) != leader.pid:
        return False
    return running.get(leader.pid) == leader.mark or _folder(pid).is_relative_to(places.scratch)


def end(places: Places, leader: Leader | None, before: Iterable[tuple[int, str]] = ()) -> int:
    """Ends the stack's processes, waits until they are gone, and returns how many there were.

    `before` are processes, with their marks, that were found while their parents still ran. Each process gets SIGTERM,
    and SIGKILL if it still runs after `_ASK_SECONDS`. Processes that start in the meantime are ended too. Raises
    TimeoutError if some are left `_END_SECONDS` after that.
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
        return  # the process has ended meanwhile


def _folder(pid: int) -> Path:
    try:
        return Path(psutil.Process(pid).cwd())
    except _NOT_TOLD:
        return Path("/")


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _parent(pid: int) -> int | None:
    try:
        return psutil.Process(pid).ppid()
    except _NOT_TOLD:
        return None


def _is_marked(pid: int, places: Places) -> bool:
    try:
        return psutil.Process(pid).environ().get(MARK_VARIABLE) == str(places.home)
    except _NOT_TOLD:
        return False
