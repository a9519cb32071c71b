"""Whole workflow: every job of an accepted workflow, whatever of it is still to be written."""

from __future__ import annotations

from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job, workflow_job_id
from tidegate.domain.submission import Phase, Submission
from tidegate.usecases.finish_submission import finish_submission
from tidegate.usecases.portions import read_lean
from tidegate.usecases.services import Services
from tidegate.usecases.visible import is_accepted


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


def whole_workflow(services: Services, workflow_id: str, now_ms: int) -> list[Job]:
    """The jobs of a workflow in the order they were submitted, without those that have passed their retention.

    They are lean (`domain.job.lean`): there may be 10,000 of them. Raises NotFound, also while the workflow is not
    accepted yet.
    """
    submission = accepted_workflow(services, workflow_id, now_ms)
    ids = [workflow_job_id(workflow_id, index) for index in range(submission.job_count)]
    jobs = read_lean(services, ids)  # consistently: some may have been written or reopened a moment ago
    return [jobs[job_id] for job_id in ids if job_id in jobs]
