"""The permits in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.errors import ServiceRefused
from tidegate.domain.permits import Permit, has_room


class MemoryPermits:
    """Keeps permits in a `MemoryWorld`; see ports.Permits."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def take_if_free(self, permit: str, holder: str, *, limit: int, now_ms: int) -> bool:
        """Adds a holder if there are fewer than `limit` others; returns True if the job then holds the permit."""
        self._world.charge("take_permit")
        with self._world.lock:
            holders = self._world.permits.setdefault(permit, set())
            if holder not in holders and len(holders) >= limit:
                return False
            holders.add(holder)
            return True

    def take_under_least(self, permit: str, holder: str, *, limit: int, now_ms: int) -> bool:
        """Adds a holder if the lowest limit that any holder or waiting job asked for is still kept then.

        Returns False otherwise.
        """
        self._world.charge("take_permit")
        with self._world.lock:
            standing = self._standing(permit)
            if holder in standing.holders:
                return True
            if not has_room(standing, limit):
                return False
            self._world.permits.setdefault(permit, set()).add(holder)
            return True

    def note_waiting(self, permit: str, limit: int, *, now_ms: int) -> None:
        """Stores that a job that asks for `limit` waits; the lowest such limit is kept."""
        self._world.charge("note_waiting")
        with self._world.lock:
            noted, _ = self._world.waiting_limits.get(permit, (limit, 0))
            self._world.waiting_limits[permit] = (min(noted, limit), now_ms)

    def set_waiting_if_not_noted_since(self, permit: str, limit: int | None, *, noted_at_ms: int) -> bool:
        """Sets the lowest limit that a waiting job asks for, None for no waiting job.

        Returns False if one was noted after `noted_at_ms`.
        """
        self._world.charge("set_waiting")
        with self._world.lock:
            if self._world.waiting_limits.get(permit, (0, None))[1] != noted_at_ms:
                return False
            if limit is None:
                del self._world.waiting_limits[permit]
            else:
                self._world.waiting_limits[permit] = (limit, noted_at_ms)
            return True

    def give_back(self, permit: str, holders: Sequence[str]) -> None:
        """Removes holders (at least one); raises ServiceRefused for none, as DynamoDB refuses an empty set."""
        if not holders:
            raise ServiceRefused("a permit was given back without a holder; name at least one holder")
        self._world.charge("give_back_permit")
        with self._world.lock:
            self._world.permits.get(permit, set()).difference_update(holders)

    def standing(self, permit: str) -> Permit:
        """Returns the holders of the permit and the limit that waits for it."""
        self._world.charge("permit_holders")
        return self._standing(permit)

    def standing_of(self, permits: Sequence[str]) -> Mapping[str, Permit]:
        """Returns many permits by name."""
        if permits:
            self._world.charge("permits_holders")
        return {permit: self._standing(permit) for permit in permits}

    def _standing(self, permit: str) -> Permit:
        limit, noted_at_ms = self._world.waiting_limits.get(permit, (None, 0))
        return Permit(frozenset(self._world.permits.get(permit, ())), limit, noted_at_ms)
