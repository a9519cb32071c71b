"""The pulses in memory."""

from __future__ import annotations

from collections.abc import Mapping

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.pulses import Part


class MemoryPulses:
    """Keeps pulses in a `MemoryWorld`; see ports.Pulses."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def note_if_later(self, part: Part, at_ms: int) -> None:
        """Stores a pulse of the part, unless a later one is stored."""
        self._world.charge("note_pulse")
        with self._world.lock:
            self._world.pulses[part] = max(at_ms, self._world.pulses.get(part, at_ms))

    def load(self) -> Mapping[Part, int]:
        """Returns the last pulse of each part that has any."""
        self._world.charge("load_pulses")
        return dict(self._world.pulses)
