"""The lane registry, the permits and the dispatch leases in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dev.simulator.memory.world import (
    HeldLease,
    MemoryWorld,
)
from tidegate.domain.dispatch_plan import DEFAULT_WEIGHT
from tidegate.domain.errors import ServiceRefused
from tidegate.domain.permits import Permit, has_room
from tidegate.ports import KnownLane


class MemoryLaneRegistry:
    """Keeps lanes in a `MemoryWorld`; see ports.LaneRegistry."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def list_lanes(self, pool: str, *, limit: int, before: str | None = None) -> tuple[KnownLane, ...]:
        """Returns at most `limit` lanes of a pool in descending order of name, before the name `before`."""
        self._world.charge("list_lanes")
        with self._world.lock:
            found = sorted(
                (
                    known
                    for (of_pool, lane), known in self._world.lanes.items()
                    if of_pool == pool and (before is None or lane < before)
                ),
                key=lambda known: known.lane,
                reverse=True,
            )
        return tuple(found[:limit])

    def note(self, pool: str, lane: str, *, weight: int = DEFAULT_WEIGHT, now_ms: int) -> None:
        """Stores a lane, or that it is still in use; a lane that does not rest keeps its weight."""
        self._world.charge("note_lane")
        with self._world.lock:
            known = self._world.lanes.get((pool, lane))
            kept = weight if known is None or known.resting else known.weight
            self._world.lanes[(pool, lane)] = KnownLane(lane, kept, now_ms)

    def rest_if_not_noted_since(self, pool: str, lane: str, *, noted_at_ms: int) -> bool:
        """Marks a lane as resting if it was last noted at `noted_at_ms`; returns False otherwise."""
        self._world.charge("rest_lane")
        with self._world.lock:
            known = self._world.lanes.get((pool, lane))
            if known is None or known.resting or known.noted_at_ms != noted_at_ms:
                return False
            self._world.lanes[(pool, lane)] = replace(known, resting=True)
            return True

    def forget_if_not_noted_since(self, pool: str, lane: str, *, noted_at_ms: int) -> bool:
        """Removes a lane if it was last noted at `noted_at_ms`; returns False otherwise."""
        self._world.charge("forget_lane")
        with self._world.lock:
            known = self._world.lanes.get((pool, lane))
            if known is None or known.noted_at_ms != noted_at_ms:
                return False
            del self._world.lanes[(pool, lane)]
            return True


class MemoryPermits:
    """Keeps permits in a `MemoryWorld`; see ports.Permits."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def take_if_free(
        self,
        permit: str,
        holder: str,
        *,
        limit: int,
        now_ms: int,
    ) -> bool:
        """Adds a holder if there are fewer than `limit` others; returns True if the job then holds the permit."""
        self._world.charge("take_permit")
        with self._world.lock:
            holders = self._world.permits.setdefault(permit, set())
            if holder not in holders and len(holders) >= limit:
                return False
            holders.add(holder)
            return True

    def take_under_least(
        self,
        permit: str,
        holder: str,
        *,
        limit: int,
        now_ms: int,
    ) -> bool:
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

    def _standing(self, permit: str) -> Permit:
        limit, noted_at_ms = self._world.waiting_limits.get(permit, (None, 0))
        return Permit(frozenset(self._world.permits.get(permit, ())), limit, noted_at_ms)


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

    def release_if_not_asked(self, pool: str, owner: str, *, until_ms: int) -> bool:
        """Gives the lease back and returns True, unless another dispatcher has asked for it meanwhile.

        In that case the owner keeps it until `until_ms`, and the result is False.
        """
        self._world.charge("release_lease")
        with self._world.lock:
            held = self._world.leases.get(pool)
            if held is None or held.owner != owner:
                return True
            if held.asked:
                self._world.leases[pool] = replace(held, asked=False, until_ms=until_ms)
                return False
            del self._world.leases[pool]
            return True

    def release(self, pool: str, owner: str) -> None:
        """Gives the lease back, even if another dispatcher has asked for it."""
        self._world.charge("release_lease")
        with self._world.lock:
            held = self._world.leases.get(pool)
            if held is not None and held.owner == owner:
                del self._world.leases[pool]
