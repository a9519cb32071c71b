"""The queues of pools in memory; their time is the world's."""

from __future__ import annotations

from collections.abc import Sequence

from dev.simulator.memory.pool_queue import PoolQueue
from dev.simulator.memory.world import MemoryWorld
from tidegate.adapters.aws.calls import chunks
from tidegate.ports import Delivery, Message, QueueDepth

SEND_BATCH = 10


class MemoryQueue:
    """Keeps the messages of pools in a `MemoryWorld`; see ports.Queue.

    A delivered message stays invisible for `visibility_seconds` (0-43,200), measured by `world.now_ms`.
    """

    def __init__(self, world: MemoryWorld, *, visibility_seconds: int = 120) -> None:
        self._world = world
        self._visibility_ms = visibility_seconds * 1_000

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Sends in batches of ten; always returns (), because no message stays unsent."""
        for batch in chunks(messages, SEND_BATCH):
            self._world.charge("send")
            with self._world.lock:
                for message in batch:
                    self._queue(pool).put(message, self._world.now_ms)
        return ()

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        """Returns at most `limit` messages that are visible now; never waits."""
        self._world.charge("receive")
        deliveries: list[Delivery] = []
        now_ms = self._world.now_ms
        with self._world.lock:
            while len(deliveries) < limit:
                taken = self._queue(pool).take(now_ms, now_ms + self._visibility_ms)
                if taken is None:
                    break
                deliveries.append(Delivery(*taken))
        return tuple(deliveries)

    def receive_dead(self, pool: str, *, limit: int) -> tuple[Delivery, ...]:
        """Returns at most `limit` messages that were delivered too often."""
        self._world.charge("receive_dead")
        with self._world.lock:
            return tuple(Delivery(*taken) for taken in self._queue(pool).dead_letters(limit))

    def delete_dead(self, pool: str, receipts: Sequence[str]) -> None:
        """Acknowledges deliveries of dead letters."""
        self._world.charge("delete_dead")
        with self._world.lock:
            for receipt in receipts:
                self._queue(pool).delete_dead(receipt)

    def delete(self, pool: str, receipts: Sequence[str]) -> None:
        """Acknowledges deliveries."""
        for batch in chunks(receipts, SEND_BATCH):
            self._world.charge("delete")
            with self._world.lock:
                for receipt in batch:
                    self._queue(pool).delete(receipt)

    def depth(self, pool: str) -> QueueDepth:
        """Returns how many messages the queue holds."""
        self._world.charge("depth")
        with self._world.lock:
            return self._queue(pool).depth(self._world.now_ms)

    def extend(self, pool: str, receipt: str, *, seconds: int) -> None:
        """Keeps a delivery invisible for `seconds` from now (0-43,200)."""
        self._world.charge("extend")
        with self._world.lock:
            now_ms = self._world.now_ms
            self._queue(pool).extend(receipt, now_ms, now_ms + seconds * 1_000)

    def _queue(self, pool: str) -> PoolQueue:
        return self._world.queues.setdefault(pool, PoolQueue())
