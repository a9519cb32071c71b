"""The job index in memory; it never lags behind the jobs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import partial

from dev.simulator.memory.world import MemoryWorld, SortedEntry
from tidegate.domain.indexed import IndexedFields
from tidegate.domain.job import Job
from tidegate.domain.lanes import MAIN, is_sharded
from tidegate.domain.states import Group
from tidegate.domain.statistics.ended import EndPlace, end_of
from tidegate.ports import EndedPage, IndexEntry, IndexPage

_AFTER_ANY_ID = "\U0010ffff"


class MemoryJobIndex:
    """Reads the index of a `MemoryWorld`; see ports.JobIndex.

    Among equal sort values the greater job id comes later, or first when descending.
    """

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    @property
    def shards(self) -> int:
        """The number of shards of each group of each pool."""
        return self._world.shards

    def page(
        self,
        pool: str,
        group: Group,
        shard: int,
        *,
        limit: int,
        descending: bool = False,
        after: IndexEntry | None = None,
        up_to: int | None = None,
        lane: str = MAIN,
    ) -> IndexPage:
        """Returns at most `limit` entries of one shard of a lane, after `after`, with a sort value up to `up_to`."""
        self._world.charge("page")
        limit = min(limit, self._world.page_entries)
        with self._world.lock:
            entries = self._world.index.get((pool, group, shard, lane), [])
            start, end = 0, len(entries)
            if up_to is not None:
                end = bisect_right(entries, (up_to, _AFTER_ANY_ID))
            if after is not None and descending:
                end = min(end, bisect_left(entries, (after.sort, after.job_id)))
            elif after is not None:
                start = bisect_right(entries, (after.sort, after.job_id))
            if descending:
                start = max(start, end - limit)
                return self._page(entries[start:end][::-1], more=start > 0)
            stop = min(end, start + limit)
            return self._page(entries[start:stop], more=stop < end)

    def ended(
        self,
        pool: str,
        group: Group,
        shard: int,
        *,
        from_ms: int,
        to_ms: int,
        limit: int,
        after: EndPlace | None = None,
    ) -> EndedPage:
        """Returns at most `limit` ends of one shard of a terminal group, from `from_ms` on and before `to_ms`."""
        self._world.charge("ended")
        limit = min(limit, self._world.page_entries)
        with self._world.lock:
            entries = self._world.index.get((pool, group, shard, MAIN), [])
            start = bisect_left(entries, (from_ms, ""))
            if after is not None:
                start = max(start, bisect_right(entries, (after.ended_at_ms, after.job_id)))
            end = bisect_left(entries, (to_ms, ""))
            ends = tuple(
                end_of(self._world.jobs[job_id]) for _, job_id in entries[start : min(end, start + limit)]
            )
        more = start + limit < end
        return EndedPage(ends, EndPlace(ends[-1].ended_at_ms, ends[-1].job_id) if more and ends else None)

    def first_pages(
        self,
        pool: str,
        group: Group,
        *,
        limit: int,
        descending: bool = False,
        up_to: int | None = None,
        lanes: Sequence[str] = (MAIN,),
    ) -> Mapping[tuple[str, int], IndexPage]:
        """Returns the first page of every shard of each of `lanes`, by lane and shard."""
        return {
            (lane, shard): self.page(
                pool, group, shard, limit=limit, descending=descending, up_to=up_to, lane=lane
            )
            for lane, shard in self._places(lanes)
        }

    def count(self, pool: str, group: Group, *, at_most: int, lanes: Sequence[str] = (MAIN,)) -> int:
        """Returns the number of jobs of the group in all shards of `lanes`, or `at_most` if there are more."""
        counted = 0
        for lane, shard in self._places(lanes):
            self._world.charge("count")
            counted += len(self._world.index.get((pool, group, shard, lane), ()))
            if counted >= at_most:
                return at_most
        return counted

    def ranks(self, pool: str, *, at_most: int, lanes: Sequence[str] = (MAIN,)) -> Sequence[int]:
        """Returns the `at_most` highest ranks of each shard of `lanes`."""
        found: list[int] = []
        for lane, shard in self._places(lanes):
            self._world.charge("ranks")
            with self._world.lock:
                entries = self._world.index.get((pool, Group.READY, shard, lane), [])
                found += [sort for sort, _ in reversed(entries[-at_most:])]
        return found

    def _places(self, lanes: Sequence[str]) -> list[tuple[str, int]]:
        return [
            (lane, shard) for lane in lanes for shard in range(self._world.shards if is_sharded(lane) else 1)
        ]

    def _page(self, found: list[SortedEntry], *, more: bool) -> IndexPage:
        jobs = self._world.jobs
        entries = tuple(
            IndexEntry(job_id, sort, jobs[job_id].traits, partial(_indexed, jobs[job_id]))
            for sort, job_id in found
        )
        return IndexPage(entries, entries[-1] if more and entries else None)


def _indexed(job: Job) -> IndexedFields:
    return job.indexed
