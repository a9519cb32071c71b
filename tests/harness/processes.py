"""Processes that tests start: their environment, and whether they run."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


def importing_environment(**variables: str) -> dict[str, str]:
    """Returns this process's environment with its import path, so that a new one finds the same modules."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **variables}


def is_running(pid: int) -> bool:
    """Says whether a process exists and is no zombie that its adoptive parent has yet to reap."""
    try:
        process = psutil.Process(pid)
        # If its first thread ended before the others, it looks like a zombie and still runs.
        return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    except psutil.NoSuchProcess:
        return False


@contextmanager
def hears_interrupts() -> Iterator[None]:
    """Restores Ctrl-C for processes started within the block.

    A shell makes its background commands ignore it, and a process that ignores it passes that on to its children.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
