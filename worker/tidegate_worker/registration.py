"""A worker process's place in its pool: registering, beating with load and totals, draining, being fenced, leaving."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from tidegate.domain.errors import TidegateError, WorkerFenced
from tidegate.domain.workers import Totals, Worker, WorkerSpec, WorkerState, kept_until_s
from tidegate.ports import Clock
from tidegate.usecases.services import Services
from tidegate.usecases.work.worker_life import (
    beat_worker,
    join_pool,
    leave_pool,
)
from tidegate_worker.faults import ABLE, Standing

_LOGGER = logging.getLogger("tidegate.worker")


class Order(StrEnum):
    """What a beat brings back for the process."""

    GO_ON = "GO_ON"
    DRAIN = "DRAIN"  # take no more jobs; what runs may finish
    STOP = "STOP"  # the worker id is another process's: hand everything back and end


class Registration:
    """Keeps one worker's entry. Every method may be called from any thread; only `register` raises.

    What can't be written now is logged and told with the next beat: the entry outlives several. `clock_off_ms` says how
    far the machine's clock is off (`ClockWatch.look`); `monotonic` gives seconds, for tests.
    """

    def __init__(
        self,
        services: Services,
        clock: Clock,
        spec: WorkerSpec,
        session_id: str,
        *,
        take_over: bool = False,
        beat_seconds: float = 15.0,
        clock_off_ms: Callable[[], int] = lambda: 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._clock = clock
        self._spec = spec
        self._session_id = session_id
        self._take_over = take_over
        self._beat_seconds = beat_seconds
        self._clock_off_ms = clock_off_ms
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._told_at_s = 0.0
        self._is_fenced = False
        self._has_left = False

    @property
    def worker_id(self) -> str:
        """The id under which this process claims jobs."""
        return self._spec.worker_id

    @property
    def is_fenced(self) -> bool:
        """Whether the id was found to be another process's."""
        return self._is_fenced

    def register(self) -> None:
        """Joins the pool. Raises WorkerIdTaken where another process works under the id, or InvalidRequest."""
        with self._lock:
            self._worker = join_pool(
                self._services,
                self._spec,
                session_id=self._session_id,
                now_ms=self._clock.now_ms(),
                take_over=self._take_over,
            )
            self._told_at_s = self._monotonic()

    def beat_if_due(self, *, running: int, totals: Totals, standing: Standing = ABLE) -> Order:
        """Tells the pool how the worker is, where an interval has passed; says what the process has to do.

        What the worker can't run is told as soon as it changes: the dispatcher goes by it.
        """
        with self._lock:
            if self._worker is not None:
                clock_off_ms = self._clock_off_ms()
                known = Standing(self._worker.lacking, self._worker.fault)
                # Said at once, and again when it has passed; not at every second by which a clock changes.
                is_news = standing != known or (clock_off_ms == 0) != (self._worker.clock_off_ms == 0)
                self._worker = replace(
                    self._worker,
                    running=running,
                    totals=totals,
                    clock_off_ms=clock_off_ms,
                    lacking=standing.lacking,
                    fault=standing.fault,
                )
                if is_news or self._monotonic() - self._told_at_s >= self._beat_seconds:
                    self._tell(self._worker)
            return self._order()

    def drain_begins(self) -> None:
        """Takes the worker's slots out of its pool's capacity at once; does nothing where that was done."""
        with self._lock:
            if self._worker is not None and self._worker.state is WorkerState.ACTIVE:
                self._tell(replace(self._worker, state=WorkerState.DRAINING))

    def leave(self, *, totals: Totals | None = None) -> None:
        """Ends the session, once nothing runs any more. `totals` are the last ones, where they have changed."""
        with self._lock:
            worker = self._worker
            if worker is None or self._is_fenced or self._has_left:
                return
            self._has_left = True
            try:
                leave_pool(
                    self._services, self._dated(replace(worker, running=0, totals=totals or worker.totals))
                )
            except TidegateError as error:
                _LOGGER.warning("the entry of this worker stays until it counts as lost: %s", error)

    def _tell(self, worker: Worker) -> None:
        self._worker = worker
        if self._is_fenced or self._has_left:
            return
        try:
            standing = beat_worker(self._services, self._dated(worker))
        except WorkerFenced as fenced:
            self._is_fenced = True
            _LOGGER.error("%s", fenced)
            return
        except TidegateError as error:
            _LOGGER.warning("telling the pool about this worker failed, tried again soon: %s", error)
            return
        self._told_at_s = self._monotonic()
        if standing.state is WorkerState.DRAINING and worker.state is WorkerState.ACTIVE:
            _LOGGER.info("this worker was asked to drain")
        self._worker = replace(worker, state=standing.state)

    def _dated(self, worker: Worker) -> Worker:
        now_ms = self._clock.now_ms()
        return replace(worker, heartbeat_at_ms=now_ms, expires_at_s=kept_until_s(now_ms))

    def _order(self) -> Order:
        if self._is_fenced:
            return Order.STOP
        if self._worker is not None and self._worker.state is WorkerState.DRAINING:
            return Order.DRAIN
        return Order.GO_ON
