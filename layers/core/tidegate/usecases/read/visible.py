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

    Only PENDING jobs that were never reopened can belong to such a workflow. So other jobs cost no read, and each
    workflow in doubt is read once. Raises ServiceUnavailable.
    """
    accepted: dict[str, bool] = {}
    for job in jobs:
        if job.state is State.PENDING and job.workflow_id is not None and not job.reopened:
            submission_id = submission_of(job.job_id)
            if submission_id not in accepted:
                accepted[submission_id] = is_accepted(services.submissions.get(submission_id))
            if not accepted[submission_id]:
                continue
        yield job


def find_job(services: Services, job_id: str) -> Job:
    """Returns the job by a consistent read. Raises NotFound, also while its workflow is not accepted yet."""
    job = services.jobs.get(job_id, consistent=True)
    if job is None or not list(visible_jobs(services, [job])):
        raise NotFound("job", job_id)
    return job
