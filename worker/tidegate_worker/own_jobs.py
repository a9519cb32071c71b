"""Knows the jobs that a worker process holds."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence


class OwnJobs:
    """The ids of the jobs that the process has claimed and not ended; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Counter[str] = (
            Counter()
        )  # a job whose earlier attempt was lost may be held twice for moments

    def __contains__(self, job_id: str) -> bool:
        with self._lock:
            return self._held[job_id] > 0

    def add(self, job_ids: Sequence[str]) -> None:
        """Notes jobs that were claimed."""
        with self._lock:
            self._held.update(job_ids)

    def remove(self, job_ids: Sequence[str]) -> None:
        """Notes jobs that are no longer held."""
        with self._lock:
            self._held.subtract(job_ids)
            self._held += Counter()  # drops those that are at zero
