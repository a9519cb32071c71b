"""The stack's event bus in memory."""

from __future__ import annotations

from collections.abc import Sequence

from dev.simulator.memory.world import MemoryWorld
from tidegate.adapters.aws.calls import chunks
from tidegate.domain.events import Event

EVENTS_PER_CALL = 10


class MemoryEventBus:
    """Keeps the events in a `MemoryWorld`, oldest first; see ports.EventBus."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def publish(self, events: Sequence[Event]) -> None:
        """Keeps the events, ten a request. Those of earlier requests stay where a later one fails."""
        for batch in chunks(events, EVENTS_PER_CALL):
            self._world.charge("put_events")
            with self._world.lock:
                self._world.events.extend(batch)
