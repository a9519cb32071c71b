"""Calls of the kernel and of the C library that Python has no name for.

This module imports almost nothing, because the small process that keeps job code's processes imports it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from functools import cache

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36


def hide_process() -> bool:
    """Hides this process, so that other processes of its user can't read or trace it.

    Returns False where the system has no such call. On Linux `/proc/PID/environ`, `mem`, `maps` and `fd` then belong to
    root, and no debugger can attach. A program that this process starts is readable again; a copy made by `fork` is
    not. Root can still read everything. A hidden process dumps no core. Raises OSError where the kernel refuses.
    """
    return _prctl(_PR_SET_DUMPABLE, 0, "to hide this process (PR_SET_DUMPABLE)")


def adopt_orphans(*, adopts: bool = True) -> bool:
    """Makes this process the parent of descendants whose own parent ends.

    Returns False where the system has no such call. With `adopts` False process 1 becomes their parent again. Raises
    OSError where the kernel refuses.
    """
    return _prctl(_PR_SET_CHILD_SUBREAPER, int(adopts), "to hand over orphans (PR_SET_CHILD_SUBREAPER)")


def die_with_parent(parent_pid: int) -> bool:
    """Makes the kernel kill this process once its parent is gone. Returns False where the system has no such call.

    Ends the process at once where `parent_pid` is gone already. Children of this process do not inherit the setting.
    Raises OSError where the kernel refuses.
    """
    does = _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, "to end this process with its parent (PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:
        os._exit(1)
    return does


def flush_c_streams() -> None:
    """Writes out what C code printed and the C library still buffers."""
    _c_library().fflush(None)


@cache
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int, purpose: str) -> bool:
    if sys.platform != "linux":
        return False
    if _c_library().prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"the kernel refused {purpose}")
    return True
