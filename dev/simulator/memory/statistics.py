"""The statistics of ended jobs in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dev.simulator.memory.world import MemoryWorld, StoredRollup
from tidegate.domain.statistics.codec import packed
from tidegate.domain.statistics.spans import Counted, Reached, Span


class MemoryStatisticsStore:
    """Keeps roll-ups in a `MemoryWorld`, as the bytes that DynamoDB would hold; see ports.StatisticsStore."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def reached(self, pools: Sequence[str]) -> Mapping[str, Reached]:
        """Returns how far each pool is counted, without those that never were."""
        self._world.charge("reached")
        with self._world.lock:
            return {pool: self._world.reached[pool] for pool in pools if pool in self._world.reached}

    def advance(self, pool: str, before: Reached | None, after: Reached) -> bool:
        """Stores how far a pool is counted if `before` stands there. Returns whether it did."""
        self._world.charge("advance")
        with self._world.lock:
            if self._world.reached.get(pool) != before:
                return False
            self._world.reached[pool] = after
            return True

    def put(self, pool: str, span: Span, counted: Counted, *, expires_at_s: int) -> None:
        """Stores a roll-up until `expires_at_s`, over an equal one of the same time."""
        self._world.charge("put_rollup")
        with self._world.lock:
            place = pool, span, counted.from_ms, counted.to_ms
            self._world.rollups[place] = StoredRollup(
                packed(counted.rollup), counted.slot_ms, counted.oldest_ready_ms, expires_at_s
            )

    def find(self, pool: str, span: Span, from_ms: int, to_ms: int) -> Sequence[Counted]:
        """Returns the roll-ups of this kind that begin from `from_ms` on and before `to_ms`, by their beginning."""
        self._world.charge("find_rollups")
        with self._world.lock:
            found = sorted(
                (begin_ms, end_ms, stored)
                for (kept_of, kept_span, begin_ms, end_ms), stored in self._world.rollups.items()
                if kept_of == pool and kept_span is span and from_ms <= begin_ms < to_ms
            )
        return tuple(stored.counted(begin_ms, end_ms) for begin_ms, end_ms, stored in found)
