"""The registry of lanes in memory."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.dispatch_plan import DEFAULT_WEIGHT
from tidegate.domain.shares import ShareRule
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
            rule = known.rule if known else None
            self._world.lanes[(pool, lane)] = KnownLane(lane, kept, now_ms, rule=rule)

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

    def define(self, pool: str, lane: str, *, weight: int, rule: ShareRule, now_ms: int) -> None:
        """Sets the weight and the rule of a share's lane, and notes it."""
        self._world.charge("define_lane")
        with self._world.lock:
            self._world.lanes[(pool, lane)] = KnownLane(lane, weight, now_ms, rule=rule)

    def undefine(self, pool: str, lane: str) -> bool:
        """Takes the rule from a share's lane; returns False where it has none."""
        self._world.charge("undefine_lane")
        with self._world.lock:
            known = self._world.lanes.get((pool, lane))
            if known is None or known.rule is None:
                return False
            self._world.lanes[(pool, lane)] = replace(known, rule=None)
            return True
