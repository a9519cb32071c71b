"""Keeps ended jobs whose retention is nearly over if other jobs may still need them.

A round goes through all jobs of a pool that are near the end of their retention. Each run of the reaper looks at a
bounded number of them, and the next run continues behind those. A pause follows each round. Rounds are frequent enough
that every job is looked at at least twice before its retention is over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tidegate.domain.job import Job
from tidegate.domain.states import TERMINAL, group_of
from tidegate.ports import IndexEntry
from tidegate.usecases.bounds.deadline import NEVER, Deadline, in_turns, while_time
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.pools.earlier_pools import all_pools
from tidegate.usecases.release.keep_needed import keep_needed
from tidegate.usecases.services import Services

PAGE = 100
PAGES_PER_RUN = 200  # of each pool
_GROUPS = sorted(group_of(state) for state in TERMINAL)


@dataclass(frozen=True, slots=True)
class _Round:
    """The progress of a pool's round, stored between runs.

    The round pauses until `rests_until_ms`; while that is 0 it continues at `place` behind `after`. `place` is an index
    into the pairs of group and shard. An operator may have raised the retention, so jobs that ended earlier may have a
    shorter one: `shortest_s` is the shortest in seconds, and `shortest_at_ms` is when it was last in force.
    """

    began_ms: int
    shortest_s: int
    shortest_at_ms: int
    rests_until_ms: int = 0
    place: int = 0
    after: IndexEntry | None = None


def reap_expiring(services: Services, now_ms: int, *, until: Deadline = NEVER) -> int:
    """Keeps the jobs near the end of their retention that others may need; returns how many were kept.

    Each pool gets an equal part of the time left before `until`. Raises the first error after all pools have been
    looked at.
    """
    kept = 0
    errors = FirstError()
    for pool, pool_until in in_turns(all_pools(services), until, services.entropy.jitter):
        with errors.isolated():
            kept += _reap_pool(services, pool, now_ms, pool_until)
    errors.raise_first()
    return kept


def _reap_pool(services: Services, pool: str, now_ms: int, until: Deadline) -> int:
    name = f"sweep#{pool}#expiring"
    standing = _read(services.cursors.load(name))
    if standing is not None and now_ms < standing.rests_until_ms:
        return 0
    if standing is None or standing.rests_until_ms:
        standing = _new_round(services, standing, now_ms)
    kept = 0
    errors = FirstError()
    for jobs in while_time(_pages(services, pool, name, standing, now_ms), until):
        with errors.isolated():
            kept += keep_needed(services, jobs, now_ms)
    errors.raise_first()
    return kept


def _new_round(services: Services, last: _Round | None, now_ms: int) -> _Round:
    retention_s = services.settings.retention_seconds
    # A tenth is added, because that retention may have stayed in force for up to a pause after the round noted it.
    is_over = last is None or last.shortest_at_ms + last.shortest_s * 1_100 < now_ms
    if last is None or is_over or retention_s <= last.shortest_s:
        return _Round(now_ms, retention_s, now_ms)
    return _Round(now_ms, last.shortest_s, last.shortest_at_ms)


def _pages(services: Services, pool: str, name: str, standing: _Round, now_ms: int) -> Iterator[list[Job]]:
    """Yields the jobs that this run looks at, page by page; stores before each page where the next run continues."""
    settings = services.settings
    places = [(group, shard) for group in _GROUPS for shard in range(services.index.shards)]
    up_to_ms = standing.began_ms + (settings.expiry_lead_seconds - standing.shortest_s) * 1_000
    for _ in range(PAGES_PER_RUN):
        entries: tuple[IndexEntry, ...] = ()
        while not entries and standing.place < len(places):
            group, shard = places[standing.place]
            page = services.index.page(pool, group, shard, limit=PAGE, after=standing.after, up_to=up_to_ms)
            entries = page.entries
            standing = replace(
                standing, after=page.next, place=standing.place + (1 if page.next is None else 0)
            )
        if standing.place == len(places):
            rests_until_ms = max(now_ms, standing.began_ms + settings.expiry_pause_seconds * 1_000)
            standing = replace(standing, rests_until_ms=rests_until_ms)
        # Stored before the page is worked on, so that a failing page does not block the others. The next round comes
        # to it again.
        services.cursors.save(name, _text(standing))
        if entries:
            yield list(services.jobs.get_many([entry.job_id for entry in entries]).values())
        if standing.rests_until_ms:
            return


def _text(standing: _Round) -> str:
    after = standing.after
    return json.dumps(
        [
            standing.began_ms,
            standing.shortest_s,
            standing.shortest_at_ms,
            standing.rests_until_ms,
            standing.place,
            *([] if after is None else [after.sort, after.job_id]),
        ]
    )


def _read(stored: str | None) -> _Round | None:
    if stored is None:
        return None
    began_ms, shortest_s, shortest_at_ms, rests_until_ms, place, *after = json.loads(stored)
    entry = IndexEntry(after[1], after[0]) if after else None
    return _Round(began_ms, shortest_s, shortest_at_ms, rests_until_ms, place, entry)
