"""Reads jobs and workflows for clients, one by one or in pages.

A page is bounded by the number of jobs and by `MAX_PAGE_BYTES`. Jobs of a workflow that is not accepted yet are hidden.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, NotFound
from tidegate.domain.job import Job, JobInput, workflow_job_id
from tidegate.domain.states import State
from tidegate.domain.submission import Submission
from tidegate.usecases.bounds.portions import portions
from tidegate.usecases.read.listing import Listing, Position, list_group
from tidegate.usecases.read.visible import find_job, is_accepted, visible_jobs
from tidegate.usecases.services import Services

_INPUTS_AT_ONCE = 10  # inputs of up to 256 KB each
_ROW_BYTES = 2_048  # for a job's names, times and numbers
_STEP_BYTES = 160  # one line of its history
_EDGE_BYTES = 120
_INDEX = re.compile("[0-9]{1,5}")  # of a job in its workflow


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs and the cursor of the next page; None at the end."""

    jobs: tuple[Job, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """A workflow, some of its jobs in the order of submission, and the cursor of the next page; None at the end."""

    submission: Submission
    jobs: tuple[Job, ...]
    cursor: str | None


def get_job(services: Services, job_id: str) -> Job:
    """Returns the job with its result and its input; the input is None if it has passed its retention.

    Raises NotFound, also while the job's workflow is not accepted yet; ServiceUnavailable.
    """
    job = find_job(services, job_id)
    given = _inputs_of(services, [job])[job.job_id]
    return replace(job, input=given, result=services.jobs.load_result(job))


def list_jobs(
    services: Services, state: State, *, pool: str | None, cursor: str | None, limit: int
) -> JobPage:
    """Returns a page of at most `limit` (1-200) jobs in `state`, of one pool or, if `pool` is None, of all.

    READY jobs come most urgent first, ended jobs latest first, all others oldest first. A page may hold fewer jobs
    before the end: the index may lag, and jobs that have left the state are left out. A page also ends early if the
    jobs would take more than `MAX_PAGE_BYTES`.
    Raises InvalidRequest for an unknown pool or a malformed cursor; ServiceUnavailable.
    """
    listing, jobs = _listed(services, state, pool=pool, cursor=cursor, limit=limit)
    page = _as_fits(services, jobs)
    last = page[-1].job_id if len(page) < len(jobs) else None
    taken = next((place for place, entry in enumerate(listing.entries, 1) if entry.job_id == last), limit)
    return JobPage(page, listing.cursor_behind(taken))


def list_without_inputs(
    services: Services, state: State, *, pool: str | None, cursor: str | None, limit: int
) -> JobPage:
    """Returns the same as `list_jobs`, but without the jobs' inputs and without a bound in bytes."""
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
    """Returns a workflow and a page of at most `limit` (1-200) of its jobs, in the order of submission.

    Jobs that have passed their retention are left out. Raises NotFound, also while the workflow is not accepted yet;
    InvalidRequest for a malformed cursor; ServiceUnavailable.
    """
    if cursor is not None and not _INDEX.fullmatch(cursor):
        raise InvalidRequest.of("cursor", "is not a cursor of this workflow; leave it out to start over")
    submission = services.submissions.get(workflow_id)
    if submission is None or not is_accepted(submission):
        raise NotFound("workflow", workflow_id)
    start = int(cursor) if cursor is not None else 0
    end = min(start + limit, submission.job_count)
    ids = [workflow_job_id(workflow_id, index) for index in range(start, end)]
    jobs = services.jobs.get_many(ids)
    standing = [jobs[job_id] for job_id in ids if job_id in jobs]
    page = _as_fits(services, standing)
    if len(page) < len(standing):
        end = start + 1 + ids.index(page[-1].job_id)
    return WorkflowPage(submission, page, str(end) if end < submission.job_count else None)


def _as_fits(services: Services, jobs: Sequence[Job]) -> tuple[Job, ...]:
    """Returns the first of the jobs with their inputs, as many as fit into `MAX_PAGE_BYTES`, but at least one."""
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
    """Loads the jobs' inputs, by job id; None for an input that has passed its retention before its job."""
    try:
        return services.jobs.load_inputs(jobs)
    except NotFound:
        if len(jobs) == 1:
            return {jobs[0].job_id: None}
        return {job.job_id: _inputs_of(services, [job])[job.job_id] for job in jobs}


def _bytes_of(job: Job) -> int:
    """Estimates the size of a job in an answer, in bytes of UTF-8."""
    given = job.input or JobInput({})
    edges = sum(_EDGE_BYTES + len((edge.condition or "").encode()) for edge in given.depends_on)
    texts = json.dumps([given.parameters, dict(job.tags), job.result], ensure_ascii=False)
    return _ROW_BYTES + edges + len(texts.encode()) + _STEP_BYTES * len(job.history)
