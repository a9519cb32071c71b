"""Measures so that no other test of this process distorts the result, mostly in a process of its own."""

from __future__ import annotations

import gc
import re
import resource
import sys
import time
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


def processor_ms(measure: Callable[[], object]) -> float:
    """Calls `measure` in this process. Returns the milliseconds of processor time that this thread took for it.

    A garbage collection that falls into the call looks at what the call made and not at what earlier tests left,
    which takes some hundred milliseconds in a process of thousands of tests.
    """
    gc.freeze()
    try:
        started = time.thread_time()
        measure()
        return (time.thread_time() - started) * 1_000
    finally:
        gc.unfreeze()


def least_processor_ms(measure: Callable[[], object], *, enough_ms: float = 0.0, times: int) -> float:
    """Returns the least of several `processor_ms`: what else this machine does only ever lengthens one.

    Ends before all `times` are over once one took at most `enough_ms`.
    """
    least = processor_ms(measure)
    for _ in range(times - 1):
        if least <= enough_ms:
            break
        least = min(least, processor_ms(measure))
    return least


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
