"""Keeps ended jobs beyond their retention while another job may still need them.

An open job needs its upstreams: their ends decide whether it runs, and their results are its input. A job that ended
without success needs its upstreams until its own retention is over, because a caller may retry it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidegate.domain.job import Job
from tidegate.domain.states import REOPENABLE
from tidegate.domain.transitions import KeepIfEnded
from tidegate.ports import TransitionOutcome
from tidegate.usecases.bounds.portions import apply_lean, portions, read_lean
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.release.downstream import LAYERS_AT_MOST
from tidegate.usecases.services import Services

_UPSTREAMS_AT_ONCE = 50  # each may have thousands of dependents
_DEPENDENCIES_AT_ONCE = 250


def is_due(services: Services, job: Job, now_ms: int) -> bool:
    """Tells whether a job has ended and its retention ends within `expiry_lead_seconds`, or is over."""
    latest_s = now_ms // 1_000 + services.settings.expiry_lead_seconds
    return job.is_terminal and job.expires_at_s is not None and job.expires_at_s <= latest_s


def keep_for_open(services: Services, upstreams: Iterable[Job], now_ms: int) -> int:
    """Keeps the upstreams of open jobs for another full retention if theirs is nearly over; returns how many.

    Costs nothing if none is near the end of its retention. Raises ServiceUnavailable or ServiceRefused for a job
    that could not be written, after the others have been.
    """
    until_s = services.settings.expires_at_s(now_ms)
    due = [job for job in upstreams if is_due(services, job, now_ms)]
    return _keep(services, [KeepIfEnded(job, until_s) for job in due if _goes_before(job, until_s)], now_ms)


def keep_needed(services: Services, jobs: Sequence[Job], now_ms: int) -> int:
    """Keeps the jobs near the end of their retention that their dependents may need; returns how many.

    An open dependent needs them for another full retention. A dependent that ended without success needs them as long
    as it is kept itself. Raises as `keep_for_open` does.
    """
    due = [
        job for job in jobs if is_due(services, job, now_ms) and (job.dependents or job.dependents_overflow)
    ]
    kept = 0
    for portion in portions(due, _UPSTREAMS_AT_ONCE):
        needed = _needed_until(services, portion, now_ms)
        transitions = [
            KeepIfEnded(job, needed[job.job_id]) for job in portion if _goes_before(job, needed[job.job_id])
        ]
        kept += _keep(services, transitions, now_ms)
    return kept


def _goes_before(job: Job, until_s: int) -> bool:
    return job.expires_at_s is not None and job.expires_at_s < until_s


def _needed_until(services: Services, upstreams: Sequence[Job], now_ms: int) -> dict[str, int]:
    """Returns by job id until when its dependents need it, in seconds since the epoch; 0 if none needs it."""
    dependents = [
        list(dict.fromkeys(edge.job_id for edge in edges))
        for edges in services.jobs.list_dependents_of(upstreams)
    ]
    needed = {job.job_id: 0 for job in upstreams}
    known: dict[str, int] = {}
    wanted = list(dict.fromkeys(job_id for ids in dependents for job_id in ids))
    for portion in portions(wanted):
        found = services.jobs.get_many(portion)
        known |= {job_id: _needs_until(services, job, now_ms) for job_id, job in found.items()}
    for upstream, ids in zip(upstreams, dependents, strict=True):
        needed[upstream.job_id] = max((known.get(job_id, 0) for job_id in ids), default=0)
    return needed


def _needs_until(services: Services, dependent: Job, now_ms: int) -> int:
    if not dependent.is_terminal:
        return services.settings.expires_at_s(now_ms)
    if dependent.state in REOPENABLE and dependent.expires_at_s is not None:
        return dependent.expires_at_s
    return 0


def _keep(services: Services, transitions: Sequence[KeepIfEnded], now_ms: int) -> int:
    """Keeps jobs and, for those that may be retried, also the upstreams that they need; returns how many."""
    kept = 0
    seen: list[TransitionOutcome] = []
    layer = transitions
    for _ in range(LAYERS_AT_MOST):
        if not layer:
            break
        services.jobs.keep_parts(layer)  # first, so that no job outlives its result
        outcomes = apply_lean(services, layer)
        stay = [outcome for outcome in outcomes if isinstance(outcome, Job)]
        kept += len(stay)
        seen += [outcome for outcome in outcomes if not isinstance(outcome, Job)]
        layer = _needed_by(services, [job for job in stay if job.state in REOPENABLE], now_ms)
    raise_first_failure(seen)
    return kept


def _needed_by(services: Services, jobs: Sequence[Job], now_ms: int) -> list[KeepIfEnded]:
    """Finds the upstreams near the end of their retention that kept jobs need, because those may be retried."""
    needed: dict[str, int] = {}
    waits = [(job, ordinal) for job in jobs for ordinal in range(job.dependency_count)]
    for portion in portions(waits, _DEPENDENCIES_AT_ONCE):
        dependencies = services.jobs.load_dependencies(portion)
        for job, ordinal in portion:
            upstream_id = dependencies[job.job_id, ordinal].upstream_id
            needed[upstream_id] = max(needed.get(upstream_id, 0), job.expires_at_s or 0)
    upstreams = read_lean(services, list(needed), consistent=False)
    return [
        KeepIfEnded(job, needed[job_id])
        for job_id, job in upstreams.items()
        if is_due(services, job, now_ms) and _goes_before(job, needed[job_id])
    ]
