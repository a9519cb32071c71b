"""What the jobs of one submission gain by the paths that begin with them."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.graph import analyse_chains
from tidegate.domain.rank import critical_path_boosts
from tidegate.domain.requests import JobRequest


def boosts_of(jobs: Sequence[JobRequest], weight: float, max_points: int) -> tuple[int, ...]:
    """Computes the boost of each job, in thousandths of a point, at `weight` points per second of remaining path.

    No job gains more than `max_points`, whatever the submission says of its estimates and its weight. Only edges
    between the jobs themselves count, which must make an acyclic graph. A job without an estimate adds nothing to the
    paths that it is on.
    """
    if not weight:
        return (0,) * len(jobs)
    index_by_key = {job.key: index for index, job in enumerate(jobs)}
    upstreams = [[index_by_key[edge.key] for edge in job.depends_on if edge.key is not None] for job in jobs]
    estimates = {index: job.estimated_duration_seconds or 0.0 for index, job in enumerate(jobs)}
    remaining_seconds = analyse_chains(upstreams, estimates).remaining_seconds
    return critical_path_boosts(weight, remaining_seconds, max_points)
