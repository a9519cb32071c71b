"""The lines of one attempt: numbers them, passes them on, and keeps the last ones for the job's error."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

from tidegate.domain import limits
from tidegate.domain.logs import LogLine, last_lines
from tidegate.ports import LogSink, Outcome, OutcomeKind

_FAILED = frozenset({OutcomeKind.FAILED, OutcomeKind.TIMED_OUT})


class NoSink:
    """Drops every line, for a worker whose lines are kept nowhere."""

    def write(self, line: LogLine) -> None:
        """Drops the line."""


class AttemptLines:
    """Takes the lines of one attempt, in their order, and passes them to `sink`. Threads may share it."""

    def __init__(self, job_id: str, attempt: int, sink: LogSink) -> None:
        self._job_id = job_id
        self._attempt = attempt
        self._sink = sink
        self._lock = threading.Lock()
        self._number = 0
        self._last: deque[str] = deque(maxlen=limits.MAX_LAST_LINES)

    def add(self, text: str) -> None:
        """Takes the next line."""
        with self._lock:
            self._number += 1
            self._last.append(text)
        self._sink.write(LogLine(self._job_id, self._attempt, self._number, text))

    def told_by(self, outcome: Outcome) -> Outcome:
        """Returns the outcome with the last lines if the attempt failed."""
        if outcome.kind not in _FAILED:
            return outcome
        with self._lock:
            return replace(outcome, last_lines=last_lines(self._last))
