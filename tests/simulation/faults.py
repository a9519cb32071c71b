"""What can go wrong around the use cases, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from tidegate.adapters.memory_world import MemoryWorld
from tidegate.domain.errors import DependencyUnavailable
from tidegate.ports import Delivery, JobStore, Message, Queue
from tidegate.usecases.services import Services


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares (0-1) of messages lost on the way and sent twice, and of calls that fail before or after their effect."""

    lost_messages: float = 0.0
    doubled_messages: float = 0.0
    refused_requests: float = 0.0
    lost_answers: float = 0.0

    def inject(self, services: Services, world: MemoryWorld, seed: int) -> Services:
        """The services with these faults in them; `calm` ends what the world itself does."""
        draw = random.Random(seed)
        if self.refused_requests:
            world.on_request = self._refuse(draw)
        jobs, queue = services.jobs, services.queue
        if self.lost_messages or self.doubled_messages:
            queue = _BadQueue(queue, draw, self)
        if self.lost_answers:
            jobs = cast(JobStore, _LosesAnswers(jobs, draw, self.lost_answers))
            queue = cast(Queue, _LosesAnswers(queue, draw, self.lost_answers))
        return replace(services, jobs=jobs, queue=queue)

    def _refuse(self, draw: random.Random) -> Callable[[str], None]:
        def refuse(request: str) -> None:
            if draw.random() < self.refused_requests:
                raise DependencyUnavailable(f"{request} was refused")

        return refuse


def calm(world: MemoryWorld) -> None:
    """No request is refused any more."""
    world.on_request = lambda _request: None


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

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        arriving: list[Message] = []
        for message in messages:
            if self._draw.random() >= self._faults.lost_messages:
                arriving.append(message)
            if self._draw.random() < self._faults.doubled_messages:
                arriving.append(message)
        return self._queue.send(pool, arriving)

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        return self._queue.receive(pool, limit=limit, wait_seconds=wait_seconds)

    def delete(self, pool: str, receipts: Sequence[str]) -> None:
        self._queue.delete(pool, receipts)

    def extend(self, pool: str, receipt: str, *, seconds: int) -> None:
        self._queue.extend(pool, receipt, seconds=seconds)


class _LosesAnswers:
    """Carries every call out, then fails for some: the caller can't know that it took effect."""

    def __init__(self, port: object, draw: random.Random, share: float) -> None:
        self._port = port
        self._draw = draw
        self._share = share

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            answer = method(*arguments, **named)
            if self._draw.random() < self._share:
                raise DependencyUnavailable(f"the answer to {name} was lost")
            return answer

        return call
