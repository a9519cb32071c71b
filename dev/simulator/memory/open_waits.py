"""The open waits in memory."""

from __future__ import annotations

from dev.simulator.memory.world import MemoryWorld


class MemoryOpenWaits:
    """Keeps open waits in a `MemoryWorld`; see ports.OpenWaits."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def begin_if_fewer(self, holder: str, *, most: int, now_ms: int, until_ms: int) -> bool:
        """Opens a wait until `until_ms`. Returns False where `most` waits are open."""
        self._world.charge("begin_wait")
        with self._world.lock:
            waits = self._world.open_waits
            if len(waits) >= most:
                waits -= {each for each in waits if each[0] < now_ms}
            if len(waits) >= most:
                return False
            waits.add((until_ms, holder))
            return True

    def end(self, holder: str, *, until_ms: int) -> None:
        """Ends the wait that this holder opened until `until_ms`; no error if it is over."""
        self._world.charge("end_wait")
        with self._world.lock:
            self._world.open_waits.discard((until_ms, holder))
