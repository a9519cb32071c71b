"""Wake: SCHEDULED jobs whose time has come become READY."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain.job import Job
from tidegate.domain.states import Group
from tidegate.domain.transitions import ReadyIfDue, Stamp
from tidegate.usecases.choose_pool import PoolChooser
from tidegate.usecases.each import raise_first_failure
from tidegate.usecases.portions import apply_lean, read_lean
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

    One that named no pool may become READY in another: its own event brings that pool's dispatcher.
    """
    pages = services.index.first_pages(pool_name, Group.SCHEDULED, limit=MAX_JOBS_PER_SHARD, up_to=now_ms)
    due = [entry.job_id for page in pages.values() for entry in page.entries]
    if not due:
        return ()
    jobs = read_lean(services, due, consistent=False)
    chooser = PoolChooser(services, now_ms)
    stamp = Stamp(now_ms, ACTOR)
    outcomes = apply_lean(services, [ReadyIfDue(job, stamp, chooser.for_job(job)) for job in jobs.values()])
    raise_first_failure(outcomes)
    return tuple(outcome for outcome in outcomes if isinstance(outcome, Job))
