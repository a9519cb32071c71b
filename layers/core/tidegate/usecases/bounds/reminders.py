"""Leaves reminders of submissions that have times to finish by, for the reaper, which judges these times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidegate.domain.job import Job, submission_of
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
    """Leaves reminders of the times of jobs that are about to be reopened, and of their workflows.

    Leaves them of the times that are still to come. Costs a read of each workflow's record, up to 100 at once, and one
    write for each submission with such a time. Raises ServiceUnavailable.
    """
    workflow_ids = sorted({submission_of(job.job_id) for job in jobs if job.workflow_id is not None})
    records = services.submissions.get_many(workflow_ids) if workflow_ids else {}
    times_ms: dict[str, list[int]] = {}
    of_workflows = [(each.submission_id, each.finish_by_ms) for each in records.values()]
    of_jobs = [(submission_of(job.job_id), job.finish_by_ms) for job in jobs]
    for submission_id, at_ms in (*of_workflows, *of_jobs):
        if at_ms is not None and at_ms > now_ms:
            times_ms.setdefault(submission_id, []).append(at_ms)
    for submission_id, found_ms in times_ms.items():
        remind(services, submission_id, found_ms, now_ms)
