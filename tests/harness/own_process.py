"""Measures so that no other test of this process distorts the result, mostly in a process of its own."""

from __future__ import annotations

import gc
import math
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

REFERENCE_MS = 4.0  # on the machine of the promises in milliseconds, with nothing beside it
_ONES: list[list[int]] = [[] for _ in range(4_000)]
_OTHERS: list[list[int]] = [[] for _ in range(4_000)]


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


def least_quiet_ms(measure: Callable[[], object], *, enough_ms: float = 0.0, times: int) -> float:
    """Returns the least of several `processor_ms`, as a quiet machine of `REFERENCE_MS` would have measured them.

    A slower machine, or another one on the same cores, lengthens every run for minutes, so more runs do
    not help. A run that took too long is therefore divided by how much longer than `REFERENCE_MS` the reference took
    directly after it. Ends before all `times` are over once one took at most `enough_ms`.
    """
    least = math.inf
    for _ in range(times):
        took_ms = processor_ms(measure)
        if took_ms > enough_ms:
            took_ms /= max(1.0, processor_ms(reference) / REFERENCE_MS)
        least = min(least, took_ms)
        if least <= enough_ms:
            break
    return least


def reference() -> None:
    """Does work that resembles an evaluation: bytecode over many small objects. They fit a core's own cache.

    Objects that do not fit are no measure: beside other processes they took twice as long, and evaluations did not.
    """
    equal = 0
    for _ in range(40):
        for one, other in zip(_ONES, _OTHERS, strict=True):
            if one == other:
                equal += 1
    assert equal == 40 * len(_ONES)


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
