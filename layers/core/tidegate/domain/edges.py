"""Whether and when a dependency was satisfied, as far as a job and its upstream still show it."""

from __future__ import annotations

from tidegate.domain.dependency import DependencyType, Verdict, judge
from tidegate.domain.job import Job
from tidegate.domain.states import State

_LEFT_PENDING = frozenset({State.SCHEDULED, State.READY})


def was_released(job: Job) -> bool:
    """Tells whether all dependencies of the job were satisfied in its present life."""
    released = False
    for entry in job.history:
        released = entry.state in _LEFT_PENDING or (released and entry.state is not State.PENDING)
    return released


def is_satisfied(job: Job, ordinal: int, kind: DependencyType, upstream: Job | None) -> bool | None:
    """Tells whether the dependency `ordinal` of the job is satisfied; None where that can't be told any more.

    A job that ended before all of its dependencies were satisfied no longer says which were. The upstream is judged
    then. It can't tell the outcome of a condition.
    """
    if job.state is State.PENDING:
        return ordinal not in job.waiting_on
    if was_released(job):
        return True
    if upstream is None:
        return None
    verdict = judge(kind, upstream.state, upstream.was_started)
    return None if verdict is Verdict.EVALUATE else verdict is Verdict.SATISFIED


def satisfied_at_ms(kind: DependencyType, upstream: Job | None) -> int | None:
    """Returns when the upstream decided a satisfied dependency, in milliseconds since the epoch.

    It is the start of the upstream's code for MUST_START, else its end. None where the upstream no longer shows it,
    because it has passed its retention or was reopened.
    """
    if upstream is None:
        return None
    if kind is DependencyType.MUST_START:
        return upstream.began_at_ms or upstream.finished_at_ms
    return upstream.finished_at_ms
