"""Leaves reminders of submissions that have times to finish by, for the reaper, which judges these times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidegate.domain.job import Job, submission_of
from tidegate.domain.submission import Submission
from tidegate.ports import Reminder
from tidegate.usecases.services import Services


def remind(services: Services, submission_id: str, times_ms: Iterable[int | None], now_ms: int) -> None:
    """Leaves a reminder of the first of these times, in milliseconds since the epoch; none where all are None.

    It is left before the times are written, so that no time is without one. The reaper removes a reminder of times that
    were never written. Costs one write of an item and its entry in an index. Raises ServiceUnavailable.
    """
    first_ms = min((at_ms for at_ms in times_ms if at_ms is not None), default=None)
    if first_ms is not None:
        services.submissions.remind(Reminder(first_ms, submission_id), now_ms)


def remind_of_reopened(services: Services, jobs: Sequence[Job], now_ms: int) -> None:
    """Leaves reminders of the times of jobs that are about to be reopened, as far as these are still to come.

    Costs one write for each submission of a job with such a time. Raises ServiceUnavailable.
    """
    times_ms: dict[str, list[int]] = {}
    for job in jobs:
        if job.finish_by_ms is not None and job.finish_by_ms > now_ms:
            times_ms.setdefault(submission_of(job.job_id), []).append(job.finish_by_ms)
    for submission_id, found_ms in times_ms.items():
        remind(services, submission_id, found_ms, now_ms)


def remind_of_workflow(services: Services, submission: Submission | None, now_ms: int) -> None:
    """Leaves a reminder of the time of a workflow of which jobs are about to be reopened, if it is still to come."""
    if submission is not None and (submission.finish_by_ms or 0) > now_ms:
        remind(services, submission.submission_id, [submission.finish_by_ms], now_ms)
