"""Reads an accepted workflow as a whole, for calls that act on all of its jobs."""

from __future__ import annotations

from tidegate.domain.job import Job, workflow_job_id
from tidegate.domain.submission import Phase, Submission
from tidegate.usecases.bounds.portions import read_lean
from tidegate.usecases.read.visible import find_workflow
from tidegate.usecases.services import Services
from tidegate.usecases.submit.finish_submission import finish_submission


def accepted_workflow(services: Services, workflow_id: str, now_ms: int) -> Submission:
    """Returns a workflow's submission, after writing the jobs that its submission has not written yet.

    Otherwise a job could be written after the caller has acted on the others. Raises NotFound, also while the workflow
    is not accepted yet; ServiceUnavailable or ServiceRefused.
    """
    submission = find_workflow(services, workflow_id)
    if submission.phase is Phase.COMMITTED:
        finish_submission(services, workflow_id, services.submissions.load_plan(workflow_id), now_ms)
    return submission


def read_jobs_of(services: Services, workflow_id: str, places: range) -> list[Job]:
    """Reads the jobs of a workflow at the indexes `places` (from 0), in that order.

    Jobs that have passed their retention are left out. The jobs are lean (`domain.job.lean`), and read consistently,
    because some may have been written or reopened a moment ago. Raises ServiceUnavailable.
    """
    ids = [workflow_job_id(workflow_id, place) for place in places]
    jobs = read_lean(services, ids)
    return [jobs[job_id] for job_id in ids if job_id in jobs]
