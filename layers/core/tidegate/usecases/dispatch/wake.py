"""Makes SCHEDULED jobs READY when their time has come.

A job is SCHEDULED until its `not_before` or until the backoff of a retry ends. The dispatcher looks for due jobs at
each tick, and between ticks while events keep it running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.domain.job import Job
from tidegate.domain.states import Group
from tidegate.domain.transitions import ReadyIfDue, Stamp
from tidegate.ports import IndexEntry, TransitionOutcome
from tidegate.usecases.bounds.portions import apply_lean, read_lean
from tidegate.usecases.bounds.sweep import place_from, place_text
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.services import Services

ACTOR = "dispatcher"
MAX_JOBS_PER_SHARD = 500
LOOK_EVERY_MS = 2_000


@dataclass(slots=True)
class DueWatch:
    """Decides how often one process looks for due jobs in every pool, also in pools that no event is about."""

    _looked_at_ms: int = 0

    def is_time(self, now_ms: int) -> bool:
        """True at most once every `LOOK_EVERY_MS`. A True counts as a look."""
        if 0 <= now_ms - self._looked_at_ms < LOOK_EVERY_MS:  # negative after the clock was set back
            return False
        self._looked_at_ms = now_ms
        return True


def wake_due(services: Services, pool_name: str, now_ms: int) -> tuple[Job, ...]:
    """Makes due jobs of a pool READY, earliest first, at most `MAX_JOBS_PER_SHARD` of each shard.

    If some of the earliest jobs can't become READY, the call also tries the page of jobs behind them. Each call of
    this process tries the next such page, so stuck jobs never block the others. A job that named no pool may become
    READY in another pool. Its own event then wakes the dispatcher for that pool.
    Returns the jobs that are READY now, lean (`domain.job.lean`). Raises ServiceUnavailable or ServiceRefused for a
    job that could not be written, after the others have been.
    """
    pages = services.index.first_pages(pool_name, Group.SCHEDULED, limit=MAX_JOBS_PER_SHARD, up_to=now_ms)
    outcomes = _wake(services, [entry for page in pages.values() for entry in page.entries], now_ms)
    woken = {outcome.job_id for outcome in outcomes if isinstance(outcome, Job)}
    for (_, shard), page in pages.items():
        if page.next is not None and any(entry.job_id not in woken for entry in page.entries):
            behind = _behind(services, pool_name, shard, page.next, now_ms)
            outcomes += _wake(services, [entry for entry in behind if entry.job_id not in woken], now_ms)
    raise_first_failure(outcomes)
    return tuple(outcome for outcome in outcomes if isinstance(outcome, Job))


def _wake(services: Services, due: Sequence[IndexEntry], now_ms: int) -> list[TransitionOutcome]:
    if not due:
        return []
    jobs = read_lean(services, [entry.job_id for entry in due], consistent=False)
    chooser = PoolChooser(services, now_ms)
    stamp = Stamp(now_ms, ACTOR)
    return apply_lean(services, [ReadyIfDue(job, stamp, chooser.for_job(job)) for job in jobs.values()])


def _behind(
    services: Services, pool: str, shard: int, first: IndexEntry, now_ms: int
) -> Sequence[IndexEntry]:
    """Reads the next page of due jobs behind `first`. Successive calls of one process go through all of them."""
    name = f"due#{pool}#{shard}"
    place = place_from(services.recall.places.get(name))
    after = first if place is None or place.sort < first.sort else place
    page = services.index.page(
        pool, Group.SCHEDULED, shard, limit=MAX_JOBS_PER_SHARD, after=after, up_to=now_ms
    )
    services.recall.places[name] = place_text(first if page.next is None else page.next)
    return page.entries
