"""Runs independent pieces of work so that one failure does not stop the others.

The first error is raised at the end, after every piece has run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from tidegate.domain.errors import DependencyUnavailable, ServiceRefused
from tidegate.ports import MoveOutcome

T = TypeVar("T")
R = TypeVar("R")


def for_each(items: Iterable[T], work: Callable[[T], R]) -> list[R]:
    """Runs `work` on every item, in order, and returns the results in that order.

    Raises the first error of any kind after the last item, so one bad item never blocks the others.
    """
    results: list[R] = []
    first: Exception | None = None
    for item in items:
        try:
            results.append(work(item))
        except Exception as error:  # noqa: BLE001 - raised below
            first = first or error
    if first is not None:
        raise first
    return results


def first_then(first: Callable[[], object], then: Callable[[], R]) -> R:
    """Runs `first`, then `then` even if `first` failed; returns the result of `then`.

    Raises the first error after both have run.
    """
    results: list[R] = []
    steps: tuple[Callable[[], object], ...] = (first, lambda: results.append(then()))
    for_each(steps, lambda step: step())
    return results[0]


def raise_first_failure(outcomes: Iterable[MoveOutcome]) -> None:
    """Raises the first outcome that is a service error; such an outcome does not tell whether the job was written.

    Callers use it last, after they have acted on the outcomes that did succeed. Raises DependencyUnavailable or
    ServiceRefused.
    """
    for outcome in outcomes:
        if isinstance(outcome, DependencyUnavailable | ServiceRefused):
            raise outcome
