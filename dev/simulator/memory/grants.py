"""The store of grants in memory."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.grants import Grants


class MemoryGrantStore:
    """Keeps the grants in a `MemoryWorld`; see ports.GrantStore."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def load(self) -> Grants:
        """Returns all grants."""
        self._world.charge("load_grants")
        with self._world.lock:
            return self._world.grants

    def save_if_unchanged(self, grants: Grants) -> bool:
        """Writes all grants if nobody wrote them since; returns whether it did."""
        self._world.charge("save_grants")
        with self._world.lock:
            if self._world.grants.version != grants.version:
                return False
            self._world.grants = replace(grants, version=grants.version + 1)
            return True
