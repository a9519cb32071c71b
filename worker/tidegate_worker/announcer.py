"""Announces the job types of this worker: once it has joined its pool, and once a day while it lives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from tidegate.domain.announcements import RENEWED_AFTER_MS, DescribedType
from tidegate.domain.backoff import doubled
from tidegate.domain.errors import TidegateError
from tidegate.ports import Clock
from tidegate.usecases.services import Services
from tidegate.usecases.work.announce_types import Announced, announce_types

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 3_600.0
_NAMED = 10

_LOGGER = logging.getLogger("tidegate.worker")


class Announcer:
    """Announces `types` in a thread of its own, so that a slow table delays no heartbeat and no job.

    A failure is repeated after 5 seconds, then twice as long each time, at most an hour. Jobs of types that are not
    announced yet run as all others do; only the API may not know them.
    """

    def __init__(
        self, services: Services, clock: Clock, types: Sequence[DescribedType], *, pool: str, worker_id: str
    ) -> None:
        self._services = services
        self._clock = clock
        self._types = types
        self._pool = pool
        self._worker_id = worker_id
        self._started_at_ms: int | None = None
        self._closing = threading.Event()
        self._failed = 0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to announce, until `close`. Does nothing where there is no type."""
        if self._types:
            # A daemon, because a call to AWS that hangs must not keep the process from ending.
            self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the announcing; waits for a call that is under way for a few seconds."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(FIRST_PAUSE_SECONDS)

    def announce(self) -> float:
        """Announces the types now; returns the seconds until the next time.

        The worker has started when it announces for the first time. It has joined its pool by then, so AWS's answers
        have corrected the clock. A start that a wrong clock noted would order this worker among the others wrongly.
        """
        if self._started_at_ms is None:
            self._started_at_ms = self._clock.now_ms()
        try:
            done = announce_types(
                self._services,
                self._types,
                pool=self._pool,
                worker_id=self._worker_id,
                started_at_ms=self._started_at_ms,
                now_ms=self._clock.now_ms(),
            )
        except TidegateError as error:
            self._failed += 1
            _LOGGER.warning("the job types of this worker are not announced yet, and will be soon: %s", error)
            return doubled(FIRST_PAUSE_SECONDS, self._failed, LONGEST_PAUSE_SECONDS)
        self._failed = 0
        _log(done)
        return RENEWED_AFTER_MS / 1_000

    def _run(self) -> None:
        while not self._closing.wait(0):
            if self._closing.wait(self.announce()):
                return


def _log(done: Announced) -> None:
    if done.new:
        _LOGGER.info("announced %d job types: %s", len(done.new), _some(done.new))
    if done.left_out:
        _LOGGER.error(
            "%d job types are not announced, because there are as many as may be: %s; deploy them with the API",
            len(done.left_out),
            _some(done.left_out),
        )


def _some(types: Sequence[str]) -> str:
    return ", ".join(types[:_NAMED]) + (" and others" if len(types) > _NAMED else "")
