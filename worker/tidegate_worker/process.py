"""A worker process: its pipeline of jobs, its entry in the pool, and the drain at its end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.domain.announcements import DescribedType
from tidegate.ports import Clock, SlotExecutor
from tidegate.usecases.services import Services
from tidegate_worker.announcer import Announcer
from tidegate_worker.faults import Faults
from tidegate_worker.pipeline import Pipeline
from tidegate_worker.protection import TaskGuard
from tidegate_worker.registration import Order, Registration

EXIT_DRAINED = 0
EXIT_GAVE_UP = 1
EXIT_UNABLE = 6

HAND_BACK_SECONDS = 15.0
"""The longest wait for the jobs that the process hands back after the drain."""

_LOGGER = logging.getLogger("tidegate.worker")
_TICK_SECONDS = 0.25
_BEAT_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a worker process. `slots` is the number of jobs that it runs at once.

    It waits at most `poll_seconds` (0-20) in one receive. Running jobs may go on for `drain_seconds` after the first
    request to stop; then they are handed back.
    """

    pool: str
    slots: int
    poll_seconds: float = 5.0
    drain_seconds: float = 10.0


class WorkerProcess:
    """One worker process. `run` works until another thread calls `stop`.

    `guard` protects the ECS task that the process runs in; it is None if it runs in no task.
    `types` are announced once the worker has joined its pool.
    """

    def __init__(
        self,
        services: Services,
        executor: SlotExecutor,
        clock: Clock,
        options: Options,
        registration: Registration,
        guard: TaskGuard | None = None,
        types: Sequence[DescribedType] = (),
    ) -> None:
        self._executor = executor
        self._guard = guard
        self._options = options
        self._registration = registration
        self._stop_asked = threading.Event()
        self._announcer = Announcer(
            services, clock, types, pool=options.pool, worker_id=registration.worker_id
        )
        self._faults = Faults(services.registry.types())
        self._pipeline = Pipeline(
            services,
            executor,
            clock,
            pool=options.pool,
            slots=options.slots,
            poll_seconds=options.poll_seconds,
            worker_id=registration.worker_id,
            stop=self._stop_asked,
            faults=self._faults,
        )

    def run(self) -> int:
        """Serves the pool until it has drained or has to give up; returns the exit code.

        EXIT_DRAINED means that it drained, EXIT_GAVE_UP that the queue stayed unreachable or another process took the
        worker id, and EXIT_UNABLE that it can't run the jobs that it is given. Raises WorkerIdTaken if another
        process works under the id from the start.
        """
        self._executor.warm(self._options.slots)
        try:
            self._registration.register()
        except BaseException:
            self._executor.close()
            raise
        _LOGGER.info(
            "worker %s serves pool %s with %d slots",
            self._registration.worker_id,
            self._options.pool,
            self._options.slots,
        )
        self._pipeline.start()
        self._faults.start(self._executor)
        self._announcer.start()
        if self._guard is not None:
            self._guard.start(self._pipeline.longest_running_seconds)
        try:
            code = self._serve()
        finally:
            self._end()
        return EXIT_GAVE_UP if self._registration.is_fenced else code

    def _end(self) -> None:
        self._stop_asked.set()
        try:
            self._registration.drain_begins()
            self._pipeline.hand_back_waiting()
            self._drain()
        finally:
            # Closed after any error, because running threads would keep the process from ending.
            self._executor.close()
            self._faults.close()
            self._announcer.close()
            if self._guard is not None:
                self._guard.close()
            self._pipeline.close()
        self._registration.leave(totals=self._pipeline.totals)
        _LOGGER.info("worker %s has stopped: %s", self._registration.worker_id, self._pipeline.totals)

    def stop(self) -> None:
        """Asks for the end.

        After the first call running jobs may finish for a while; after the second they are handed back.
        """
        if not self._stop_asked.is_set():
            _LOGGER.info(
                "stopping: %d running jobs have %g s to finish; stop again to hand them back now",
                self._pipeline.running,
                self._options.drain_seconds,
            )
            self._stop_asked.set()
            self._registration.drain_begins()
            return
        _LOGGER.info("stopping now: running jobs are handed back")
        self._pipeline.hand_back_running()
        self._executor.close()

    def _serve(self) -> int:
        while not self._stop_asked.is_set() and self._beat() is Order.GO_ON:
            if self._pipeline.gave_up:
                return EXIT_GAVE_UP
            if self._faults.why_leave:
                _LOGGER.error(
                    "this worker leaves: %s; deploy the job code to it, or see its memory and its disk, and start it "
                    "again",
                    self._faults.why_leave,
                )
                return EXIT_UNABLE
            if self._faults.standing.fault:
                self._pipeline.hand_back_unable()
            self._pipeline.hand_back_overdue()
            self._stop_asked.wait(_TICK_SECONDS)
        return EXIT_DRAINED

    def _beat(self) -> Order:
        pipeline = self._pipeline
        return self._registration.beat_if_due(
            running=pipeline.running,
            totals=pipeline.totals,
            standing=self._faults.standing,
            response_ms=pipeline.response_ms,
        )

    def _drain(self) -> None:
        if self._is_idle_within(self._options.drain_seconds, or_handing_back=True):
            return
        self._pipeline.hand_back_running()
        self._executor.hurry()
        if not self._is_idle_within(HAND_BACK_SECONDS, or_handing_back=False):
            _LOGGER.warning(
                "%d jobs did not stop in time; their processes are killed", self._pipeline.running
            )

    def _is_idle_within(self, seconds: float, *, or_handing_back: bool) -> bool:
        """Returns True once no job is held, or False after `seconds`; sends heartbeats meanwhile.

        With `or_handing_back` it returns False early if running jobs are to be handed back, or the worker is fenced.
        """
        until_s = time.monotonic() + seconds
        while True:
            left_s = until_s - time.monotonic()
            look_s = max(0.0, min(left_s, _BEAT_LOOK_SECONDS))
            if self._pipeline.wait_until_idle(look_s, or_handing_back=or_handing_back):
                return True
            if left_s <= 0 or (or_handing_back and self._pipeline.is_handing_back):
                return False
            if self._beat() is Order.STOP and or_handing_back:
                return False
