"""Whole workflow: an accepted workflow, whatever of it is still to be written."""

from __future__ import annotations

from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job, workflow_job_id
from tidegate.domain.submission import Phase, Submission
from tidegate.usecases.bounds.portions import read_lean
from tidegate.usecases.read.visible import is_accepted
from tidegate.usecases.services import Services
from tidegate.usecases.submit.finish_submission import finish_submission


def accepted_workflow(services: Services, workflow_id: str, now_ms: int) -> Submission:
    """Reads a workflow's submission, and writes first what its submitter has not written yet.

    So no job of it comes to stand after the caller has dealt with the others. Raises NotFound, also while the workflow
    is not accepted yet.
    """
    submission = services.submissions.get(workflow_id)
    if submission is None or not is_accepted(submission):
        raise NotFound("workflow", workflow_id)
    if submission.phase is Phase.COMMITTED:
        finish_submission(services, workflow_id, services.submissions.load_plan(workflow_id), now_ms)
    return submission


def read_jobs_of(services: Services, workflow_id: str, places: range) -> list[Job]:
    """Reads the jobs at some places (from 0) of a workflow, in that order, without those past their retention.

    They are lean (`domain.job.lean`), and read consistently: some may have been written or reopened a moment ago.
    """
    ids = [workflow_job_id(workflow_id, place) for place in places]
    jobs = read_lean(services, ids)
    return [jobs[job_id] for job_id in ids if job_id in jobs]
