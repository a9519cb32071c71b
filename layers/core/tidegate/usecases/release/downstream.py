"""Downstream: the jobs that wait on others, directly or through further ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.usecases.bounds.portions import read_lean
from tidegate.usecases.services import Services

JOBS_AT_MOST = limits.MAX_JOBS_PER_WORKFLOW
LAYERS_AT_MOST = 1_000  # each is a round of calls; a function answers within half a minute


@dataclass(frozen=True, slots=True)
class Downstream:
    """Lean jobs, each after the first that led to it; `complete` where there are no more than one call can look at."""

    jobs: tuple[Job, ...]
    complete: bool


def downstream_of(
    services: Services,
    sources: Sequence[Job],
    step: Callable[[Sequence[tuple[Job, frozenset[str]]]], Sequence[Job]] | None = None,
) -> Downstream:
    """Walks from `sources` along all edges that leave them, layer by layer, and returns what it came by.

    `step` is given the jobs of each layer, with the ids of the upstreams that led there, and says from which of them
    the walk goes on; from all without it. The jobs are as they stand: what was reopened a moment ago has not ended.
    """
    known = {job.job_id for job in sources}
    layer: Sequence[Job] = sources
    found: list[Job] = []
    for _ in range(LAYERS_AT_MOST):
        causes: dict[str, set[str]] = {}
        # Those that came to wait on a job after it had ended are not noted on it.
        noted = [replace(job, dependents_apart=True) if job.is_terminal else job for job in layer]
        for upstream, edges in zip(layer, services.jobs.list_dependents_of(noted), strict=True):
            for edge in edges:
                if edge.job_id not in known:
                    causes.setdefault(edge.job_id, set()).add(upstream.job_id)
        if not causes:
            return Downstream(tuple(found), complete=True)
        if len(found) + len(causes) > JOBS_AT_MOST:
            break
        jobs = read_lean(services, list(causes))
        reached = [(job, frozenset(causes[job_id])) for job_id, job in jobs.items()]
        layer = [job for job, _ in reached] if step is None else step(reached)
        # What the walk does not go on from may be come by again, from another side.
        known.update(job.job_id for job in layer)
        found.extend(layer)
    return Downstream(tuple(found), complete=False)
