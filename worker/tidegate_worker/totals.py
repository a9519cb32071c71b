"""How many jobs a worker process has had, and how they went."""

from __future__ import annotations

import threading
from collections import Counter

from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.workers import Totals


class Tally:
    """Counts attempts; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed = 0
        self._states: Counter[State] = Counter()

    def claimed(self, jobs: int) -> None:
        """That many were claimed."""
        with self._lock:
            self._claimed += jobs

    def concluded(self, job: Job | None) -> None:
        """A job as its conclusion left it; None where the attempt no longer held."""
        if job is not None:
            with self._lock:
                self._states[job.state] += 1

    def totals(self) -> Totals:
        """What was counted so far."""
        with self._lock:
            states = self._states
            return Totals(
                claimed=self._claimed,
                succeeded=states[State.SUCCEEDED],
                failed=states[State.FAILED] + states[State.TIMED_OUT] + states[State.SCHEDULED],
                handed_back=states[State.READY],
            )
