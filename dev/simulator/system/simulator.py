"""The whole system in one process on a virtual clock: the stream, the schedules, the queues and the workers.

Everything that happens is an event on one heap, so a seed determines a run. The use cases are the real ones over the
in-memory adapters. The simulator does the part of AWS: it calls the dispatcher with batches of the stream, calls the
dispatcher and the reaper every minute, and delivers messages.
"""

from __future__ import annotations

import heapq
import itertools
import zlib
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from dev.simulator.memory.seeded import START_MS
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.system.clock_steps import Clocks, Step
from dev.simulator.system.scenario import Scenario
from dev.simulator.system.workers import WorkerPool
from tidegate.domain.changes import Changes, JobChange
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job, submission_of
from tidegate.domain.pools import PoolKind
from tidegate.domain.retry import UNDELIVERABLE
from tidegate.domain.states import State
from tidegate.domain.submission import DONE_WITH
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.dispatch.follow import DispatcherMemory, follow
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.read.visible import is_accepted
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.services import Services

MINUTE_MS = 60_000
REGISTER_EVERY_MS = 20_000
RETRY_MS = 1_000  # the event source calls the dispatcher again after a failure

# The time after which the platform ends an invocation: the timeouts of template.yaml.
API_TIMEOUT_MS = 29_000
DISPATCHER_TIMEOUT_MS = 300_000
REAPER_TIMEOUT_MS = 120_000
FOREVER_MS = 1 << 60

Event = Callable[[], object]
Observer = Callable[["Simulator", list[JobChange]], None]


class Killed(Exception):
    """The platform ended an invocation that took too long. Its effects stay."""


@dataclass(frozen=True, slots=True)
class ProcessClock:
    """The clock of one process of a simulated world."""

    simulator: Simulator
    process: str

    def now_ms(self) -> int:
        """Returns the clock's reading, in milliseconds since the epoch."""
        return self.simulator.now_of(self.process)


@dataclass(frozen=True, slots=True)
class VirtualWatch:
    """The stopwatch of every process, which no change of a clock affects."""

    simulator: Simulator

    def now_ms(self) -> int:
        """Returns milliseconds."""
        return self.simulator.now_ms


@dataclass(frozen=True, slots=True)
class Options:
    """The behaviour of the world around the use cases. Times are virtual milliseconds."""

    slots: int = 4  # concurrent jobs in each pool
    stream_delay_ms: int = 200
    stream_batch: int = 100
    stream_open: bool = True
    stream_doubled: bool = False
    stream_shards: int = 1  # each is read by itself, and each later than the one before it
    skew_ms: int = 0  # how far the clocks of processes may be off, either way
    clock_steps: tuple[Step, ...] = ()
    lie_every: int = 0  # of AWS's answers to a process, how often a Date lies; 0 for never
    end_after_ms: int = 86_400_000


@dataclass(slots=True)
class Simulator:
    """Runs events until every job has ended. `observers` see the changes that each event made.

    `happened` counts the events that a run exists for: faults that could have made a difference.
    """

    services: Services
    world: MemoryWorld
    scenario: Scenario
    options: Options = field(default_factory=Options)
    observers: list[Observer] = field(default_factory=list)
    open_jobs: set[str] = field(default_factory=set)
    started: dict[str, int] = field(default_factory=dict)  # by job: the number of the write that did so first
    began: dict[str, int] = field(default_factory=dict)  # the write that first said that its code had begun
    ended: dict[str, int] = field(default_factory=dict)
    writes: int = 0
    event_began_ms: int = 0  # of the event under way, whatever happens during it
    happened: Counter[str] = field(default_factory=Counter)
    make_workers: Callable[[Simulator, str, int], WorkerPool] = WorkerPool
    clocks: Clocks = field(init=False)
    _events: list[tuple[int, int, Event]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _stream: dict[int, deque[JobChange]] = field(default_factory=lambda: defaultdict(deque))  # by shard
    _stream_called: set[int] = field(default_factory=set)
    _dispatchers: dict[int, DispatcherMemory] = field(
        default_factory=lambda: defaultdict(DispatcherMemory)
    )  # by shard
    _planned: int = 0
    _pools: list[WorkerPool] = field(default_factory=list)
    _paused: bool = False
    _dies_at_ms: int = FOREVER_MS

    def __post_init__(self) -> None:
        self.clocks = Clocks(self, self.options.skew_ms, self.options.lie_every)
        for step in self.options.clock_steps:
            self.after(step.at_ms, partial(self.clocks.step, step.machine, step.by_ms))
        for pool in sorted(self.services.settings.pools.values(), key=lambda each: each.name):
            workers = self.make_workers(self, pool.name, self.options.slots)
            self._pools.append(workers)
            if pool.kind is PoolKind.PROCESS:
                self.every(REGISTER_EVERY_MS, workers.register, offset_ms=0)
        self.every(MINUTE_MS, self.tick, offset_ms=17_000)
        self.every(MINUTE_MS, self._reap, offset_ms=41_000)

    @property
    def now_ms(self) -> int:
        """The virtual time, in milliseconds since the epoch."""
        return self.world.now_ms

    def now_of(self, process: str) -> int:
        """Returns the time that the clock of a process shows, in milliseconds since the epoch."""
        return self.clocks.now_of(process)

    def clock_of(self, process: str) -> ProcessClock:
        """Returns the clock of a process."""
        return ProcessClock(self, process)

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Every job as it is now."""
        return self.world.jobs

    def after(self, delay_ms: int, event: Event) -> None:
        """Plans an event that the system itself causes."""
        heapq.heappush(self._events, (self.now_ms + delay_ms, next(self._order), event))

    def plan(self, at_ms: int, event: Event) -> None:
        """Plans an event from outside, such as a submission, `at_ms` after the start. The run waits for it."""
        self._planned += 1

        def happen() -> None:
            self._planned -= 1
            event()

        heapq.heappush(self._events, (START_MS + at_ms, next(self._order), happen))

    def every(self, period_ms: int, event: Event, *, offset_ms: int) -> None:
        """Plans an event again and again."""

        def again() -> None:
            self.after(period_ms, again)
            event()

        self.after(offset_ms, again)

    def run(self) -> None:
        """Runs until no outside event is planned and every job has ended, or until a time limit."""
        self.settle()
        while self._planned or self.open_jobs or self._half_submitted():
            self._step()

    def interrupt(self, pause_ms: int) -> None:
        """Lets time pass in the middle of an event, as if its process had been stopped, but never within a pause."""
        if self._paused:
            return
        self._paused = True
        self.happened["process stopped"] += 1
        until_ms = self.now_ms + pause_ms
        while self._events[0][0] <= until_ms:
            self._step()
        self.world.now_ms = max(until_ms, self.now_ms)
        self._paused = False
        if self.now_ms > self._dies_at_ms:
            self.happened["invocation killed"] += 1
            raise Killed

    def stand_still(self, for_ms: int) -> None:
        """Lets time pass without any event, and delays every planned event by that time."""
        self.world.now_ms += for_ms
        self._events = [(at_ms + for_ms, number, event) for at_ms, number, event in self._events]

    def _step(self) -> None:
        at_ms, _, event = heapq.heappop(self._events)
        assert at_ms - START_MS <= self.options.end_after_ms, f"still open: {sorted(self.open_jobs)[:10]}"
        self.world.now_ms = at_ms
        if not self._paused:
            self.event_began_ms = at_ms
        event()
        self.settle()

    def attempt(self, action: Event, timeout_ms: int = FOREVER_MS) -> bool:
        """Runs an invocation, which a failing service or its timeout may end. Returns True if it was completed."""
        outer_ms, self._dies_at_ms = self._dies_at_ms, self.now_ms + timeout_ms
        try:
            action()
        except (ServiceUnavailable, Killed):
            return False
        finally:
            self._dies_at_ms = outer_ms
        return True

    def _half_submitted(self) -> bool:
        return any(submission.phase not in DONE_WITH for submission in self.world.submissions.values())

    def settle(self) -> None:
        """Runs the immediate effects of an event: idle workers take messages, changes reach the stream."""
        for pool in self._pools:
            pool.take_messages()
        changes = list(self.world.changes)
        self.world.changes.clear()
        for change in changes:
            self._note(change)
        for observer in self.observers:
            observer(self, changes)
        for shard in sorted(self._stream):
            self._call_stream(shard, self.options.stream_delay_ms * (shard + 1))

    def _note(self, change: JobChange) -> None:
        job = change.new
        self.writes += 1
        assert job.is_terminal or job.expires_at_s is None, f"{job.job_id} is open and would be removed"
        submission = self.world.submissions.get(submission_of(job.job_id))
        if submission is not None and job.state is not State.PENDING:
            assert is_accepted(submission), f"{job.job_id} is {job.state}, and its workflow is not accepted"
        if job.is_terminal:
            self.open_jobs.discard(job.job_id)
            if change.old is not None and change.old.is_terminal:
                self.happened["job kept for others"] += job.expires_at_s != change.old.expires_at_s
            else:
                assert self.ended.setdefault(job.job_id, self.writes) == self.writes, (
                    f"{job.job_id} ended twice"
                )
            self.happened["jobs undeliverable"] += (
                job.failure is not None and job.failure.code == UNDELIVERABLE
            )
        elif change.old is None or change.old.is_terminal:  # submitted, or reopened
            self.happened["jobs reopened by people"] += change.old is not None
            self.open_jobs.add(job.job_id)
            self.ended.pop(job.job_id, None)
        if job.state is State.RUNNING:
            self.started.setdefault(job.job_id, self.writes)
        if job.was_started:
            self.began.setdefault(job.job_id, self.writes)
        if change.concerns_dispatcher and self.options.stream_open:
            shard = zlib.crc32(job.job_id.encode()[::-1]) % self.options.stream_shards
            self._stream[shard].append(change)

    def _call_stream(self, shard: int, delay_ms: int) -> None:
        if self._stream[shard] and shard not in self._stream_called:
            self._stream_called.add(shard)
            self.after(delay_ms, lambda: self._react(shard))

    def _react(self, shard: int) -> None:
        stream = self._stream[shard]
        batch = tuple(stream.popleft() for _ in range(min(len(stream), self.options.stream_batch)))
        self._stream_called.discard(shard)
        self.happened["changes of several shards"] += len(self._stream_called) > 1
        for again in range(2 if self.options.stream_doubled else 1):
            self.happened["batch of the stream doubled"] += again
            # A repeated batch comes to a process that has just started and remembers nothing.
            memory = DispatcherMemory() if again else self._dispatchers[shard]
            if not self.attempt(partial(self._follow, Changes(batch), memory), DISPATCHER_TIMEOUT_MS):
                self.happened["batch of the stream failed"] += 1
                stream.extendleft(reversed(batch))
                self._call_stream(shard, RETRY_MS)
                return

    def _follow(self, changes: Changes, memory: DispatcherMemory) -> None:
        now_ms, until = self.now_of("dispatcher"), self._until(DISPATCHER_TIMEOUT_MS * 2 // 3)
        follow(self.services, changes, memory, now_ms=now_ms, until=until)

    def _until(self, duration_ms: int) -> Deadline:
        return Deadline(VirtualWatch(self), self.now_ms + duration_ms)

    def tick(self) -> None:
        """Runs the dispatcher for a tick or after a changed rule."""
        self.attempt(
            lambda: tick(
                self.services, now_ms=self.now_of("scheduled dispatcher"), stopwatch=VirtualWatch(self)
            ),
            DISPATCHER_TIMEOUT_MS,
        )

    def _reap(self) -> None:
        until, clock = self._until(REAPER_TIMEOUT_MS * 2 // 3), ProcessClock(self, "reaper")
        self.attempt(
            lambda: reap(self.services, now_ms=clock.now_ms(), until=until, clock=clock), REAPER_TIMEOUT_MS
        )
        # Jobs of an abandoned submission are deleted without a change.
        self.open_jobs.intersection_update(self.world.jobs.keys())
