"""The entry of a worker process in its pool: it registers, sends heartbeats with load and totals, drains and leaves."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from tidegate.domain.errors import TidegateError
from tidegate.domain.workers import Totals, Worker, WorkerFenced, WorkerSpec, WorkerState, kept_until_s
from tidegate.ports import Clock
from tidegate.usecases.services import Services
from tidegate.usecases.work.worker_life import beat_worker, join_pool, leave_pool
from tidegate_worker.faults import ABLE, Standing

_LOGGER = logging.getLogger("tidegate.worker")


class Order(StrEnum):
    """The order that a heartbeat brings back for the process."""

    GO_ON = "GO_ON"
    DRAIN = "DRAIN"  # take no more jobs; running jobs may finish
    STOP = "STOP"  # another process has taken the worker id: hand everything back and end


class Registration:
    """Keeps one worker's entry up to date. Threads may share it; only `register` raises.

    A write that fails is logged and repeated with the next heartbeat, because the entry outlives several missed ones.
    `clock_off_ms` returns how far the machine's clock is off (`ClockWatch.look`). `monotonic` returns seconds; tests
    replace it.
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
        """True if another process has taken the worker id."""
        return self._is_fenced

    def register(self) -> None:
        """Joins the pool; raises WorkerIdTaken if another process works under the id, or InvalidRequest."""
        with self._lock:
            self._worker = join_pool(
                self._services,
                self._spec,
                session_id=self._session_id,
                now_ms=self._clock.now_ms(),
                take_over=self._take_over,
            )
            self._told_at_s = self._monotonic()

    def beat_if_due(
        self, *, running: int, totals: Totals, standing: Standing = ABLE, response_ms: int | None = None
    ) -> Order:
        """Sends a heartbeat if the interval has passed; returns what the process has to do.

        A change of what the worker can't run is sent at once, because the dispatcher uses it.
        """
        with self._lock:
            if self._worker is not None:
                clock_off_ms = self._clock_off_ms()
                known = Standing(self._worker.lacking, self._worker.fault)
                # A wrong clock is sent at once, and so is its correction, but not every change of its offset.
                is_changed = standing != known or (clock_off_ms == 0) != (self._worker.clock_off_ms == 0)
                self._worker = replace(
                    self._worker,
                    running=running,
                    totals=totals,
                    clock_off_ms=clock_off_ms,
                    lacking=standing.lacking,
                    fault=standing.fault,
                    response_ms=response_ms,
                )
                if is_changed or self._monotonic() - self._told_at_s >= self._beat_seconds:
                    self._tell(self._worker)
            return self._order()

    def drain_begins(self) -> None:
        """Removes the worker's slots from its pool's capacity at once; does nothing if that was done before."""
        with self._lock:
            if self._worker is not None and self._worker.state is WorkerState.ACTIVE:
                self._tell(replace(self._worker, state=WorkerState.DRAINING))

    def leave(self, *, totals: Totals | None = None) -> None:
        """Ends the session; call it once nothing runs any more. `totals` are the final ones if they have changed."""
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
            _LOGGER.warning("the heartbeat of this worker failed and will be repeated soon: %s", error)
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
