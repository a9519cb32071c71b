"""Query: jobs and workflows as they stand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tidegate.domain import limits
from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job, JobInput, workflow_job_id
from tidegate.domain.states import State
from tidegate.domain.submission import Submission
from tidegate.usecases.bounds.portions import portions
from tidegate.usecases.read.listing import (
    Listing,
    Position,
    list_group,
)
from tidegate.usecases.read.visible import (
    find_job,
    is_accepted,
    visible_jobs,
)
from tidegate.usecases.services import Services

_INPUTS_AT_ONCE = 10  # each may have 256 KB
_ROW_BYTES = 2_048  # a job's names, times and numbers
_STEP_BYTES = 160  # one line of its history
_EDGE_BYTES = 120


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
    """The job with its input, unless that is gone, and its result.

    Raises NotFound, also while its workflow is not accepted yet.
    """
    job = find_job(services, job_id)
    given = _inputs_of(services, [job])[job.job_id]
    return replace(job, input=given, result=services.jobs.load_result(job))


def list_jobs(
    services: Services, state: State, *, pool: str | None, cursor: str | None, limit: int
) -> JobPage:
    """Jobs in `state`, of one pool or of all; at most `limit` (1-200). A page may hold fewer before the end.

    A page ends early where the jobs would take more than `MAX_PAGE_BYTES`. READY jobs come most urgent first, ended
    ones latest first, all others oldest first. Raises InvalidRequest for an unknown pool or a cursor that is none. The
    index may lag: jobs that have moved on meanwhile are left out.
    """
    listing, jobs = _listed(services, state, pool=pool, cursor=cursor, limit=limit)
    page = _as_fits(services, jobs)
    last = page[-1].job_id if len(page) < len(jobs) else None
    taken = next((place for place, entry in enumerate(listing.entries, 1) if entry.job_id == last), limit)
    return JobPage(page, listing.cursor_behind(taken))


def list_without_inputs(
    services: Services, state: State, *, pool: str | None, cursor: str | None, limit: int
) -> JobPage:
    """The same as `list_jobs`, without what clients gave the jobs."""
    listing, jobs = _listed(services, state, pool=pool, cursor=cursor, limit=limit)
    return JobPage(tuple(jobs), listing.cursor_behind(limit))


def _listed(
    services: Services, state: State, *, pool: str | None, cursor: str | None, limit: int
) -> tuple[Listing, Sequence[Job]]:
    listing = list_group(services, Position.read(services, state, pool, cursor), limit)
    entries = listing.entries
    jobs = services.jobs.get_many([entry.job_id for entry in entries])
    current = [jobs[entry.job_id] for entry in entries if entry.job_id in jobs]
    return listing, list(visible_jobs(services, [job for job in current if job.state is state]))


def get_workflow(services: Services, workflow_id: str, *, cursor: str | None, limit: int) -> WorkflowPage:
    """A workflow and at most `limit` (1-200) of its jobs. Raises NotFound, also while it is not accepted yet."""
    submission = services.submissions.get(workflow_id)
    if submission is None or not is_accepted(submission):
        raise NotFound("workflow", workflow_id)
    start = int(cursor) if cursor and cursor.isdecimal() else 0
    end = min(start + limit, submission.job_count)
    ids = [workflow_job_id(workflow_id, index) for index in range(start, end)]
    jobs = services.jobs.get_many(ids)
    standing = [jobs[job_id] for job_id in ids if job_id in jobs]
    page = _as_fits(services, standing)
    if len(page) < len(standing):
        end = start + 1 + ids.index(page[-1].job_id)
    return WorkflowPage(submission, page, str(end) if end < submission.job_count else None)


def _as_fits(services: Services, jobs: Sequence[Job]) -> tuple[Job, ...]:
    """The first of the jobs with their inputs, as many as one answer has room for, and one at the least."""
    page: list[Job] = []
    page_bytes = 0
    for portion in portions(jobs, _INPUTS_AT_ONCE):
        inputs = _inputs_of(services, portion)
        for job in portion:
            whole = replace(job, input=inputs[job.job_id])
            page_bytes += _bytes_of(whole)
            if page and page_bytes > limits.MAX_PAGE_BYTES:
                return tuple(page)
            page.append(whole)
    return tuple(page)


def _inputs_of(services: Services, jobs: Sequence[Job]) -> Mapping[str, JobInput | None]:
    """Loads the jobs' inputs, by job id; None where one has passed its retention before its job."""
    try:
        return services.jobs.load_inputs(jobs)
    except NotFound:
        if len(jobs) == 1:
            return {jobs[0].job_id: None}
        return {job.job_id: _inputs_of(services, [job])[job.job_id] for job in jobs}


def _bytes_of(job: Job) -> int:
    """About what a job takes in an answer, in bytes of UTF-8."""
    given = job.input or JobInput({})
    edges = sum(_EDGE_BYTES + len((edge.condition or "").encode()) for edge in given.depends_on)
    texts = json.dumps([given.parameters, dict(job.tags), job.result], ensure_ascii=False)
    return _ROW_BYTES + edges + len(texts.encode()) + _STEP_BYTES * len(job.history)
