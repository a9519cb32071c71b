"""Durations as one byte each, so that those of a workflow's jobs fit beside their states.

The bytes stand for durations that grow by the same factor. So a duration is kept to within 3.1 % of itself, and one of
less than 10 ms to within 10 ms.
"""

from __future__ import annotations

import math

from tidegate.domain import limits

UNKNOWN = 0
NO_TIME = 1
_FIRST, _LAST = 2, 255
_SHORTEST_SECONDS = 0.01
_STEP = math.log(limits.MAX_TIMEOUT_SECONDS / _SHORTEST_SECONDS) / (_LAST - _FIRST)


def byte_of(seconds: float | None) -> int:
    """Returns the byte that stands for a duration, `NO_TIME` for None: that of a job that ended and never ran."""
    if seconds is None or seconds < _SHORTEST_SECONDS / 2:
        return NO_TIME
    steps = round(math.log(max(seconds, _SHORTEST_SECONDS) / _SHORTEST_SECONDS) / _STEP)
    return min(_LAST, _FIRST + steps)


def seconds_of(byte: int) -> float | None:
    """Returns the duration that a byte stands for, in seconds with three digits; None where it is not known."""
    if byte == UNKNOWN:
        return None
    if byte == NO_TIME:
        return 0.0
    return float(f"{_SHORTEST_SECONDS * math.exp(_STEP * (byte - _FIRST)):.3g}")
