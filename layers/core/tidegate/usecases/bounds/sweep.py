"""Sweeps over one group of a pool's jobs, a bounded number a run; the next run continues where the last one stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from tidegate.domain.job import Job
from tidegate.domain.states import Group
from tidegate.ports import IndexEntry
from tidegate.usecases.bounds.deadline import NEVER, Deadline, in_turns, while_time
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.services import Services

R = TypeVar("R")

PAGE = 100


def sweep_group(
    services: Services,
    pool: str,
    group: Group,
    work: Callable[[list[Job]], R],
    *,
    jobs_per_shard: int,
    up_to_ms: int,
    until: Deadline = NEVER,
) -> list[R]:
    """Calls `work` with pages of jobs whose index entry is not newer than `up_to_ms`; returns its results.

    Visits at most `jobs_per_shard` jobs of each shard; the next sweep continues behind them. Each shard gets an equal
    part of the time left before `until`. The jobs may be a little old, so `work` must write conditionally.
    Raises the first error after every page and every shard has been visited.
    """
    results: list[R] = []
    errors = FirstError()
    for shard, shard_until in in_turns(range(services.index.shards), until, services.entropy.jitter):
        with errors.isolated():  # also from a shard whose pages can't be read
            pages = _pages(services, pool, group, shard, jobs_per_shard=jobs_per_shard, up_to_ms=up_to_ms)
            for jobs in while_time(pages, shard_until):
                with errors.isolated():
                    results.append(work(jobs))
    errors.raise_first()
    return results


def _pages(
    services: Services, pool: str, group: Group, shard: int, *, jobs_per_shard: int, up_to_ms: int
) -> Iterator[list[Job]]:
    name = f"sweep#{pool}#{group}#{shard}"
    stored = services.cursors.load(name)
    after = place_from(stored)
    seen = 0
    while seen < jobs_per_shard:
        page = services.index.page(pool, group, shard, limit=PAGE, after=after, up_to=up_to_ms)
        seen += len(page.entries)
        after = page.next
        position = place_text(after) if after else None
        if position != stored:
            # Stored before the page is worked on, so that a page that fails or takes too long does not block every run.
            services.cursors.save(name, position)
            stored = position
        if page.entries:
            yield list(services.jobs.get_many([entry.job_id for entry in page.entries]).values())
        if after is None:
            break


def place_text(entry: IndexEntry) -> str:
    """Returns the place behind an entry as text that `place_from` can read."""
    return f"{entry.sort} {entry.job_id}"


def place_from(stored: str | None) -> IndexEntry | None:
    """Returns the entry of a text that `place_text` made; None stands for the beginning."""
    if stored is None:
        return None
    sort, _, job_id = stored.partition(" ")
    return IndexEntry(job_id, int(sort))
