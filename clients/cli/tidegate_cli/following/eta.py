"""Predicts how long a workflow still takes, from the jobs' estimates and from the jobs that have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from tidegate.domain.dependency import DependencyType
from tidegate.domain.graph import analyse_chains
from tidegate.domain.states import State
from tidegate_cli.views import JobView


def upstream_indexes(jobs: Sequence[JobView]) -> list[list[int]]:
    """Returns, for each job, the indexes in `jobs` of the upstreams whose end it waits for, in ascending order."""
    by_id = {job.job_id: index for index, job in enumerate(jobs)}
    by_key = {job.key: index for index, job in enumerate(jobs) if job.key is not None}
    edges = []
    for job in jobs:
        found = {
            by_id.get(dependency.job_id) if dependency.job_id else by_key.get(dependency.key or "")
            for dependency in job.depends_on
            if dependency.type is not DependencyType.MUST_START  # it waits for the upstream's start only
        }
        edges.append(sorted(index for index in found if index is not None))
    return edges


def time_left_seconds(jobs: Sequence[JobView], *, slots: int, now_ms: int) -> float | None:
    """Returns the seconds that `jobs` are likely to take until all have ended.

    That is the remaining critical path, or the remaining work divided by `slots`, whichever is larger. `slots` is
    the most jobs that were seen RUNNING at once. `now_ms` is the time in milliseconds since the epoch.

    Returns None if a job that has not ended has no estimate, and no job has ended from which to guess.
    """
    remaining = _remaining_seconds(jobs, now_ms)
    if remaining is None:
        return None
    path = analyse_chains(upstream_indexes(jobs), remaining).critical_path_seconds
    return max(path, sum(remaining.values()) / max(1, slots))


def _remaining_seconds(jobs: Sequence[JobView], now_ms: int) -> Mapping[int, float] | None:
    by_type: dict[str, list[float]] = {}
    for job in jobs:
        if job.state is State.SUCCEEDED and job.actual_seconds is not None:
            by_type.setdefault(job.type, []).append(job.actual_seconds)
    means = {kind: fmean(durations) for kind, durations in by_type.items()}
    overall = fmean(means.values()) if means else None
    remaining: dict[int, float] = {}
    for index, job in enumerate(jobs):
        if job.is_terminal:
            continue
        expected = job.estimated_seconds
        if expected is None:
            expected = means.get(job.type, overall)
        if expected is None:
            return None
        if job.state is State.RUNNING and job.started_at_ms is not None:
            expected = max(0.0, expected - (now_ms - job.started_at_ms) / 1_000)
        remaining[index] = expected
    return remaining
