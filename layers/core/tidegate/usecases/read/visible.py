"""Hides the jobs of workflows that are not accepted yet: they are in the store, but clients must not see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job, submission_of
from tidegate.domain.states import State
from tidegate.domain.submission import Phase, Submission
from tidegate.usecases.services import Services

_ACCEPTED = frozenset({Phase.COMMITTED, Phase.COMPLETE})


def is_accepted(submission: Submission | None) -> bool:
    """True if the workflow exists for clients: its submission is COMMITTED or COMPLETE."""
    return submission is not None and submission.phase in _ACCEPTED


def visible_jobs(services: Services, jobs: Iterable[Job]) -> Iterator[Job]:
    """Yields the jobs except those of workflows that are not accepted.

    Only PENDING jobs that were never reopened, and none of whose dependencies is satisfied yet, can belong to such a
    workflow. So other jobs cost no read, and the workflows in doubt are read together. Raises ServiceUnavailable.
    """
    found = list(jobs)
    in_doubt = dict.fromkeys(submission_of(job.job_id) for job in found if _may_be_staged(job))
    submissions = services.submissions.get_many(list(in_doubt)) if in_doubt else {}
    for job in found:
        if not _may_be_staged(job) or is_accepted(submissions.get(submission_of(job.job_id))):
            yield job


def _may_be_staged(job: Job) -> bool:
    return (
        job.state is State.PENDING
        and job.workflow_id is not None
        and not job.reopened
        and len(job.waiting_on) == job.dependency_count
    )


def find_job(services: Services, job_id: str) -> Job:
    """Returns the job by a consistent read. Raises NotFound, also while its workflow is not accepted yet."""
    job = services.jobs.get(job_id, consistent=True)
    if job is None or not list(visible_jobs(services, [job])):
        raise NotFound("job", job_id)
    return job


def find_workflow(services: Services, workflow_id: str) -> Submission:
    """Returns the workflow's submission. Raises NotFound, also while it is not accepted yet; ServiceUnavailable."""
    submission = services.submissions.get(workflow_id)
    if submission is None or not is_accepted(submission):
        raise NotFound("workflow", workflow_id)
    return submission
