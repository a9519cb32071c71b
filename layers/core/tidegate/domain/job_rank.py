"""The rank of a job, by its fields."""

from __future__ import annotations

from tidegate.domain.job import Job
from tidegate.domain.rank import RankPolicy, place_of, rank


def rank_of(policy: RankPolicy, job: Job, ready_at_ms: int, *, passes: int = 0) -> int:
    """Returns the rank that a job has once it is READY since `ready_at_ms`, in milliseconds since the epoch.

    `passes` is the number of times that the job was passed over since. See `domain.rank.rank`.
    """
    return rank(
        policy,
        job.priority,
        ready_at_ms,
        job.tries,
        job.critical_path_boost_millipoints,
        place=place_of(job.job_id),
        passes=passes,
        latest_start_ms=job.latest_start_ms,
    )
