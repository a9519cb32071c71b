"""What can go wrong around the use cases, drawn from a seed."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from tests.simulation.simulator import Simulator
from tidegate.adapters.memory_dispatching import MemoryLaneRegistry
from tidegate.adapters.memory_index import MemoryJobIndex
from tidegate.adapters.memory_jobs import MemoryJobStore
from tidegate.adapters.memory_pool_queue import PoolQueue
from tidegate.adapters.memory_world import Change, MemoryWorld
from tidegate.domain.errors import DependencyUnavailable
from tidegate.ports import (
    Delivery,
    DispatchLeases,
    JobIndex,
    JobStore,
    LaneRegistry,
    Message,
    Permits,
    Queue,
    RuleStore,
)
from tidegate.usecases.services import Services

STALE_FOR_MS = 1_000
PAUSES_MS = (1, 500, 20_000, 90_000, 150_000)
PATIENT_RECEIVES = 100


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares, 0-1, of what can go wrong.

    Messages are lost on the way, sent twice, or come after later ones. Calls fail before or after their effect. Plain
    reads of jobs, index and lanes show how things stood up to a second ago. At a request, a process stops for up to
    some minutes and goes on.
    """

    lost_messages: float = 0.0
    doubled_messages: float = 0.0
    late_messages: float = 0.0
    refused_requests: float = 0.0
    lost_answers: float = 0.0
    stale_reads: float = 0.0
    interruptions: float = 0.0

    @property
    def one_at_a_time(self) -> bool:
        """Whether each event sees what the one before it did, all of it."""
        return not self.interruptions and not self.stale_reads

    def inject(self, simulator: Simulator, seed: int) -> None:
        """Puts these faults between the simulator's use cases and its world; `calm` ends them."""
        draw = random.Random(seed)
        plain = simulator.services
        for pool in plain.settings.pools:
            # Where one request in five goes wrong, five deliveries in a row do now and then, and the job is given up
            # as undeliverable. That is right, and tested for itself; here every job is to end as drawn.
            simulator.world.queues[pool] = PoolQueue(most_receives=PATIENT_RECEIVES)
        jobs, index, queue, lanes = plain.jobs, plain.index, plain.queue, plain.lanes
        permits, leases, rules = plain.permits, plain.leases, plain.rules
        if self.lost_messages or self.doubled_messages or self.late_messages:
            queue = _BadQueue(queue, draw, self)
        if self.stale_reads:
            past = _Past(simulator.world)
            simulator.observers.append(past.remember)
            jobs = cast(JobStore, _StaleReads(jobs, past, ("get", "get_many"), draw, self.stale_reads))
            reads = ("page", "first_pages", "count")
            index = cast(JobIndex, _StaleReads(index, past, reads, draw, self.stale_reads))
            lanes = cast(LaneRegistry, _StaleReads(lanes, past, ("list_lanes",), draw, self.stale_reads))
        if self.lost_answers:
            jobs = cast(JobStore, _LosesAnswers(jobs, draw, self.lost_answers))
            queue = cast(Queue, _LosesAnswers(queue, draw, self.lost_answers))
            lanes = cast(LaneRegistry, _LosesAnswers(lanes, draw, self.lost_answers))
            permits = cast(Permits, _LosesAnswers(permits, draw, self.lost_answers))
            leases = cast(DispatchLeases, _LosesAnswers(leases, draw, self.lost_answers))
            rules = cast(RuleStore, _LosesAnswers(rules, draw, self.lost_answers))
        simulator.services = replace(
            plain,
            jobs=jobs,
            index=index,
            queue=queue,
            lanes=lanes,
            permits=permits,
            leases=leases,
            rules=rules,
        )

        def on_request(request: str) -> None:
            if draw.random() < self.interruptions:
                simulator.interrupt(draw.choice(PAUSES_MS))
            if draw.random() < self.refused_requests:
                raise DependencyUnavailable(f"{request} was refused")

        simulator.world.on_request = on_request


def calm(simulator: Simulator, plain: Services) -> None:
    """Nothing goes wrong any more."""
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
            raise DependencyUnavailable(f"{request} was refused")


class _BadQueue:
    """Loses messages and sends them twice, and says nothing of it."""

    def __init__(self, queue: Queue, draw: random.Random, faults: Faults) -> None:
        self._queue = queue
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
            if self._draw.random() < self._faults.doubled_messages:
                arriving.append(message)
        return self._queue.send(pool, [*arriving, *late])

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        return self._queue.receive(pool, limit=limit, wait_seconds=wait_seconds)

    def delete(self, pool: str, receipts: Sequence[str]) -> None:
        self._queue.delete(pool, receipts)

    def receive_dead(self, pool: str, *, limit: int) -> tuple[Delivery, ...]:
        return self._queue.receive_dead(pool, limit=limit)

    def delete_dead(self, pool: str, receipts: Sequence[str]) -> None:
        self._queue.delete_dead(pool, receipts)

    def extend(self, pool: str, receipt: str, *, seconds: int) -> None:
        self._queue.extend(pool, receipt, seconds=seconds)


class _LosesAnswers:
    """Carries every call out, then fails for some: the caller can't know that it took effect.

    Of many transitions, each is carried out by itself, and its answer lost by itself.
    """

    def __init__(self, port: object, draw: random.Random, share: float) -> None:
        self._port = port
        self._draw = draw
        self._share = share

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            answer = method(*arguments, **named)
            if name == "apply_all":
                lost = DependencyUnavailable(f"an answer to {name} was lost")
                return [lost if self._draw.random() < self._share else outcome for outcome in answer]
            if self._draw.random() < self._share:
                raise DependencyUnavailable(f"the answer to {name} was lost")
            return answer

        return call


_PORTS: dict[type, Callable[[MemoryWorld], object]] = {
    MemoryJobStore: MemoryJobStore,
    MemoryJobIndex: MemoryJobIndex,
    MemoryLaneRegistry: MemoryLaneRegistry,
}


class _Past:
    """How the world stood a little while ago."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world
        self._taken_at_ms = world.now_ms
        self._then = MemoryWorld(world.shards, world.rank_policy)

    def remember(self, simulator: Simulator, _changes: list[Change]) -> None:
        """An observer: takes a picture now and then."""
        if simulator.now_ms - self._taken_at_ms >= STALE_FOR_MS // 2:
            self._taken_at_ms = simulator.now_ms
            self._then = MemoryWorld(
                self._world.shards,
                self._world.rank_policy,
                jobs=dict(self._world.jobs),
                index={key: list(entries) for key, entries in self._world.index.items()},
                lanes=dict(self._world.lanes),
            )

    def port(self, present: object) -> object:
        """The port as it would have answered then, or the present one where that is too long ago."""
        if self._world.now_ms - self._taken_at_ms > STALE_FOR_MS:
            return present
        return _PORTS[type(present)](self._then)


class _StaleReads:
    """Answers some reads from the past; consistent ones never."""

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
            stale = not named.get("consistent", False)
            port = self._past.port(self._port) if stale else self._port
            return getattr(port, name)(*arguments, **named)

        return read
