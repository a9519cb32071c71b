"""Predicts the durations of jobs: by their own estimate, or by the latest jobs of the same type."""

from __future__ import annotations

import math
from collections import deque

EVIDENCE = 8  # measured jobs of a type that a prediction needs
_REMEMBERED = 32  # measured jobs kept for a type
_MOST_TYPES = 256


class Durations:
    """Keeps the durations of the latest jobs of each type, for the 256 types that were measured last."""

    def __init__(self) -> None:
        self._seconds: dict[str, deque[float]] = {}

    def note(self, job_type: str, seconds: float) -> None:
        """Notes that a job of this type took `seconds`."""
        measured = self._seconds.pop(job_type, None) or deque(maxlen=_REMEMBERED)
        measured.append(seconds)
        self._seconds[job_type] = measured  # the latest type is the last one
        if len(self._seconds) > _MOST_TYPES:
            del self._seconds[next(iter(self._seconds))]

    def expected_seconds(self, job_type: str, estimate_seconds: float | None) -> float:
        """Returns the seconds that a job will take; infinite if nothing is known of it.

        Its own estimate is used if it has one, otherwise the slowest of the latest jobs of its type, if 8 or more
        were measured.
        """
        if estimate_seconds is not None:
            return estimate_seconds
        measured = self._seconds.get(job_type, ())
        return max(measured) if len(measured) >= EVIDENCE else math.inf
