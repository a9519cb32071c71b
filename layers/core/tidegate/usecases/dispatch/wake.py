"""Wake: SCHEDULED jobs whose time has come become READY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.domain.job import Job
from tidegate.domain.states import Group
from tidegate.domain.transitions import ReadyIfDue, Stamp
from tidegate.ports import IndexEntry, MoveOutcome
from tidegate.usecases.bounds.portions import (
    apply_lean,
    read_lean,
)
from tidegate.usecases.bounds.sweep import (
    place_from,
    place_text,
)
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.pools.choose_pool import PoolChooser
from tidegate.usecases.services import Services

ACTOR = "dispatcher"
MAX_JOBS_PER_SHARD = 500
LOOK_EVERY_MS = 2_000


@dataclass(slots=True)
class DueWatch:
    """Says now and then that every pool should be looked at for due jobs, while events come for some other pool."""

    _looked_at_ms: int = 0

    def is_time(self, now_ms: int) -> bool:
        """Whether it is time to look again; looked at is what it says so for."""
        if 0 <= now_ms - self._looked_at_ms < LOOK_EVERY_MS:  # below 0 where the clock was put back
            return False
        self._looked_at_ms = now_ms
        return True


def wake_due(services: Services, pool_name: str, now_ms: int) -> tuple[Job, ...]:
    """Makes due jobs of a pool READY, earliest first, a bounded number at a time; returns them lean.

    Where some of the earliest can't become READY, a run looks at as many behind them too, each run at others. So
    they keep no other job waiting for ever, however many they are. One that named no pool may become READY in another:
    its own event brings that pool's dispatcher.
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


def _wake(services: Services, due: Sequence[IndexEntry], now_ms: int) -> list[MoveOutcome]:
    if not due:
        return []
    jobs = read_lean(services, [entry.job_id for entry in due], consistent=False)
    chooser = PoolChooser(services, now_ms)
    stamp = Stamp(now_ms, ACTOR)
    return apply_lean(services, [ReadyIfDue(job, stamp, chooser.for_job(job)) for job in jobs.values()])


def _behind(
    services: Services, pool: str, shard: int, first: IndexEntry, now_ms: int
) -> Sequence[IndexEntry]:
    """Reads the page of due jobs behind `first` that this process has not looked at yet; in the end all of them."""
    name = f"due#{pool}#{shard}"
    place = place_from(services.recall.places.get(name))
    after = first if place is None or place.sort < first.sort else place
    page = services.index.page(
        pool, Group.SCHEDULED, shard, limit=MAX_JOBS_PER_SHARD, after=after, up_to=now_ms
    )
    services.recall.places[name] = place_text(first if page.next is None else page.next)
    return page.entries
