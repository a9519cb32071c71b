"""The loop of a worker process: receive what the free slots can take, run it, acknowledge it, and drain at the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tidegate.domain.errors import TidegateError
from tidegate.ports import (
    Assignment,
    Clock,
    Delivery,
    Executor,
    Heartbeat,
    Outcome,
    Signal,
    SlotExecutor,
)
from tidegate.usecases.run import run_message
from tidegate.usecases.services import Services
from tidegate_worker.registration import Order, Registration, Tally

EXIT_DRAINED = 0
EXIT_GAVE_UP = 1

_LOGGER = logging.getLogger("tidegate.worker")
_RECEIVE_MOST = 10  # what a queue gives at once
_ACKNOWLEDGE_AT = 10  # what a queue acknowledges at once
_ACKNOWLEDGE_AFTER_SECONDS = 1.0
_EMPTY_PAUSE_SECONDS = 0.05  # should the queue answer at once instead of waiting
_FAILURES_ALLOWED = 10
_MAX_BACKOFF_SECONDS = 30.0
_BEAT_LOOK_SECONDS = 1.0
_HAND_BACK_SECONDS = 15.0


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
    """One worker process. `run` works until `stop` is called from another thread."""

    def __init__(
        self,
        services: Services,
        executor: SlotExecutor,
        clock: Clock,
        options: Options,
        registration: Registration,
    ) -> None:
        self._services = services
        self._executor = executor
        self._tally = Tally()
        self._logged = _LoggedExecutor(executor, self._tally)
        self._clock = clock
        self._options = options
        self._registration = registration
        self._worker_id = registration.worker_id
        # Messages come again if they are not extended; a lease's length more bridges a missed heartbeat.
        self._visibility_seconds = services.settings.lease_seconds + services.settings.heartbeat_seconds * 2
        self._stop_asked = threading.Event()
        self._handing_back = False
        self._changed = threading.Condition()
        self._running = 0
        self._finished: list[str] = []
        self._finished_since = 0.0

    def run(self) -> int:
        """Serves the pool; returns EXIT_DRAINED after it drained.

        EXIT_GAVE_UP where the queue stays unreachable, or where another process took the worker id over. Raises
        WorkerIdTaken where another one works under it from the start.
        """
        pool, slots = self._options.pool, self._options.slots
        self._executor.warm(slots)
        threads = ThreadPoolExecutor(slots, thread_name_prefix="slot")
        try:
            self._registration.register()
            _LOGGER.info("worker %s serves pool %s with %d slots", self._worker_id, pool, slots)
            code = self._serve(threads)
        finally:
            self._registration.drain_begins()
            self._drain()
            self._acknowledge(everything=True)
            self._executor.close()
            threads.shutdown()
            self._registration.leave(totals=self._tally.totals())
            _LOGGER.info("worker %s has stopped", self._worker_id)
        return EXIT_GAVE_UP if self._registration.is_fenced else code

    def stop(self) -> None:
        """Asks for the end: the first time running jobs may finish for a while, the second time they may not."""
        if not self._stop_asked.is_set():
            _LOGGER.info(
                "stopping: %d running jobs have %g s to finish; stop again to hand them back now",
                self._running,
                self._options.drain_seconds,
            )
            self._stop_asked.set()
            self._registration.drain_begins()
            return
        _LOGGER.info("stopping now: running jobs are handed back")
        self._handing_back = True
        self._executor.close()
        with self._changed:
            self._changed.notify_all()

    def _serve(self, threads: ThreadPoolExecutor) -> int:
        failures = 0
        while not self._stop_asked.is_set():
            order = self._beat()
            if order is not Order.GO_ON:
                break
            self._acknowledge()
            free = self._wait_for_free_slots()
            if free == 0:
                continue
            try:
                deliveries = self._services.queue.receive(
                    self._options.pool,
                    limit=min(_RECEIVE_MOST, free),
                    wait_seconds=self._options.poll_seconds,
                )
            except TidegateError as error:
                failures += 1
                _LOGGER.warning("receiving failed (%d of %d): %s", failures, _FAILURES_ALLOWED, error)
                if failures == _FAILURES_ALLOWED:
                    return EXIT_GAVE_UP
                self._stop_asked.wait(min(_MAX_BACKOFF_SECONDS, 2.0 ** (failures - 1)))
                continue
            failures = 0
            self._take(threads, deliveries)
        return EXIT_DRAINED

    def _take(self, threads: ThreadPoolExecutor, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            self._stop_asked.wait(_EMPTY_PAUSE_SECONDS)
        for delivery in deliveries:
            if self._stop_asked.is_set():
                self._extend(delivery, 0)  # others may have it at once
                continue
            with self._changed:
                self._running += 1
            threads.submit(self._work, delivery)

    def _work(self, delivery: Delivery) -> None:
        def signal() -> Signal:
            self._extend(delivery, self._visibility_seconds)
            return Signal.HAND_BACK if self._handing_back else Signal.GO_ON

        concluded = False
        try:
            run_message(self._services, self._logged, self._clock, delivery.message, self._worker_id, signal)
            concluded = True
        except Exception as error:  # noqa: BLE001 - one job's trouble must not end the worker; the message comes again
            _LOGGER.error("job %s was not concluded: %s", delivery.message.job_id, type(error).__name__)
        finally:
            with self._changed:
                self._running -= 1
                if concluded:
                    self._finished_since = self._finished_since if self._finished else time.monotonic()
                    self._finished.append(delivery.receipt)
                self._changed.notify_all()

    def _wait_for_free_slots(self) -> int:
        with self._changed:
            if self._running == self._options.slots:
                self._changed.wait(_ACKNOWLEDGE_AFTER_SECONDS)
            return self._options.slots - self._running

    def _acknowledge(self, *, everything: bool = False) -> None:
        with self._changed:
            is_old = time.monotonic() - self._finished_since >= _ACKNOWLEDGE_AFTER_SECONDS
            if not self._finished or not (everything or is_old or len(self._finished) >= _ACKNOWLEDGE_AT):
                return
            receipts, self._finished = self._finished, []
        try:
            self._services.queue.delete(self._options.pool, receipts)
        except TidegateError as error:
            _LOGGER.warning("%d messages will come again, and lose their claim: %s", len(receipts), error)

    def _extend(self, delivery: Delivery, seconds: int) -> None:
        try:
            self._services.queue.extend(self._options.pool, delivery.receipt, seconds=seconds)
        except TidegateError as error:
            _LOGGER.warning(
                "the message of job %s keeps its old visibility: %s", delivery.message.job_id, error
            )

    def _beat(self) -> Order:
        return self._registration.beat_if_due(running=self._running, totals=self._tally.totals())

    def _drain(self) -> None:
        if self._wait_until_idle(self._options.drain_seconds):
            return
        self._handing_back = True
        self._executor.hurry()
        if not self._wait_until_idle(_HAND_BACK_SECONDS, also_when_handing_back=False):
            _LOGGER.warning("%d jobs did not stop in time; their processes are killed", self._running)

    def _wait_until_idle(self, seconds: float, *, also_when_handing_back: bool = True) -> bool:
        """Whether nothing runs any more after at most `seconds`; beats meanwhile, and ends early where fenced."""

        def over() -> bool:
            return self._running == 0 or (also_when_handing_back and self._handing_back)

        until_s = time.monotonic() + seconds
        while not over() and (left_s := until_s - time.monotonic()) > 0:
            if self._beat() is Order.STOP and also_when_handing_back:
                break
            with self._changed:
                self._changed.wait_for(over, min(left_s, _BEAT_LOOK_SECONDS))
        return self._running == 0


class _LoggedExecutor:
    """Counts what runs, and says on the log how it went; never what it was given or returned."""

    def __init__(self, inner: Executor, tally: Tally) -> None:
        self._inner = inner
        self._tally = tally

    def execute(self, assignment: Assignment, heartbeat: Heartbeat) -> Outcome:
        """Runs one attempt to its end."""
        self._tally.claimed()
        _LOGGER.info("job %s %s attempt %d", assignment.job_id, assignment.type, assignment.attempt)
        began = time.monotonic()
        outcome = self._inner.execute(assignment, heartbeat)
        self._tally.ended(outcome.kind)
        _LOGGER.info(
            "job %s %s in %.1f s %s",
            assignment.job_id,
            outcome.kind,
            time.monotonic() - began,
            outcome.code,
        )
        return outcome
