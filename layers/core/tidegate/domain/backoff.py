"""The waits between tries, which double each time."""

from __future__ import annotations

from typing import TypeVar

_Wait = TypeVar("_Wait", int, float)

_MOST_DOUBLINGS = 30  # beyond this any wait exceeds every bound


def doubled(first: _Wait, number: int, most: _Wait) -> _Wait:
    """Returns the wait before or after the `number`th try, in the unit of `first` and `most`.

    `number` counts from 1. The wait is `first` at 1, doubles with each further try, and is never more than `most`. A
    caller that must not meet others at the same moment adds jitter.
    """
    return min(most, first * (1 << min(max(0, number - 1), _MOST_DOUBLINGS)))
