"""Computes the boost that each job of a submission gets for the length of the path that begins with it."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.graph import analyse_chains
from tidegate.domain.rank import critical_path_boosts
from tidegate.domain.requests import JobRequest


def boosts_of(jobs: Sequence[JobRequest], weight: float, max_points: int) -> tuple[int, ...]:
    """Returns the boost of each job in thousandths of a point, in the order of `jobs`.

    A job gets `weight` points for each second of the longest path that begins with it, by the jobs' estimates. No job
    gets more than `max_points`, whatever the estimates and the weight are. Only edges between these jobs count, and
    they must form an acyclic graph. A job without an estimate adds 0 seconds to its paths.
    """
    if not weight:
        return (0,) * len(jobs)
    estimates = {index: job.estimated_duration_seconds or 0.0 for index, job in enumerate(jobs)}
    remaining_seconds = analyse_chains(upstreams_of(jobs), estimates).remaining_seconds
    return critical_path_boosts(weight, remaining_seconds, max_points)


def upstreams_of(jobs: Sequence[JobRequest]) -> list[list[int]]:
    """Returns, for each job of a submission, the indexes of the jobs of it that the job depends on."""
    index_by_key = {job.key: index for index, job in enumerate(jobs)}
    return [[index_by_key[edge.key] for edge in job.depends_on if edge.key is not None] for job in jobs]
