"""Finds the jobs downstream of others: those that wait on them, directly or through further jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.usecases.bounds.portions import read_lean
from tidegate.usecases.services import Services

JOBS_AT_MOST = limits.MAX_JOBS_PER_WORKFLOW
LAYERS_AT_MOST = 1_000  # each layer is a round of calls, and the function must answer within half a minute


@dataclass(frozen=True, slots=True)
class Downstream:
    """The jobs that were found, lean, each after the upstream that led to it first.

    `complete` is False if there were more jobs or layers than one call looks at. `edges` are the ties that the walk
    met, each as the ids of the upstream and the downstream job.
    """

    jobs: tuple[Job, ...]
    complete: bool
    edges: frozenset[tuple[str, str]] = frozenset()


def downstream_of(
    services: Services,
    sources: Sequence[Job],
    step: Callable[[Sequence[tuple[Job, frozenset[str]]]], Sequence[Job]] | None = None,
) -> Downstream:
    """Walks the graph from `sources` along their edges, layer by layer; returns the jobs that it found.

    `step` gets the jobs of each layer, each with the ids of the upstreams that led to it. It returns the jobs from
    which the walk continues, and only those are part of the answer. Without `step` the walk continues from all.
    Jobs are read consistently, so a job that was reopened a moment ago is seen as open. Raises ServiceUnavailable.
    """
    known = {job.job_id for job in sources}
    layer: Sequence[Job] = sources
    found: list[Job] = []
    ties: set[tuple[str, str]] = set()
    for _ in range(LAYERS_AT_MOST):
        causes: dict[str, set[str]] = {}
        # A job that has ended does not say whether later submissions wait on it, so their edges are always looked up.
        noted = [replace(job, dependents_overflow=True) if job.is_terminal else job for job in layer]
        for upstream, edges in zip(layer, services.jobs.list_dependents_of(noted), strict=True):
            for edge in edges:
                ties.add((upstream.job_id, edge.job_id))
                if edge.job_id not in known:
                    causes.setdefault(edge.job_id, set()).add(upstream.job_id)
        if not causes:
            return Downstream(tuple(found), complete=True, edges=frozenset(ties))
        if len(found) + len(causes) > JOBS_AT_MOST:
            break
        jobs = read_lean(services, list(causes))
        reached = [(job, frozenset(causes[job_id])) for job_id, job in jobs.items()]
        layer = [job for job, _ in reached] if step is None else step(reached)
        # A job that `step` left out stays unknown, so the walk may reach it again through another upstream.
        known.update(job.job_id for job in layer)
        found.extend(layer)
    return Downstream(tuple(found), complete=False)
