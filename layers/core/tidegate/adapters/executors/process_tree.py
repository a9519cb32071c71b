"""Finds and kills the processes that a process started, directly or indirectly, through Linux's `/proc`.

On other systems it finds nothing. It imports very little, because the keeper of a job's process runs on it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import cache

_PAUSE_SECONDS = 0.001  # a killed process takes about this long to disappear
_CLEAN_LOOKS = 2  # one look may miss a process that changes its parent at that moment
_ZOMBIE = b"Z"
_DEAD = b"X"
_THREADS = 17  # position of the number of threads, counted from the state (proc(5))


def descendants_of(pid: int) -> list[int]:
    """Returns the ids of all running descendants of `pid`, parents before their children."""
    return [found for found in _walk(pid) if _runs(found)]


def is_alone(pid: int, parent: int) -> bool:
    """Returns True if `pid` is the only descendant of `parent`, by one cheap look.

    It looks at the children of `pid` first: a child that leaves `pid` at that moment becomes a child of `parent`.
    """
    return _kernel_lists_children() and not _children_of(pid) and _children_of(parent) == [pid]


def end_descendants(
    pid: int, *, spared: Collection[int], seconds: float, reap: Callable[[], None]
) -> tuple[int, bool]:
    """Kills every descendant of `pid` except `spared`, until none is left, for at most `seconds`.

    Returns the number of killed processes, and True if all are gone. `reap` collects the caller's own dead children
    between two looks.
    """
    killed: set[int] = set()
    until_s = time.monotonic() + seconds
    clean = 0
    while clean < _CLEAN_LOOKS:
        reap()
        found = [one for one in descendants_of(pid) if one not in spared]
        if not found:
            clean += 1
            continue
        clean = 0
        if time.monotonic() > until_s:
            return len(killed), False
        for one in found:
            # A process of another user can't be killed; it is found again until the time is over.
            with suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
        killed.update(found)
        time.sleep(_PAUSE_SECONDS)
    return len(killed), True


def _walk(pid: int) -> Iterator[int]:
    level, seen = [pid], {pid}
    children_of = _children_of if _kernel_lists_children() else _children_by_parents()
    while level:
        level = [child for parent in level for child in children_of(parent) if child not in seen]
        seen.update(level)
        yield from level


@cache
def _kernel_lists_children() -> bool:
    """Returns True if this kernel was built with the lists that `_children_of` reads."""
    own = os.getpid()
    return os.path.exists(f"/proc/{own}/task/{own}/children")  # noqa: PTH110 - a Path costs more than the call


def _children_by_parents() -> Callable[[int], list[int]]:
    """Returns a function that answers like `_children_of`, from one look at all processes of the machine.

    This is far slower.
    """
    children: dict[int, list[int]] = {}
    if os.path.isdir("/proc/self"):  # noqa: PTH112 - a Path costs more than the call
        for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208 - a Path costs more than the call
            after_name = _status_of(int(name))
            if after_name:
                children.setdefault(int(after_name[1]), []).append(int(name))
    return lambda pid: children.get(pid, [])


def _children_of(pid: int) -> list[int]:
    """Returns the children of all threads of `pid`; none if it is gone."""
    tasks = f"/proc/{pid}/task"
    children: list[int] = []
    try:
        for task in os.listdir(tasks):  # noqa: PTH208 - a Path costs more than the call
            descriptor = os.open(f"{tasks}/{task}/children", os.O_RDONLY | os.O_CLOEXEC)
            try:
                while part := os.read(descriptor, 65_536):
                    children.extend(int(child) for child in part.split())
            finally:
                os.close(descriptor)
    except (FileNotFoundError, ProcessLookupError):
        return children
    return children


def _runs(pid: int) -> bool:
    """Returns True if `pid` exists and is no zombie, which is a dead process that its parent has not collected yet."""
    status = _status_of(pid)
    if not status:
        return False
    # If its first thread ended before the others, it looks like a zombie and still runs.
    return status[0] not in (_ZOMBIE, _DEAD) or int(status[_THREADS]) > 1


def _status_of(pid: int) -> list[bytes]:
    """Returns the fields that the kernel reports after the name of `pid`: its state, its parent, and more.

    The result is empty if the process is gone.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - a Path costs more than the call
            return file.read(4_096).rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
