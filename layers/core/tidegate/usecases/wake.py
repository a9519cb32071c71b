"""Wake: SCHEDULED jobs whose time has come become READY."""

from __future__ import annotations

from tidegate.domain.job import Job
from tidegate.domain.states import Group
from tidegate.domain.transitions import ReadyIfDue, Stamp
from tidegate.usecases.each import raise_first_failure
from tidegate.usecases.services import Services

ACTOR = "dispatcher"
MAX_JOBS_PER_SHARD = 500


def wake_due(services: Services, pool_name: str, now_ms: int) -> int:
    """Makes due jobs of a pool READY, earliest first, a bounded number at a time; returns how many."""
    due = [
        entry.job_id
        for shard in range(services.index.shards)
        for entry in services.index.page(
            pool_name, Group.SCHEDULED, shard, limit=MAX_JOBS_PER_SHARD, up_to=now_ms
        ).entries
    ]
    if not due:
        return 0
    jobs = services.jobs.get_many(due)
    outcomes = services.jobs.apply_all([ReadyIfDue(job, Stamp(now_ms, ACTOR)) for job in jobs.values()])
    raise_first_failure(outcomes)
    return sum(isinstance(outcome, Job) for outcome in outcomes)
