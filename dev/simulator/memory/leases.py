"""The dispatch leases in memory."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.world import HeldLease, MemoryWorld


class MemoryDispatchLeases:
    """Keeps dispatch leases in a `MemoryWorld`; see ports.DispatchLeases."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def take_if_free(self, pool: str, owner: str, *, now_ms: int, until_ms: int) -> bool:
        """Takes the lease of a pool until `until_ms`.

        Returns False if another owner has it, and notes that it was asked for.
        """
        self._world.charge("take_lease")
        with self._world.lock:
            held = self._world.leases.get(pool)
            if held is not None and held.owner != owner and held.until_ms >= now_ms:
                self._world.leases[pool] = replace(held, asked=True)
                return False
            self._world.leases[pool] = HeldLease(owner, until_ms)
            return True

    def give_back_if_not_asked(self, pool: str, owner: str, *, until_ms: int) -> bool:
        """Gives the lease back and returns True, unless another dispatcher has asked for it meanwhile.

        In that case the owner keeps it until `until_ms`, and the result is False.
        """
        self._world.charge("give_back_lease")
        with self._world.lock:
            held = self._world.leases.get(pool)
            if held is None or held.owner != owner:
                return True
            if held.asked:
                self._world.leases[pool] = replace(held, asked=False, until_ms=until_ms)
                return False
            del self._world.leases[pool]
            return True

    def give_back(self, pool: str, owner: str) -> None:
        """Gives the lease back, even if another dispatcher has asked for it."""
        self._world.charge("give_back_lease")
        with self._world.lock:
            held = self._world.leases.get(pool)
            if held is not None and held.owner == owner:
                del self._world.leases[pool]
