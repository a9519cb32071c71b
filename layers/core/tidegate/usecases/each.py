"""Each: independent pieces of work, where one that fails must not keep the others from being done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from tidegate.domain.errors import TidegateError

T = TypeVar("T")
R = TypeVar("R")


def for_each(items: Iterable[T], work: Callable[[T], R]) -> list[R]:
    """Does `work` on every item, in order; returns the results.

    Raises the first TidegateError once all have had their turn.
    """
    results: list[R] = []
    first: TidegateError | None = None
    for item in items:
        try:
            results.append(work(item))
        except TidegateError as error:
            first = first or error
    if first is not None:
        raise first
    return results
