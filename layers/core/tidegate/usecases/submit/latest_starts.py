"""Computes when each job of a submission has to start at the latest, so that its times to finish by can be met."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.graph import latest_starts
from tidegate.domain.rank import RankPolicy
from tidegate.domain.requests import JobRequest
from tidegate.usecases.submit.critical_path import upstreams_of


def latest_starts_of(
    jobs: Sequence[JobRequest], finish_by_ms: int | None, policy: RankPolicy
) -> tuple[int | None, ...]:
    """Returns the latest start of each job in milliseconds since the epoch, in the order of `jobs`.

    It counts the job's own time to finish by, those of the jobs after it, and `finish_by_ms`, that of the whole
    submission, all less the estimates on the way. It is None where there is no such time, and where the policy gives no
    head start, so that such a job is stored as before. Only edges between these jobs count, each as if the upstream had
    to end first, and they must form an acyclic graph. A job without an estimate takes no time.
    """
    ends_by_ms = {index: job.finish_by_ms for index, job in enumerate(jobs) if job.finish_by_ms is not None}
    if not policy.head_start_ms or (not ends_by_ms and finish_by_ms is None):
        return (None,) * len(jobs)
    durations_ms = {
        index: round(job.estimated_duration_seconds * 1_000)
        for index, job in enumerate(jobs)
        if job.estimated_duration_seconds is not None
    }
    return latest_starts(upstreams_of(jobs), durations_ms, ends_by_ms, finish_by_ms)
