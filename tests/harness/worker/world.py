"""A deployment in memory with jobs in its queue, and an executor whose attempts end when a test says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from dev.simulator.memory.queue import MemoryQueue
from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.jobs.executors import JOBCODE
from tests.harness.waiting import PATIENCE_SECONDS
from tidegate.adapters.system import SystemClock
from tidegate.domain.job import Job
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.requests import JobRequest
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.domain.workers import WorkerSpec
from tidegate.jobs.loader import load_registry
from tidegate.ports import (
    Assignment,
    Begun,
    Delivery,
    Heartbeat,
    Message,
    Outcome,
    OutcomeKind,
    Signal,
    unheard,
)
from tidegate.settings import Settings
from tidegate.usecases.services import Services
from tidegate.usecases.submit.submit import submit_job
from tidegate_worker.registration import Registration

POOL = "hosts"
CLOCK = SystemClock()


def make_services(world: MemoryWorld) -> Services:
    world.now_ms = CLOCK.now_ms()
    settings = Settings(
        pools={POOL: Pool(POOL, "", PoolKind.PROCESS, max_timeout_seconds=43_200)},
        default_pool=POOL,
        lease_seconds=60,
        heartbeat_seconds=15,
    )
    return memory_services(settings, world, load_registry(JOBCODE))[0]


def queued_job(
    services: Services, job_type: str = "sample.describe", *, typed: bool = True, **parameters: int
) -> Message:
    """Submits and dispatches a job, and returns its queued message. Without `typed`, it is an old version's."""
    now_ms = CLOCK.now_ms()
    request = JobRequest(type=job_type, parameters=parameters)
    accepted = submit_job(services, request, idempotency_key=None, fingerprint="f", now_ms=now_ms)
    services.jobs.apply(DispatchIfReady(accepted.job_id, POOL, Stamp(now_ms, "test")))
    message = Message(accepted.job_id, 0, type=job_type if typed else "")
    services.queue.send(POOL, [message])
    return message


def job_of(services: Services, message: Message) -> Job:
    job = services.jobs.get(message.job_id, consistent=True)
    assert job is not None
    return job


def registration_of(
    services: Services,
    *,
    session_id: str = "S1",
    slots: int = 1,
    take_over: bool = False,
    beat_seconds: float = 15.0,
    monotonic: Callable[[], float] = time.monotonic,
) -> Registration:
    return Registration(
        services,
        CLOCK,
        WorkerSpec(POOL, "worker-1", "host-a", slots),
        session_id,
        take_over=take_over,
        beat_seconds=beat_seconds,
        monotonic=monotonic,
    )


class RecordingQueue(MemoryQueue):
    """The queue in memory. It notes the requests, and counts the messages that it delivered."""

    def __init__(self, world: MemoryWorld) -> None:
        super().__init__(world)
        self.limits: list[int] = []
        self.extended: list[int] = []
        self.deleted: list[tuple[str, ...]] = []

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        self.limits.append(limit)
        return super().receive(pool, limit=limit, wait_seconds=wait_seconds)

    def extend(self, pool: str, receipt: str, *, seconds: int) -> None:
        self.extended.append(seconds)
        super().extend(pool, receipt, seconds=seconds)

    def delete(self, pool: str, receipts: Sequence[str]) -> None:
        self.deleted.append(tuple(receipts))
        super().delete(pool, receipts)


class GateExecutor:
    """An executor whose attempts go on until `open` or until they are stopped.

    A beat comes when `hurry` asks for it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._opened = 0
        self._hurry = False
        self._closed = False
        self.started: list[str] = []
        self.warmed = 0

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        begun()
        with self._changed:
            self.started.append(assignment.job_id)
            self._changed.notify_all()
            assert self._changed.wait_for(self._is_over, PATIENCE_SECONDS)
            if self._closed:
                return Outcome(OutcomeKind.HANDED_BACK)
            if self._opened > 0:
                self._opened -= 1
                return Outcome(OutcomeKind.SUCCEEDED, result=1)
        if heartbeat(None) is Signal.HAND_BACK:
            return Outcome(OutcomeKind.HANDED_BACK)
        return Outcome(OutcomeKind.FAILED, code="beat", message="a beat brought nothing")

    def _is_over(self) -> bool:
        return self._closed or self._opened > 0 or self._hurry

    def open(self, attempts: int) -> None:
        with self._changed:
            self._opened += attempts
            self._changed.notify_all()

    def wait_for_started(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.started) >= count, PATIENCE_SECONDS)

    def warm(self, children: int) -> None:
        self.warmed += children

    def probe(self) -> str:
        return ""

    def types_now(self) -> Sequence[str]:
        return ()

    def hurry(self) -> None:
        with self._changed:
            self._hurry = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
