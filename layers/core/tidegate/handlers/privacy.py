"""Keeps a process's memory, environment and open files from other processes of the same user."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def hide_process() -> bool:
    """Makes this process one that others of its user can't read or trace; False where the system has no such call.

    On Linux `/proc/PID/environ`, `mem`, `maps` and `fd` then belong to root, and no debugger can attach. A program that
    this process starts is readable again, a copy made by `fork` is not. Nothing helps against root. A hidden process
    dumps no core. Raises OSError where the kernel refuses.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel refused to hide this process (PR_SET_DUMPABLE)")
    return True
