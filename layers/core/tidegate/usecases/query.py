"""Query: jobs and workflows as they stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job, workflow_job_id
from tidegate.domain.states import State
from tidegate.domain.submission import Submission
from tidegate.usecases.listing import Position, list_group
from tidegate.usecases.services import Services
from tidegate.usecases.visible import find_job, is_accepted, visible_jobs


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs and where the next page starts; None at the end."""

    jobs: tuple[Job, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """A workflow with some of its jobs, in the order they were submitted."""

    submission: Submission
    jobs: tuple[Job, ...]
    cursor: str | None


def get_job(services: Services, job_id: str) -> Job:
    """The job with its input and its result; raises NotFound, also while its workflow is not accepted yet."""
    job = find_job(services, job_id)
    return replace(job, input=services.jobs.load_input(job), result=services.jobs.load_result(job))


def list_jobs(
    services: Services, state: State, *, pool: str | None, cursor: str | None, limit: int
) -> JobPage:
    """Jobs in `state`, of one pool or of all; at most `limit` (1-200). A page may hold fewer before the end.

    READY jobs come most urgent first, ended ones latest first, all others oldest first. Raises InvalidRequest for an
    unknown pool or a cursor that is none. The index may lag: jobs that have moved on meanwhile are left out.
    """
    position = Position.read(services, state, pool, cursor)
    entries, following = list_group(services, position, limit)
    jobs = services.jobs.get_many([entry.job_id for entry in entries])
    current = [jobs[entry.job_id] for entry in entries if entry.job_id in jobs]
    visible = visible_jobs(services, [job for job in current if job.state is state])
    return JobPage(_with_inputs(services, visible), following)


def get_workflow(services: Services, workflow_id: str, *, cursor: str | None, limit: int) -> WorkflowPage:
    """A workflow and at most `limit` (1-200) of its jobs. Raises NotFound, also while it is not accepted yet."""
    submission = services.submissions.get(workflow_id)
    if submission is None or not is_accepted(submission):
        raise NotFound("workflow", workflow_id)
    start = int(cursor) if cursor and cursor.isdecimal() else 0
    end = min(start + limit, submission.job_count)
    ids = [workflow_job_id(workflow_id, index) for index in range(start, end)]
    jobs = services.jobs.get_many(ids)
    page = _with_inputs(services, [jobs[job_id] for job_id in ids if job_id in jobs])
    return WorkflowPage(submission, page, str(end) if end < submission.job_count else None)


def _with_inputs(services: Services, jobs: Iterable[Job]) -> tuple[Job, ...]:
    loaded = list(jobs)
    inputs = services.jobs.load_inputs(loaded)
    return tuple(replace(job, input=inputs[job.job_id]) for job in loaded)
