"""Looks at jobs, submissions and counts, to tell whether the reaper keeps them right. It changes nothing.

Two reads of a store are never of one moment, so everything here has a grace. A younger difference may still be on its
way, or the reaper puts it right in its next run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.domain.job import Job
from tidegate.domain.job_query import moment_of
from tidegate.domain.states import Group, State
from tidegate.ports import IndexEntry, OpenSubmission
from tidegate.usecases.services import Services

SAMPLED_ENTRIES = 64
"""The entries of each group of a pool that a sample looks at, the first of each shard."""
INDEX_LAG_MS = 60_000  # far beyond the second or so that an index may lag
OVERDUE_MS = 300_000  # five runs of the reaper
OPEN_TOO_LONG_MS = 900_000  # its grace of two minutes, and time for a submission of the largest size
SHOWN_SUBMISSIONS = 20
_WAITING = (Group.PENDING, Group.SCHEDULED, Group.READY, Group.ACTIVE, Group.OUTSIDE)


@dataclass(frozen=True, slots=True)
class JobSample:
    """A sample of the index, compared with the jobs themselves.

    `entries` is how many entries were looked at. `misplaced` are the ids of jobs that stand elsewhere in the index than
    their own item says, or that no longer exist. `overdue` are the ids of RUNNING jobs whose lease ended more than
    `OVERDUE_MS` ago.
    """

    entries: int
    misplaced: tuple[str, ...]
    overdue: tuple[str, ...]


def sample_jobs(services: Services, *, now_ms: int) -> JobSample:
    """Compares the first waiting and running jobs of each shard with their items.

    Costs a query for each pool, group and shard, and a consistent read of each job. Jobs in other lanes than the main
    one are left out. Raises ServiceUnavailable, ServiceRefused.
    """
    entries = 0
    misplaced: dict[str, None] = {}
    overdue: dict[str, None] = {}
    for pool in sorted(services.settings.pools):
        for group in _WAITING:
            sampled = _entries(services, pool, group)
            jobs = services.jobs.get_many([entry.job_id for entry in sampled], consistent=True)
            entries += len(sampled)
            for entry in sampled:
                job = jobs.get(entry.job_id)
                if _is_misplaced(job, entry, pool, group, now_ms):
                    misplaced[entry.job_id] = None
                elif job is not None and _is_overdue(job, now_ms):
                    overdue[entry.job_id] = None
    return JobSample(entries, tuple(misplaced), tuple(overdue))


def stuck_submissions(services: Services, *, now_ms: int) -> tuple[OpenSubmission, ...]:
    """Returns at most `SHOWN_SUBMISSIONS` submissions that are open for longer than `OPEN_TOO_LONG_MS`, oldest first.

    Raises ServiceUnavailable, ServiceRefused.
    """
    return services.submissions.list_open(opened_before_ms=now_ms - OPEN_TOO_LONG_MS, limit=SHOWN_SUBMISSIONS)


def counted_until(services: Services) -> Mapping[str, int | None]:
    """Returns before which time the ended jobs of each deployed pool are counted, by name; None if they never were.

    Times are in milliseconds since the epoch. Costs one read. Raises ServiceUnavailable, ServiceRefused.
    """
    pools = sorted(services.settings.pools)
    reached = services.statistics.reached(pools)
    return {pool: reached[pool].counted_ms if pool in reached else None for pool in pools}


def _entries(services: Services, pool: str, group: Group) -> tuple[IndexEntry, ...]:
    limit = max(1, SAMPLED_ENTRIES // services.index.shards)
    pages = services.index.first_pages(pool, group, limit=limit)
    return tuple(entry for page in pages.values() for entry in page.entries)


def _is_misplaced(job: Job | None, entry: IndexEntry, pool: str, group: Group, now_ms: int) -> bool:
    if job is None:
        return True
    if max((each.at_ms for each in job.history), default=job.created_at_ms) > now_ms - INDEX_LAG_MS:
        return False  # the entry may be of before the latest transition
    if (job.pool, job.group) != (pool, group):
        return True
    # A READY job is sorted by its rank, which only the index makes.
    return group is not Group.READY and moment_of(job) != entry.sort


def _is_overdue(job: Job, now_ms: int) -> bool:
    return (
        job.state is State.RUNNING
        and job.lease_expires_at_ms is not None
        and job.lease_expires_at_ms < now_ms - OVERDUE_MS
    )
