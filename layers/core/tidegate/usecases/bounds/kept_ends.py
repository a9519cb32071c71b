"""Writes transitions that take an end of a job out of the index, after the end is kept for counting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidegate.domain.job import Job
from tidegate.domain.transitions import (
    MarkUnlessDispatched,
    ReopenIfEnded,
    RerunUnlessDispatched,
    Transition,
)
from tidegate.usecases.services import Services

_LEAVING = ReopenIfEnded | RerunUnlessDispatched | MarkUnlessDispatched


def apply_leaving(services: Services, transition: Transition) -> Job:
    """Keeps the job's end if the transition leaves one, then writes the transition; returns the job after it.

    The end is true whether or not the transition is then refused, because the job was read as ended. Raises what
    `JobStore.apply` raises, and ServiceUnavailable or ServiceRefused if the end could not be kept.
    """
    keep_ends_left(services, [transition])
    return services.jobs.apply(transition)


def keep_ends_left(services: Services, transitions: Sequence[Transition]) -> None:
    """Keeps every end that one of the transitions leaves. Costs nothing where none does.

    Raises ServiceUnavailable or ServiceRefused if some could not be kept. None of the transitions may then be written.
    """
    left = list(_jobs_leaving_an_end(transitions))
    if left:
        services.kept_ends.keep(left)


def _jobs_leaving_an_end(transitions: Iterable[Transition]) -> Iterable[Job]:
    for transition in transitions:
        if isinstance(transition, _LEAVING) and transition.job.is_terminal:
            yield transition.job
