"""Finds the jobs that one worker runs now and ran lately.

No index knows the worker of a job, because a claim writes no index. So the use case looks at a bounded number of
entries of the worker's pool and keeps the jobs that name the worker. It works for worker processes and for execution
environments of the function alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge

from tidegate.domain.job import Job
from tidegate.domain.states import Group, State
from tidegate.ports import IndexEntry
from tidegate.usecases.read.status import check_standing_pool
from tidegate.usecases.services import Services

MOST_ACTIVE = 1_000
"""The most QUEUED and RUNNING jobs of the pool that are looked at."""

MOST_ENDED = 200
"""The most ended jobs of the pool that are looked at in each state, latest first."""

_ENDED = (Group.SUCCEEDED, Group.FAILED, Group.TIMED_OUT, Group.CANCELLED)


@dataclass(frozen=True, slots=True)
class WorkerJobs:
    """The jobs of a worker: those that it runs, longest first, and those that it ran, latest first.

    `is_all_active` says that all active jobs of the pool were looked at. The worker ran earlier jobs than
    `ended_since_ms` (milliseconds since the epoch) only if they are not in `ended`; None where all were looked at.
    """

    running: tuple[Job, ...]
    ended: tuple[Job, ...]
    is_all_active: bool
    ended_since_ms: int | None


def jobs_of_worker(services: Services, pool: str, worker_id: str, *, limit: int) -> WorkerJobs:
    """Returns the jobs that a worker of `pool` runs, and the latest `limit` (1-200) that it ran.

    Costs one query for each shard of the active jobs and of each ended state, and reads of the jobs, 100 in a call: at
    most `MOST_ACTIVE` and four times `MOST_ENDED`. Raises UnknownName for an unknown pool; ServiceUnavailable.
    """
    check_standing_pool(services, pool)
    active, has_more = _entries(services, pool, Group.ACTIVE, MOST_ACTIVE, descending=False)
    ended: list[Job] = []
    since_ms: int | None = None
    for group in _ENDED:
        entries, cut = _entries(services, pool, group, MOST_ENDED, descending=True)
        if cut:
            since_ms = max(since_ms or 0, entries[-1].sort)
        ended += _of_worker(services, entries, worker_id)
    ended.sort(key=lambda job: job.finished_at_ms or 0, reverse=True)
    if len(ended) > limit:
        since_ms = max(since_ms or 0, ended[limit - 1].finished_at_ms or 0)
    running = [job for job in _of_worker(services, active, worker_id) if job.state is State.RUNNING]
    running.sort(key=lambda job: job.started_at_ms or 0)
    return WorkerJobs(tuple(running), tuple(ended[:limit]), not has_more, since_ms)


def _entries(
    services: Services, pool: str, group: Group, most: int, *, descending: bool
) -> tuple[list[IndexEntry], bool]:
    """Returns the first `most` entries of all shards of a group, and whether there are more."""
    pages = services.index.first_pages(pool, group, limit=most, descending=descending).values()

    def place(entry: IndexEntry) -> int:
        return -entry.sort if descending else entry.sort

    entries = list(merge(*(page.entries for page in pages), key=place))
    return entries[:most], len(entries) > most or any(page.next is not None for page in pages)


def _of_worker(services: Services, entries: Iterable[IndexEntry], worker_id: str) -> list[Job]:
    jobs = services.jobs.get_many([entry.job_id for entry in entries])
    return [job for job in jobs.values() if job.worker_id == worker_id]
