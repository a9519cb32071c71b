"""The ends of reopened jobs in memory."""

from __future__ import annotations

from collections.abc import Sequence

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.job import Job
from tidegate.domain.statistics.ended import EndPlace, end_of
from tidegate.ports import EndedPage


class MemoryKeptEnds:
    """Keeps ends in a `MemoryWorld`; see ports.KeptEnds.

    `retention_seconds` counts from the end of a job that has no time of its own.
    """

    def __init__(self, world: MemoryWorld, retention_seconds: int) -> None:
        self._world = world
        self._retention_seconds = retention_seconds

    def keep(self, jobs: Sequence[Job]) -> None:
        """Keeps the present end of each of the jobs, which have all ended."""
        for job in jobs:
            self._world.charge("keep_end")
            end = end_of(job)
            expires_at_s = job.expires_at_s or end.ended_at_ms // 1_000 + self._retention_seconds
            with self._world.lock:
                self._world.kept_ends[end.pool, end.place] = end, expires_at_s

    def page(
        self, pool: str, from_ms: int, to_ms: int, *, limit: int, after: EndPlace | None = None
    ) -> EndedPage:
        """Returns at most `limit` kept ends of a pool, from `from_ms` on and before `to_ms`, after `after`."""
        self._world.charge("page_of_kept_ends")
        with self._world.lock:
            found = sorted(
                place
                for (kept_in, place) in self._world.kept_ends
                if kept_in == pool
                and from_ms <= place.ended_at_ms < to_ms
                and (after is None or place > after)
            )
            shown = found[: min(limit, self._world.page_entries)]
            ends = tuple(self._world.kept_ends[pool, place][0] for place in shown)
        return EndedPage(ends, shown[-1] if len(found) > len(shown) else None)
