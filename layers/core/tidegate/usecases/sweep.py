"""A bounded walk over one group of a pool that goes on where the last run stopped."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.domain.job import Job
from tidegate.domain.states import Group
from tidegate.ports import IndexEntry
from tidegate.usecases.services import Services

PAGE = 100


def sweep_group(
    services: Services, pool: str, group: Group, *, jobs_per_shard: int, up_to_ms: int
) -> Iterator[list[Job]]:
    """Yields pages of jobs whose index entry is not newer than `up_to_ms`, at most `jobs_per_shard` of each shard.

    The jobs are read for a hint only. Where a shard holds more, the next sweep continues behind them.
    """
    for shard in range(services.index.shards):
        name = f"sweep#{pool}#{group}#{shard}"
        stored = services.cursors.load(name)
        after = _read(stored)
        seen = 0
        while seen < jobs_per_shard:
            page = services.index.page(pool, group, shard, limit=PAGE, after=after, up_to=up_to_ms)
            seen += len(page.entries)
            after = page.next
            position = f"{after.sort} {after.job_id}" if after else None
            if position != stored:
                # Before the page is worked on: one that fails, or takes too long, must not be in the way for ever.
                services.cursors.save(name, position)
                stored = position
            if page.entries:
                yield list(services.jobs.get_many([entry.job_id for entry in page.entries]).values())
            if after is None:
                break


def _read(stored: str | None) -> IndexEntry | None:
    if stored is None:
        return None
    sort, _, job_id = stored.partition(" ")
    return IndexEntry(job_id, int(sort))
