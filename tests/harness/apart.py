"""Measures in a process of its own, so that no other test of this process distorts the result."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Argument = TypeVar("Argument")
Measured = TypeVar("Measured")


def measured_apart(measure: Callable[[Argument], Measured], argument: Argument) -> Measured:
    """Calls `measure`, a function of a module, with `argument` in a new process. Raises the errors that it raises.

    Earlier tests have left garbage, threads and a peak of memory in this process. The new one has none of these.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as apart:
        return apart.submit(measure, argument).result()
