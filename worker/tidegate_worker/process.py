"""A worker process: its pipeline of jobs, its place in the pool, and the drain at its end."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from tidegate.ports import Clock, SlotExecutor
from tidegate.usecases.services import Services
from tidegate_worker.faults import Faults
from tidegate_worker.pipeline import Pipeline
from tidegate_worker.protection import TaskGuard
from tidegate_worker.registration import Order, Registration

EXIT_DRAINED = 0
EXIT_GAVE_UP = 1
EXIT_UNABLE = 6

HAND_BACK_SECONDS = 15.0
"""How long the process waits at most for the jobs that it hands back once the drain is over."""

_LOGGER = logging.getLogger("tidegate.worker")
_TICK_SECONDS = 0.25
_BEAT_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How a worker process works. `slots` is how many jobs it runs at once.

    It waits at most `poll_seconds` (0-20) in one receive, and lets running jobs go on for `drain_seconds` after the
    first request to stop before it hands them back.
    """

    pool: str
    slots: int
    poll_seconds: float = 5.0
    drain_seconds: float = 10.0


class WorkerProcess:
    """One worker process. `run` works until `stop` is called from another thread.

    `guard` keeps the task protected that the process runs in; there is none where it runs in no task.
    """

    def __init__(
        self,
        services: Services,
        executor: SlotExecutor,
        clock: Clock,
        options: Options,
        registration: Registration,
        guard: TaskGuard | None = None,
    ) -> None:
        self._executor = executor
        self._guard = guard
        self._options = options
        self._registration = registration
        self._stop_asked = threading.Event()
        self._faults = Faults(services.catalogue.types())
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
        """Serves the pool; returns EXIT_DRAINED after it drained.

        EXIT_GAVE_UP where the queue stays unreachable, or where another process took the worker id over. EXIT_UNABLE
        where it can't run what it is given. Raises WorkerIdTaken where another one works under it from the start.
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
            # Whatever went wrong before: threads that go on would keep the process from ending.
            self._executor.close()
            self._faults.close()
            if self._guard is not None:
                self._guard.close()
            self._pipeline.close()
        self._registration.leave(totals=self._pipeline.totals)
        _LOGGER.info("worker %s has stopped: %s", self._registration.worker_id, self._pipeline.totals)

    def stop(self) -> None:
        """Asks for the end: the first time running jobs may finish for a while, the second time they may not."""
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
            running=pipeline.running, totals=pipeline.totals, standing=self._faults.standing
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
        """Whether no job is held any more after at most `seconds`; beats meanwhile.

        With `or_handing_back` it ends early where running jobs are to be handed back, or the worker is fenced.
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
