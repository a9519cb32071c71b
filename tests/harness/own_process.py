"""Measures in a process of its own, so that no other test of this process distorts the result."""

from __future__ import annotations

import re
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

Argument = TypeVar("Argument")
Measured = TypeVar("Measured")


def measured_in_own_process(measure: Callable[[Argument], Measured], argument: Argument) -> Measured:
    """Calls `measure`, a function of a module, with `argument` in a new process. Raises the errors that it raises.

    Earlier tests have left garbage, threads and a peak of memory in this process. The new one has none of these.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, argument).result()


def peak_bytes() -> int:
    """Returns the peak memory of this process.

    On Linux `ru_maxrss` would not do: a new program inherits it from the process that started it.
    """
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = re.search(
        r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE
    )
    assert found
    return int(found[1]) * 1_024
