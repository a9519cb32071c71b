"""Logs the attempts that a worker process runs."""

from __future__ import annotations

import logging
import time

from tidegate.ports import Assignment, Begun, Executor, Heartbeat, Outcome, unheard

_LOGGER = logging.getLogger("tidegate.worker")


class LoggedExecutor:
    """Logs the start and the end of each attempt, but never its parameters or its result."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        """Runs one attempt to its end; returns its outcome."""
        _LOGGER.info("job %s %s attempt %d", assignment.job_id, assignment.type, assignment.attempt)
        began = time.monotonic()
        outcome = self._inner.execute(assignment, heartbeat, begun)
        _LOGGER.info(
            "job %s %s in %.1f s %s",
            assignment.job_id,
            outcome.kind,
            time.monotonic() - began,
            outcome.code,
        )
        return outcome
