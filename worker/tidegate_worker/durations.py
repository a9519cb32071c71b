"""How long jobs take, by what is known before they run: their own estimate, or what jobs of their type took."""

from __future__ import annotations

import math
from collections import deque

EVIDENCE = 8  # jobs of a type that must have been measured
_REMEMBERED = 32  # jobs of a type
_MOST_TYPES = 256


class Durations:
    """Remembers the latest jobs of each type; of very many types those that were measured last."""

    def __init__(self) -> None:
        self._seconds: dict[str, deque[float]] = {}

    def note(self, job_type: str, seconds: float) -> None:
        """A job of this type took so long."""
        measured = self._seconds.pop(job_type, None) or deque(maxlen=_REMEMBERED)
        measured.append(seconds)
        self._seconds[job_type] = measured  # the latest type is the last one
        if len(self._seconds) > _MOST_TYPES:
            del self._seconds[next(iter(self._seconds))]

    def expected_seconds(self, job_type: str, estimate_seconds: float | None) -> float:
        """How long a job will take; infinite where nothing is known of it.

        Its own estimate counts, else the slowest of the latest of its type, where enough were measured.
        """
        if estimate_seconds is not None:
            return estimate_seconds
        measured = self._seconds.get(job_type, ())
        return max(measured) if len(measured) >= EVIDENCE else math.inf
