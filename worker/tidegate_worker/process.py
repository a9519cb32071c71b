"""The worker process: serves a pool until it is told to stop, says that it is there, and drains at the end."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from tidegate.domain.errors import TidegateError
from tidegate.ports import Clock, SlotExecutor, Worker
from tidegate.usecases.services import Services
from tidegate_worker.pipeline import Pipeline

EXIT_DRAINED = 0
EXIT_GAVE_UP = 1

_LOGGER = logging.getLogger("tidegate.worker")
_TICK_SECONDS = 0.25
_REGISTRATION_KEPT_SECONDS = 600
_HAND_BACK_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Options:
    """How a worker process works. `slots` is how many jobs it runs at once.

    It waits at most `poll_seconds` (0-20) in one receive, renews its registration every `register_seconds`, and
    lets running jobs go on for `drain_seconds` after the first request to stop before it hands them back.
    """

    pool: str
    slots: int
    poll_seconds: float = 5.0
    register_seconds: float = 15.0
    drain_seconds: float = 10.0


class WorkerProcess:
    """One worker process. `run` works until `stop` is called from another thread."""

    def __init__(
        self, services: Services, executor: SlotExecutor, clock: Clock, options: Options, worker_id: str
    ) -> None:
        self._services = services
        self._executor = executor
        self._clock = clock
        self._options = options
        self._worker_id = worker_id
        self._stop_asked = threading.Event()
        self._pipeline = Pipeline(
            services,
            executor,
            clock,
            pool=options.pool,
            slots=options.slots,
            poll_seconds=options.poll_seconds,
            worker_id=worker_id,
            stop=self._stop_asked,
        )
        self._registered_at: float | None = None

    def run(self) -> int:
        """Serves the pool; returns EXIT_DRAINED after a stop, EXIT_GAVE_UP where the queue stays unreachable."""
        pool, slots = self._options.pool, self._options.slots
        _LOGGER.info("worker %s serves pool %s with %d slots", self._worker_id, pool, slots)
        self._executor.warm(slots)
        self._pipeline.start()
        try:
            return self._serve()
        finally:
            self._stop_asked.set()
            self._pipeline.hand_back_waiting()
            self._deregister()
            self._drain()
            self._executor.close()
            self._pipeline.close()
            _LOGGER.info("worker %s has stopped: %s", self._worker_id, self._pipeline.totals)

    def stop(self) -> None:
        """Asks for the end: the first time running jobs may finish for a while, the second time they may not."""
        if not self._stop_asked.is_set():
            _LOGGER.info(
                "stopping: %d running jobs have %g s to finish; stop again to hand them back now",
                self._pipeline.running,
                self._options.drain_seconds,
            )
            self._stop_asked.set()
            return
        _LOGGER.info("stopping now: running jobs are handed back")
        self._pipeline.hand_back_running()
        self._executor.close()

    def _serve(self) -> int:
        while not self._stop_asked.is_set():
            if self._pipeline.gave_up:
                return EXIT_GAVE_UP
            self._register_if_due()
            self._pipeline.hand_back_overdue()
            self._stop_asked.wait(_TICK_SECONDS)
        return EXIT_DRAINED

    def _drain(self) -> None:
        if self._pipeline.wait_until_idle(self._options.drain_seconds, or_handing_back=True):
            return
        self._pipeline.hand_back_running()
        self._executor.hurry()
        if not self._pipeline.wait_until_idle(_HAND_BACK_SECONDS, or_handing_back=False):
            _LOGGER.warning(
                "%d jobs did not stop in time; their processes are killed", self._pipeline.running
            )

    def _register_if_due(self) -> None:
        now = time.monotonic()
        if self._registered_at is not None and now - self._registered_at < self._options.register_seconds:
            return
        now_ms = self._clock.now_ms()
        try:
            self._services.workers.put(
                Worker(
                    pool=self._options.pool,
                    worker_id=self._worker_id,
                    slots=self._options.slots,
                    running=self._pipeline.running,
                    heartbeat_at_ms=now_ms,
                    expires_at_s=now_ms // 1_000 + _REGISTRATION_KEPT_SECONDS,
                )
            )
        except TidegateError as error:
            _LOGGER.warning("registration failed, tried again soon: %s", error)
            return
        self._registered_at = now

    def _deregister(self) -> None:
        try:
            self._services.workers.remove(self._options.pool, self._worker_id)
        except TidegateError as error:
            _LOGGER.warning("the registration stays until it expires: %s", error)
