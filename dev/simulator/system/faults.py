"""The faults around the use cases, drawn from a seed."""

from __future__ import annotations

import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from dev.simulator.memory.index import MemoryJobIndex
from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.lanes import MemoryLaneRegistry
from dev.simulator.memory.pool_queue import PoolQueue
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.system.simulator import Simulator
from tidegate.domain.changes import JobChange
from tidegate.domain.errors import ServiceUnavailable
from tidegate.ports import Delivery, JobIndex, JobStore, LaneRegistry, Message, Queue, QueueDepth
from tidegate.usecases.services import Services

STALE_FOR_MS = 1_000
LOSSY = ("jobs", "queue", "lanes", "permits", "leases", "rules", "submissions", "workers", "cursors")
PAUSES_MS = (1, 500, 20_000, 90_000, 150_000)
PATIENT_RECEIVES = 100  # deliveries of a message before its queue gives it up


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares, 0-1, of each fault.

    Messages are lost on the way, sent twice, delivered after later ones, or lost with a worker that dies. Calls fail
    before or after their effect. Eventually consistent reads of jobs, index and lanes return the state of up to a
    second ago. At a request, a process stops for up to some minutes and goes on. `most_receives` is how often a message
    is delivered before its queue gives it up.
    """

    lost_messages: float = 0.0
    doubled_messages: float = 0.0
    late_messages: float = 0.0
    swallowed_messages: float = 0.0
    refused_requests: float = 0.0
    lost_answers: float = 0.0
    stale_reads: float = 0.0
    interruptions: float = 0.0
    most_receives: int = PATIENT_RECEIVES

    @property
    def one_at_a_time(self) -> bool:
        """True if each event sees all effects of the one before it."""
        return not self.interruptions and not self.stale_reads

    @property
    def calls_get_through(self) -> bool:
        """True if the calls of every process get through in time."""
        return not (self.refused_requests or self.lost_answers or self.interruptions)

    def inject(self, simulator: Simulator, seed: int) -> None:
        """Puts these faults between the simulator's use cases and its world. `calm` ends them."""
        draw = random.Random(seed)
        plain = simulator.services
        for pool in plain.settings.pools:
            # If one request in five fails, five deliveries in a row do now and then, and the job fails as
            # undeliverable. That is right, but queues are more patient in runs where every job is to end as drawn.
            simulator.world.queues[pool] = PoolQueue(most_receives=self.most_receives)
        jobs, index, queue, lanes = plain.jobs, plain.index, plain.queue, plain.lanes
        if self.lost_messages or self.doubled_messages or self.late_messages or self.swallowed_messages:
            queue = _BadQueue(queue, draw, self, simulator.happened)
        if self.stale_reads:
            past = _Past(simulator.world, simulator.happened)
            simulator.observers.append(past.remember)
            jobs = cast(JobStore, _StaleReads(jobs, past, ("get", "get_many"), draw, self.stale_reads))
            reads = ("page", "first_pages", "count", "ranks")
            index = cast(JobIndex, _StaleReads(index, past, reads, draw, self.stale_reads))
            lanes = cast(LaneRegistry, _StaleReads(lanes, past, ("list_lanes",), draw, self.stale_reads))
        services = replace(plain, jobs=jobs, index=index, queue=queue, lanes=lanes)
        if self.lost_answers:
            lossy: dict[str, Any] = {
                name: _LosesAnswers(getattr(services, name), draw, self.lost_answers, simulator.happened)
                for name in LOSSY
            }
            services = replace(services, **lossy)
        simulator.services = services

        def on_request(request: str) -> None:
            if draw.random() < self.interruptions:
                simulator.interrupt(draw.choice(PAUSES_MS))
            if draw.random() < self.refused_requests:
                simulator.happened["request refused"] += 1
                raise ServiceUnavailable(f"{request} was refused")

        simulator.world.on_request = on_request


def calm(simulator: Simulator, plain: Services) -> None:
    """Ends all faults."""
    simulator.services = plain
    simulator.world.on_request = lambda _request: None


class FailAt:
    """Refuses the request with one number, counted from 0, and no other."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.seen = 0

    def __call__(self, request: str) -> None:
        self.seen += 1
        if self.seen == self.number + 1:
            raise ServiceUnavailable(f"{request} was refused")


class _BadQueue:
    """Loses messages and sends them twice, without an error."""

    def __init__(self, queue: Queue, draw: random.Random, faults: Faults, happened: Counter[str]) -> None:
        self._queue = queue
        self._happened = happened
        self._draw = draw
        self._faults = faults
        self._late: dict[str, list[Message]] = defaultdict(list)

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        arriving: list[Message] = []
        late, self._late[pool] = self._late[pool], []
        for message in messages:
            if self._draw.random() < self._faults.late_messages:
                self._late[pool].append(message)
                continue
            if self._draw.random() >= self._faults.lost_messages:
                arriving.append(message)
            else:
                self._happened["message lost"] += 1
            if self._draw.random() < self._faults.doubled_messages:
                self._happened["message doubled"] += 1
                arriving.append(message)
        self._happened["message overtaken"] += len(late) if arriving else 0
        return self._queue.send(pool, [*arriving, *late])

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        deliveries = self._queue.receive(pool, limit=limit, wait_seconds=wait_seconds)
        if self._draw.random() < self._faults.swallowed_messages:
            self._happened["worker died before its claim"] += len(deliveries)
            return ()
        return deliveries

    def delete(self, pool: str, receipts: Sequence[str]) -> None:
        self._queue.delete(pool, receipts)

    def receive_dead(self, pool: str, *, limit: int) -> tuple[Delivery, ...]:
        return self._queue.receive_dead(pool, limit=limit)

    def delete_dead(self, pool: str, receipts: Sequence[str]) -> None:
        self._queue.delete_dead(pool, receipts)

    def depth(self, pool: str) -> QueueDepth:
        return self._queue.depth(pool)

    def extend(self, pool: str, receipt: str, *, seconds: int) -> None:
        self._queue.extend(pool, receipt, seconds=seconds)


class _LosesAnswers:
    """Carries every call out, then fails for some, so that the caller can't know of the effect.

    Of many transitions, each is carried out by itself, and its answer lost by itself.
    """

    def __init__(self, port: object, draw: random.Random, share: float, happened: Counter[str]) -> None:
        self._port = port
        self._draw = draw
        self._share = share
        self._happened = happened

    def _is_lost(self) -> bool:
        lost = self._draw.random() < self._share
        self._happened["answer lost"] += lost
        return lost

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            answer = method(*arguments, **named)
            if name == "apply_all":
                lost = ServiceUnavailable(f"an answer to {name} was lost")
                return [lost if self._is_lost() else outcome for outcome in answer]
            if self._is_lost():
                raise ServiceUnavailable(f"the answer to {name} was lost")
            return answer

        return call


_PORTS: dict[type, Callable[[MemoryWorld], object]] = {
    MemoryJobStore: MemoryJobStore,
    MemoryJobIndex: MemoryJobIndex,
    MemoryLaneRegistry: MemoryLaneRegistry,
}


class _Past:
    """The states of the world in each moment of the last second."""

    def __init__(self, world: MemoryWorld, happened: Counter[str]) -> None:
        self.happened = happened
        self._world = world
        self._pictures = deque([(world.now_ms, MemoryWorld(world.shards, world.rank_policy))])

    def remember(self, simulator: Simulator, changes: list[JobChange]) -> None:
        """Records every change, as an observer, and keeps the states that reads may ask for."""
        if changes:
            picture = MemoryWorld(
                self._world.shards,
                self._world.rank_policy,
                jobs=dict(self._world.jobs),
                index={key: list(entries) for key, entries in self._world.index.items()},
                lanes=dict(self._world.lanes),
            )
            self._pictures.append((simulator.now_ms, picture))
        while len(self._pictures) > 1 and self._pictures[1][0] <= simulator.now_ms - STALE_FOR_MS:
            self._pictures.popleft()

    def port(self, present: object, ago_ms: int) -> object:
        """Returns the port as it would have answered then. The write under way is never seen."""
        then_ms = self._world.now_ms - ago_ms
        _, picture = next(
            (each for each in reversed(self._pictures) if each[0] <= then_ms), self._pictures[0]
        )
        return _PORTS[type(present)](picture)


class _StaleReads:
    """Answers some reads from the past, but never consistent ones."""

    def __init__(
        self, port: object, past: _Past, reads: tuple[str, ...], draw: random.Random, share: float
    ) -> None:
        self._port = port
        self._past = past
        self._reads = reads
        self._draw = draw
        self._share = share

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in self._reads or self._draw.random() >= self._share:
            return method

        def read(*arguments: Any, **named: Any) -> Any:
            answer = method(*arguments, **named)
            if named.get("consistent", False):
                return answer
            port = self._past.port(self._port, self._draw.randrange(STALE_FOR_MS))
            old = getattr(port, name)(*arguments, **named)
            self._past.happened[f"old answer of {name}"] += old != answer
            return old

        return read
