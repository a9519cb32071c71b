"""Says what a cancellation, a retry, a rerun or a redrive would do now, and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain import limits
from tidegate.domain.callers import Caller
from tidegate.domain.errors import AlreadyEnded, NotRetryable, TooFarDownstream
from tidegate.domain.job import Job
from tidegate.domain.job_query import JobQuery
from tidegate.domain.lives import may_be_reopened
from tidegate.domain.retry import UNDELIVERABLE
from tidegate.domain.states import REOPENABLE, State
from tidegate.usecases.bounds.portions import JOBS_AT_ONCE
from tidegate.usecases.callers.ownership import refuse_foreign_jobs, refuse_foreign_workflow
from tidegate.usecases.read.find_jobs import find_jobs
from tidegate.usecases.read.status import check_standing_pool
from tidegate.usecases.read.visible import find_job, find_workflow
from tidegate.usecases.recover.cancel import Cancelled
from tidegate.usecases.recover.redrive import Redriven
from tidegate.usecases.recover.reopen import FAILED_ITSELF, Reopened
from tidegate.usecases.recover.whole_workflow import read_jobs_of
from tidegate.usecases.release.downstream import downstream_of
from tidegate.usecases.services import Services


def would_cancel(
    services: Services, job_id: str, *, downstream: bool, caller: Caller
) -> tuple[Job, Cancelled]:
    """Returns the job, and how many others a cancellation would cancel, ask to stop and find ended.

    Raises NotFound; NotYours; AlreadyEnded as the cancellation does; TooFarDownstream.
    """
    job = find_job(services, job_id)
    if not downstream:
        refuse_foreign_jobs(services, caller, [job])
        if job.is_terminal and job.state is not State.CANCELLED:
            raise AlreadyEnded(job_id, job.state)
        return job, Cancelled(0, 0, 0)
    found = downstream_of(services, [job])
    if not found.complete:
        raise TooFarDownstream(job_id, len(found.jobs))
    refuse_foreign_jobs(services, caller, [job, *(each for each in found.jobs if not each.is_terminal)])
    return job, would_cancel_all(found.jobs)


def would_cancel_all(jobs: Sequence[Job]) -> Cancelled:
    """Counts what a cancellation would do to these jobs."""
    ended = sum(job.is_terminal for job in jobs)
    asked = sum(job.state is State.RUNNING for job in jobs)
    return Cancelled(len(jobs) - ended - asked, asked, ended)


def would_cancel_workflow(services: Services, workflow_id: str, *, caller: Caller) -> Cancelled:
    """Counts the jobs of a workflow that a cancellation would cancel, ask to stop and find ended.

    Reads all jobs of the workflow, at most 10,000. Raises NotFound; NotYours; ServiceUnavailable.
    """
    return would_cancel_all(_all_jobs(services, workflow_id, caller))


def would_retry(
    services: Services, job_id: str, *, reopen_skipped: bool, caller: Caller
) -> tuple[Job, Reopened]:
    """Returns the job, and how many jobs a retry would open.

    Raises NotFound; NotYours; NotRetryable as the retry does.
    """
    job = find_job(services, job_id)
    refuse_foreign_jobs(services, caller, [job])
    if job.state not in REOPENABLE:
        why = "has succeeded; rerun it to run it again" if job.is_terminal else f"is {job.state}"
        raise NotRetryable(job_id, why)
    if not may_be_reopened(job.history):
        raise NotRetryable(
            job_id, f"ran again after {limits.MAX_REOPENINGS} reopenings, the most allowed; submit a new job"
        )
    if not reopen_skipped:
        return job, Reopened(1, 0, 0, complete=True)

    def step(reached: Sequence[tuple[Job, frozenset[str]]]) -> Sequence[Job]:
        return [each for each, causes in reached if _was_skipped_for(each, causes)]

    found = downstream_of(services, [job], step)
    able = sum(may_be_reopened(each.history) for each in found.jobs)
    return job, Reopened(1 + able, len(found.jobs) - able, 0, complete=found.complete)


def _was_skipped_for(job: Job, causes: frozenset[str]) -> bool:
    return job.state is State.SKIPPED and job.failure is not None and job.failure.upstream_id in causes


def would_rerun_workflow(services: Services, workflow_id: str, *, caller: Caller) -> Reopened:
    """Counts the jobs of a workflow that a rerun would open: its failures, and the jobs skipped because of them.

    Reads all jobs of the workflow, at most 10,000. Raises NotFound; NotYours; ServiceUnavailable.
    """
    jobs = _all_jobs(services, workflow_id, caller)
    opened = {job.job_id: job for job in jobs if job.state in FAILED_ITSELF}
    layer = frozenset(opened)
    while layer:
        freed = {job.job_id: job for job in jobs if job.job_id not in opened and _was_skipped_for(job, layer)}
        opened |= freed
        layer = frozenset(freed)
    able = sum(may_be_reopened(job.history) for job in opened.values())
    return Reopened(able, len(opened) - able, 0, complete=True)


def _all_jobs(services: Services, workflow_id: str, caller: Caller) -> list[Job]:
    """Reads all jobs of a workflow. Raises NotFound, also while it is not accepted yet, and NotYours."""
    submission = find_workflow(services, workflow_id)
    refuse_foreign_workflow(services, caller, submission)
    jobs: list[Job] = []
    for first in range(0, submission.job_count, JOBS_AT_ONCE):
        jobs += read_jobs_of(
            services, workflow_id, range(first, min(first + JOBS_AT_ONCE, submission.job_count))
        )
    return jobs


def would_redrive(services: Services, pool: str, *, cursor: str | None, limit: int, now_ms: int) -> Redriven:
    """Counts the undeliverable jobs in a page of at most `limit` (1-200) failed jobs of a pool.

    Raises UnknownName for an unknown pool; InvalidRequest for a malformed cursor.
    """
    check_standing_pool(services, pool)
    failed = JobQuery(states=(State.FAILED,), pool=pool)
    page = find_jobs(services, failed, cursor=cursor, limit=limit, now_ms=now_ms)
    redriven = sum(
        job.failure is not None and job.failure.code == UNDELIVERABLE and may_be_reopened(job.history)
        for job in page.jobs
    )
    return Redriven(redriven, len(page.jobs), page.cursor)
