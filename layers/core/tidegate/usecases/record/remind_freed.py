"""Leaves reminders of the times to finish by of jobs that the dispatcher freed, as it may not write submissions."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.job import Job
from tidegate.usecases.bounds.reminders import remind_of_reopened
from tidegate.usecases.release.free_skipped import is_just_freed
from tidegate.usecases.services import Services


def remind_of_freed(services: Services, jobs: Sequence[Job], now_ms: int) -> None:
    """Leaves reminders for the jobs that were just freed, of `jobs` as changes brought them.

    A call that reopens a job leaves its reminder itself, before it writes. A job that such a call did not reach has
    none, and the reaper would never judge its time or that of its workflow. Costs nothing where no job was freed, and
    otherwise what `remind_of_reopened` says. Safe to repeat. Raises ServiceUnavailable or ServiceRefused.
    """
    freed = [job for job in jobs if is_just_freed(job)]
    if freed:
        remind_of_reopened(services, freed, now_ms)
