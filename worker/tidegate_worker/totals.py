"""Counts the jobs that a worker process has claimed, how they ended, and how soon their code began."""

from __future__ import annotations

import threading
from collections import Counter, deque

from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.workers import Totals

RESPONSES = 100  # the latest attempts, over which the response time is the mean


class Tally:
    """Counts attempts; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed = 0
        self._states: Counter[State] = Counter()
        self._responses_ms: deque[int] = deque(maxlen=RESPONSES)

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

    def began(self, job: Job, began_at_ms: int | None) -> None:
        """Notes how long after its claim the code of an attempt began; None where it did not begin."""
        if began_at_ms is not None and job.started_at_ms is not None:
            with self._lock:
                # A clock that is corrected between the two moments must not make the time negative.
                self._responses_ms.append(max(0, began_at_ms - job.started_at_ms))

    def response_ms(self) -> int | None:
        """Returns the mean time from claim to begin over the latest `RESPONSES` attempts, None before the first."""
        with self._lock:
            noted = self._responses_ms
            return round(sum(noted) / len(noted)) if noted else None

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
