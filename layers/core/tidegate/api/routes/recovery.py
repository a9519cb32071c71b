"""The routes that cancel jobs and that retry them by hand."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, job_view
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import (
    JOB_ID,
    ULID,
    body_of,
    deps_of,
    id_of,
    limit_of,
    refuse_other_parameters,
    until_of,
)
from tidegate.contracts.act_requests import read_dry_run, read_mark_job
from tidegate.contracts.requests import read_cancel_job, read_retry_job
from tidegate.contracts.responses import (
    CancelledJobOut,
    CancelledOut,
    CancelledWorkflowOut,
    MarkedJobOut,
    RedrivenOut,
    ReopeningOut,
    RerunOut,
    RetriedJobOut,
)
from tidegate.domain.audit import Details
from tidegate.domain.states import State
from tidegate.usecases.callers.changed import job_after, job_before
from tidegate.usecases.recover import cancel, foreseen, mark, redrive, reopen

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.post("/v1/jobs/<job_id>/cancel")
def cancel_job(job_id: str) -> Response[str]:
    """Cancels a job, or asks its worker to stop it; with `downstream` also all jobs that wait on it.

    Answers 200 where every job has ended, else 202.
    """
    id_of("job", job_id, JOB_ID)
    refuse_other_parameters(router)
    options, deps, caller = read_cancel_job(body_of(router)), deps_of(router), caller_of(router)
    now_ms = deps.clock.now_ms()
    if options.dry_run:
        job, others = foreseen.would_cancel(
            deps.services, job_id, downstream=options.downstream, caller=caller
        )
        return _foreseen({**job_view(router, job), "downstream": _cancelled(others)})
    if not options.downstream:
        with audited_act(router, "job.cancel", job_id) as record:
            job = cancel.cancel_job(deps.services, job_id, caller=caller, now_ms=now_ms)
            record.change(before=job_before(job, caller, now_ms), after=job_after(job))
        status = HTTPStatus.OK if job.is_terminal else HTTPStatus.ACCEPTED
        return answer_with(status, job_view(router, job))
    with audited_act(router, "job.cancel", job_id) as record:
        job, others = cancel.cancel_downstream(
            deps.services, job_id, caller=caller, now_ms=now_ms, until=until_of(router)
        )
        record.change(before=job_before(job, caller, now_ms), after=job_after(job))
        record.change(after=_cancelled_details(others))
    is_over = job.is_terminal and not others.asked and not others.left
    answer: CancelledJobOut = {**job_view(router, job), "downstream": _cancelled(others)}
    return answer_with(HTTPStatus.OK if is_over else HTTPStatus.ACCEPTED, answer)


def _cancelled(found: cancel.Cancelled) -> CancelledOut:
    return {
        "cancelled": found.cancelled,
        "asked": found.asked,
        "ended": found.ended,
        "left": found.left,
        "complete": not found.left,
    }


def _cancelled_details(found: cancel.Cancelled) -> Details:
    return {"cancelled": found.cancelled, "asked": found.asked, "left": found.left}


@router.post("/v1/jobs/<job_id>/retry")
def retry_job(job_id: str) -> Response[str]:
    """Reopens a job that ended without success."""
    id_of("job", job_id, JOB_ID)
    refuse_other_parameters(router)
    options, deps, caller = read_retry_job(body_of(router)), deps_of(router), caller_of(router)
    if options.dry_run:
        job, reopening = foreseen.would_retry(
            deps.services, job_id, reopen_skipped=options.reopen_skipped, caller=caller
        )
        return _foreseen({**job_view(router, job), "reopening": _reopened(reopening)})
    now_ms = deps.clock.now_ms()
    with audited_act(router, "job.retry", job_id) as record:
        job, reopening = reopen.retry_job(
            deps.services,
            job_id,
            reopen_skipped=options.reopen_skipped,
            caller=caller,
            now_ms=now_ms,
            until=until_of(router),
        )
        record.change(before=job_before(job, caller, now_ms), after=job_after(job))
        record.change(after={"reopened_jobs": reopening.reopened})
    answer: RetriedJobOut = {**job_view(router, job), "reopening": _reopened(reopening)}
    return answer_with(HTTPStatus.OK, answer)


@router.post("/v1/jobs/<job_id>/mark")
def mark_job(job_id: str) -> Response[str]:
    """Ends a job by hand as succeeded or skipped."""
    id_of("job", job_id, JOB_ID)
    refuse_other_parameters(router)
    asked, deps, caller = read_mark_job(body_of(router)), deps_of(router), caller_of(router)
    now_ms = deps.clock.now_ms()
    with audited_act(router, "job.mark", job_id) as record:
        job, reopening = mark.mark_job(
            deps.services,
            job_id,
            mark.Mark(State(asked.state), asked.reason),
            caller=caller,
            now_ms=now_ms,
            until=until_of(router),
        )
        record.change(before=job_before(job, caller, now_ms), after=job_after(job))
        record.change(after={"others_reopened": reopening.reopened})
    answer: MarkedJobOut = {**job_view(router, job), "reopening": _reopened(reopening)}
    return answer_with(HTTPStatus.OK, answer)


def _reopened(found: reopen.Reopened) -> ReopeningOut:
    return {
        "reopened": found.reopened,
        "left_at_limit": found.left_at_limit,
        "left_without_upstream": found.left_without_upstream,
        "complete": found.complete,
    }


@router.post("/v1/workflows/<workflow_id>/cancel")
def cancel_workflow(workflow_id: str) -> Response[str]:
    """Cancels every job of a workflow that has not ended. Answers 202 while some of them have not ended, else 200."""
    id_of("workflow", workflow_id, ULID)
    refuse_other_parameters(router, "cursor")
    dry_run, deps = read_dry_run(body_of(router)), deps_of(router)
    if dry_run:
        would = foreseen.would_cancel_workflow(deps.services, workflow_id, caller=caller_of(router))
        return _foreseen({"workflow_id": workflow_id, **_cancelled(would), "cursor": None})
    with audited_act(router, "workflow.cancel", workflow_id) as record:
        found = cancel.cancel_workflow(
            deps.services,
            workflow_id,
            caller=caller_of(router),
            now_ms=deps.clock.now_ms(),
            cursor=cursor_of(router),
            until=until_of(router),
        )
        record.change(after=_cancelled_details(found))
    status = HTTPStatus.ACCEPTED if found.asked or found.left else HTTPStatus.OK
    answer: CancelledWorkflowOut = {
        "workflow_id": workflow_id,
        **_cancelled(found),
        "cursor": next_cursor(router, found.cursor),
    }
    return answer_with(status, answer)


@router.post("/v1/workflows/<workflow_id>/rerun")
def rerun_workflow(workflow_id: str) -> Response[str]:
    """Reopens the failed, timed out and cancelled jobs of a workflow, and the jobs skipped because of them."""
    id_of("workflow", workflow_id, ULID)
    refuse_other_parameters(router, "cursor")
    dry_run, deps = read_dry_run(body_of(router)), deps_of(router)
    if dry_run:
        would = foreseen.would_rerun_workflow(deps.services, workflow_id, caller=caller_of(router))
        return _foreseen({"workflow_id": workflow_id, **_reopened(would), "cursor": None})
    with audited_act(router, "workflow.rerun", workflow_id) as record:
        found = reopen.rerun_workflow(
            deps.services,
            workflow_id,
            caller=caller_of(router),
            now_ms=deps.clock.now_ms(),
            cursor=cursor_of(router),
            until=until_of(router),
        )
        record.change(after={"reopened_jobs": found.reopened, "complete": found.complete})
    answer: RerunOut = {
        "workflow_id": workflow_id,
        **_reopened(found),
        "cursor": next_cursor(router, found.cursor),
    }
    return answer_with(HTTPStatus.OK, answer)


@router.post("/v1/pools/<pool>/redrive")
def redrive_pool(pool: str) -> Response[str]:
    """Reopens one page of a pool's undeliverable jobs."""
    refuse_other_parameters(router, "limit", "cursor")
    dry_run, deps = read_dry_run(body_of(router)), deps_of(router)
    cursor, limit = cursor_of(router), limit_of(router)
    if dry_run:
        would = foreseen.would_redrive(
            deps.services, pool, cursor=cursor, limit=limit, now_ms=deps.clock.now_ms()
        )
        return _foreseen(_redriven(pool, would))
    with audited_act(router, "pool.redrive", pool) as record:
        found = redrive.redrive_pool(
            deps.services,
            pool,
            cursor=cursor,
            limit=limit,
            caller=caller_of(router),
            now_ms=deps.clock.now_ms(),
            until=until_of(router),
        )
        record.change(after={"redriven": found.redriven, "looked_at": found.looked_at})
    return answer_with(HTTPStatus.OK, _redriven(pool, found))


def _redriven(pool: str, found: redrive.Redriven) -> RedrivenOut:
    return {
        "pool": pool,
        "redriven": found.redriven,
        "looked_at": found.looked_at,
        "cursor": next_cursor(router, found.cursor),
    }


def _foreseen(answer: Mapping[str, Any]) -> Response[str]:
    """Returns the answer that says what an act would do. A job in it is shown as it is now."""
    return answer_with(HTTPStatus.OK, {**answer, "dry_run": True})


refuse_other_methods(router, "/v1/jobs/<job_id>/cancel", "POST")
refuse_other_methods(router, "/v1/jobs/<job_id>/retry", "POST")
refuse_other_methods(router, "/v1/jobs/<job_id>/mark", "POST")
refuse_other_methods(router, "/v1/workflows/<workflow_id>/cancel", "POST")
refuse_other_methods(router, "/v1/workflows/<workflow_id>/rerun", "POST")
refuse_other_methods(router, "/v1/pools/<pool>/redrive", "POST")
