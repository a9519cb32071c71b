"""Counts the jobs that a worker process has claimed, and how they ended."""

from __future__ import annotations

import threading
from collections import Counter

from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.workers import Totals


class Tally:
    """Counts attempts; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed = 0
        self._states: Counter[State] = Counter()

    def claimed(self, jobs: int) -> None:
        """Counts `jobs` claimed jobs."""
        with self._lock:
            self._claimed += jobs

    def concluded(self, job: Job | None) -> None:
        """Counts a job by the state in which its conclusion left it.

        None, for an attempt that no longer held, is not counted.
        """
        if job is not None:
            with self._lock:
                self._states[job.state] += 1

    def totals(self) -> Totals:
        """Returns the counts so far."""
        with self._lock:
            states = self._states
            return Totals(
                claimed=self._claimed,
                succeeded=states[State.SUCCEEDED],
                failed=states[State.FAILED] + states[State.TIMED_OUT] + states[State.SCHEDULED],
                handed_back=states[State.READY],
            )
