"""The simulated workers of one pool. They claim through the real use case and let virtual time pass."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from dev.simulator.memory.world import MemoryWorld
from dev.simulator.system.scenario import Course, Fate, Scenario
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.workers import Worker, WorkerSpec, kept_until_s
from tidegate.ports import Clock, Delivery, Outcome, OutcomeKind, Signal
from tidegate.usecases.services import Services
from tidegate.usecases.work.claim import Claimed, begin, claim_all
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.run import Run, go_on
from tidegate.usecases.work.worker_life import beat_worker, join_pool

VISIBILITY_SECONDS = 120
RECEIVE_LIMIT = 10


class System(Protocol):
    """The parts of the simulator that workers need: the world, the time, and events to come."""

    services: Services
    world: MemoryWorld
    happened: Counter[str]

    @property
    def scenario(self) -> Scenario:
        """The course of each attempt."""

    @property
    def now_ms(self) -> int:
        """The virtual time, in milliseconds since the epoch."""

    def now_of(self, process: str) -> int:
        """Returns the time that the clock of a process shows, in milliseconds since the epoch."""

    def clock_of(self, process: str) -> Clock:
        """Returns the clock of a process."""

    def after(self, delay_ms: int, event: Callable[[], object]) -> None:
        """Plans an event that the system itself causes."""

    def attempt(self, action: Callable[[], object]) -> bool:
        """Runs an invocation, which a failing service may end. Returns True if it was completed."""

    def tick(self) -> None:
        """Runs the dispatcher for a tick or after a changed rule."""


@dataclass(slots=True, eq=False)
class _Attempt:
    delivery: Delivery
    claimed: Claimed
    course: Course
    run: Run
    over: bool = False


@dataclass(slots=True)
class WorkerPool:
    """`slots` workers of one pool, each with one job at a time. A dead worker is replaced at once."""

    simulator: System
    pool: str
    slots: int
    running: int = 0
    _entry: Worker | None = None
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def register(self) -> None:
        """Registers a worker process and its state, as the process does now and then."""
        self.simulator.attempt(self._tell)

    def _tell(self) -> None:
        services, now_ms = self.simulator.services, self.simulator.now_ms
        if self._entry is None:
            offered = services.settings.pools[self.pool].capabilities
            spec = WorkerSpec(
                self.pool, f"{self.pool}-process", "simulated", self.slots, capabilities=offered
            )
            self._entry = join_pool(services, spec, session_id=f"{self.pool}-session", now_ms=now_ms)
            return
        told = replace(
            self._entry, running=self.running, heartbeat_at_ms=now_ms, expires_at_s=kept_until_s(now_ms)
        )
        self._entry = beat_worker(services, told)

    def take_messages(self) -> None:
        """Lets idle workers take visible messages, until no worker is idle or no message is left."""
        simulator = self.simulator
        queue = simulator.world.queues.get(self.pool)
        while queue is not None and self._may_take() and queue.has_visible(simulator.now_ms):
            asked = min(RECEIVE_LIMIT, self.slots - self.running)
            self.running += asked
            try:
                deliveries = simulator.services.queue.receive(self.pool, limit=asked, wait_seconds=0)
            except ServiceUnavailable:
                self.running -= asked
                return
            self.running -= asked - len(deliveries)
            self._claim(deliveries)

    def _may_take(self) -> bool:
        return self.running < self.slots

    def _claim(self, deliveries: Sequence[Delivery]) -> None:
        simulator = self.simulator
        worker_id = f"{self.pool}-{next(self._numbers)}"
        messages = [delivery.message for delivery in deliveries]
        outcomes: Sequence[Job | ServiceUnavailable | ServiceRefused | None]
        try:
            outcomes = claim_all(simulator.services, messages, worker_id, simulator.now_of(worker_id))
        except ServiceUnavailable as error:  # some transitions may have been carried out all the same
            outcomes = [error] * len(deliveries)
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            if isinstance(outcome, Job):
                self._begin(delivery, outcome)
                continue
            self.running -= 1
            if outcome is None:
                self._acknowledge(delivery)  # else the message comes again

    def _begin(self, delivery: Delivery, job: Job) -> None:
        simulator = self.simulator
        try:
            claimed = begin(simulator.services, job, simulator.now_of(job.worker_id or ""))
        except ServiceUnavailable:
            self.running -= 1
            return  # the message comes again, or the lease ends first
        refused = claimed.refusal
        course = simulator.scenario(claimed.assignment) if refused is None else Course(0, refused)
        clock = simulator.clock_of(job.worker_id or "")
        run = Run(simulator.services, clock, job, go_on)
        attempt = _Attempt(delivery, claimed, course, run)
        simulator.happened[f"worker {attempt.course.fate}"] += 1
        if not attempt.course.ahead_ms:
            self._begin_code(attempt)
            return
        simulator.happened["job claimed ahead"] += 1
        simulator.after(attempt.course.ahead_ms, lambda: self._begin_code(attempt))

    def _begin_code(self, attempt: _Attempt) -> None:
        if attempt.course.fate is Fate.NEVER_BEGINS:
            self._end(attempt, attempt.course.outcome)
            return
        simulator = self.simulator
        timeout_ms = attempt.claimed.job.timeout_seconds * 1_000
        attempt.run.begins()
        if attempt.course.fate is Fate.DIES:
            simulator.after(attempt.course.duration_ms, lambda: self._leave(attempt))
            return
        if attempt.course.fate is Fate.WORKS:
            self._plan_beat(attempt)
        if attempt.course.fate is Fate.WORKS and attempt.course.duration_ms > timeout_ms:
            simulator.after(timeout_ms, lambda: self._end(attempt, Outcome(OutcomeKind.TIMED_OUT)))
        else:
            simulator.after(attempt.course.duration_ms, lambda: self._end(attempt, attempt.course.outcome))

    def _plan_beat(self, attempt: _Attempt) -> None:
        interval_ms = self.simulator.services.settings.heartbeat_seconds * 1_000
        if attempt.course.duration_ms > interval_ms:
            self.simulator.after(interval_ms, lambda: self._beat(attempt))

    def _beat(self, attempt: _Attempt) -> None:
        if attempt.over:
            return
        simulator, receipt = self.simulator, attempt.delivery.receipt
        signal = attempt.run.beats(None)
        if signal is Signal.CANCEL:
            self._end(attempt, Outcome(OutcomeKind.CANCELLED))
        elif signal is Signal.LOST:
            self._end(attempt, Outcome(OutcomeKind.LOST))
        else:
            queue = simulator.services.queue
            simulator.attempt(lambda: queue.extend(self.pool, receipt, seconds=VISIBILITY_SECONDS))
            self._plan_beat(attempt)

    def _end(self, attempt: _Attempt, outcome: Outcome) -> None:
        if attempt.over:
            return
        self._leave(attempt)
        simulator = self.simulator
        if simulator.attempt(
            lambda: conclude(
                simulator.services,
                replace(attempt.claimed, began_at_ms=attempt.run.began_at_ms),
                outcome,
                simulator.now_of(attempt.claimed.job.worker_id or ""),
            )
        ):
            self._acknowledge(attempt.delivery)

    def _leave(self, attempt: _Attempt) -> None:
        attempt.over = True
        self.running -= 1

    def _acknowledge(self, delivery: Delivery) -> None:
        queue = self.simulator.services.queue
        self.simulator.attempt(lambda: queue.delete(self.pool, [delivery.receipt]))
