"""The cursors of repeated sweeps in memory."""

from __future__ import annotations

from dev.simulator.memory.world import MemoryWorld


class MemoryCursors:
    """Keeps cursors in a `MemoryWorld`; see ports.Cursors."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def load(self, name: str) -> str | None:
        """Returns the cursor's text, or None to start at the beginning."""
        self._world.charge("load_cursor")
        return self._world.cursors.get(name)

    def save(self, name: str, position: str | None) -> None:
        """Stores where to continue next time; None starts at the beginning."""
        self._world.charge("save_cursor")
        if position is None:
            self._world.cursors.pop(name, None)
        else:
            self._world.cursors[name] = position
