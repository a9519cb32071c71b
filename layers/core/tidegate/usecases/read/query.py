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
from tidegate.domain.job_query import JobQuery
from tidegate.domain.submission import Submission
from tidegate.usecases.bounds.portions import portions
from tidegate.usecases.read.find_jobs import find_jobs
from tidegate.usecases.read.visible import find_job, find_workflow
from tidegate.usecases.services import Services

_INPUTS_AT_ONCE = 10  # inputs of up to 256 KB each
_ROW_BYTES = 2_048  # for a job's names, times and numbers
_STEP_BYTES = 160  # one line of its history
_EDGE_BYTES = 120
_INDEX = re.compile("[0-9]{1,5}")  # of a job in its workflow


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, the cursor of the next page (None at the end), and how many entries of the index were looked at."""

    jobs: tuple[Job, ...]
    cursor: str | None
    looked_at: int


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """A workflow, some of its jobs in the order of submission, and the cursor of the next page; None at the end."""

    submission: Submission
    jobs: tuple[Job, ...]
    cursor: str | None


def get_job(services: Services, job_id: str, *, whole: bool = True) -> Job:
    """Returns the job with its result and its input; the input is None if it has passed its retention.

    Without `whole` an overflowed input and an overflowed result are not read. Raises NotFound, also while the job's
    workflow is not accepted yet; ServiceUnavailable.
    """
    job = find_job(services, job_id)
    if not whole:
        return job
    given = _inputs_of(services, [job])[job.job_id]
    return replace(job, input=given, result=services.jobs.load_result(job))


def list_jobs(
    services: Services, query: JobQuery, *, cursor: str | None, limit: int, now_ms: int, whole: bool = False
) -> JobPage:
    """Returns a page of at most `limit` (1-200) jobs; see `find_jobs` for the order, the cost and the errors.

    The jobs of a `whole` page have their inputs, and the page also ends early if they would take more than
    `MAX_PAGE_BYTES`.
    """
    found = find_jobs(services, query, cursor=cursor, limit=limit, now_ms=now_ms)
    jobs = _as_fits(services, found.jobs) if whole else found.jobs
    return JobPage(jobs, found.cursor_behind(len(jobs)), found.looked_at)


def get_workflow(services: Services, workflow_id: str, *, cursor: str | None, limit: int) -> WorkflowPage:
    """Returns a workflow and a page of at most `limit` (1-200) of its jobs, in the order of submission.

    Jobs that have passed their retention are left out. Raises NotFound, also while the workflow is not accepted yet;
    InvalidRequest for a malformed cursor; ServiceUnavailable.
    """
    if cursor is not None and not _INDEX.fullmatch(cursor):
        raise InvalidRequest.of("cursor", "is not a cursor of this workflow; leave it out to start over")
    submission = find_workflow(services, workflow_id)
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
    printed = sum(len(line.encode()) for line in job.failure.last_lines) if job.failure else 0
    return _ROW_BYTES + edges + len(texts.encode()) + printed + _STEP_BYTES * len(job.history)
