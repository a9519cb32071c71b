"""Each: independent pieces of work, where one that fails must not keep the others from being done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from tidegate.domain.errors import DependencyUnavailable, ServiceRefused
from tidegate.ports import MoveOutcome

T = TypeVar("T")
R = TypeVar("R")


def for_each(items: Iterable[T], work: Callable[[T], R]) -> list[R]:
    """Does `work` on every item, in order; returns the results.

    Raises the first error once all have had their turn: what nobody foresaw must not be in anybody's way either.
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
    """Does `first` and, whether or not that raised an error, `then`; returns what `then` returned.

    Raises the first error once both have had their turn.
    """
    results: list[R] = []
    steps: tuple[Callable[[], object], ...] = (first, lambda: results.append(then()))
    for_each(steps, lambda step: step())
    return results[0]


def raise_first_failure(outcomes: Iterable[MoveOutcome]) -> None:
    """Raises the first outcome that leaves open whether a job moved; for when the others have been followed up."""
    for outcome in outcomes:
        if isinstance(outcome, DependencyUnavailable | ServiceRefused):
            raise outcome
