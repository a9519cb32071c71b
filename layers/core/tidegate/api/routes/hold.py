"""The routes that put waiting jobs on hold, and take them off hold."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

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
    refuse_other_parameters,
    until_of,
)
from tidegate.contracts.requests import read_no_options
from tidegate.contracts.responses import OnHoldOut
from tidegate.domain.audit import Details
from tidegate.domain.job import Job
from tidegate.usecases.callers.changed import job_before
from tidegate.usecases.recover import hold

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.post("/v1/jobs/<job_id>/hold")
def hold_job(job_id: str) -> Response[str]:
    """Puts a waiting job on hold."""
    return _act_on_job("job.hold", job_id, hold.hold_job)


@router.post("/v1/jobs/<job_id>/unhold")
def unhold_job(job_id: str) -> Response[str]:
    """Takes a job off hold."""
    return _act_on_job("job.unhold", job_id, hold.unhold_job)


def _act_on_job(act: str, job_id: str, do: Callable[..., Job]) -> Response[str]:
    id_of("job", job_id, JOB_ID)
    refuse_other_parameters(router)
    read_no_options(body_of(router))
    deps, caller = deps_of(router), caller_of(router)
    now_ms = deps.clock.now_ms()
    with audited_act(router, act, job_id) as record:
        job = do(deps.services, job_id, caller=caller, now_ms=now_ms)
        after: Details = {"state": str(job.state), "on_hold": job.on_hold, "amended": job.amended}
        record.change(before=job_before(job, caller, now_ms), after=after)
    return answer_with(HTTPStatus.OK, job_view(router, job))


@router.post("/v1/workflows/<workflow_id>/hold")
def hold_workflow(workflow_id: str) -> Response[str]:
    """Puts every waiting job of a workflow on hold."""
    return _act_on_workflow("workflow.hold", workflow_id, hold.hold_workflow)


@router.post("/v1/workflows/<workflow_id>/unhold")
def unhold_workflow(workflow_id: str) -> Response[str]:
    """Takes every job of a workflow off hold."""
    return _act_on_workflow("workflow.unhold", workflow_id, hold.unhold_workflow)


def _act_on_workflow(act: str, workflow_id: str, do: Callable[..., hold.OnHold]) -> Response[str]:
    id_of("workflow", workflow_id, ULID)
    refuse_other_parameters(router, "cursor")
    read_no_options(body_of(router))
    deps = deps_of(router)
    with audited_act(router, act, workflow_id) as record:
        found = do(
            deps.services,
            workflow_id,
            caller=caller_of(router),
            now_ms=deps.clock.now_ms(),
            cursor=cursor_of(router),
            until=until_of(router),
        )
        record.change(after={"changed": found.changed, "left": found.left})
    answer: OnHoldOut = {
        "workflow_id": workflow_id,
        "changed": found.changed,
        "same": found.same,
        "dispatched": found.dispatched,
        "ended": found.ended,
        "at_limit": found.at_limit,
        "left": found.left,
        "complete": not found.left,
        "cursor": next_cursor(router, found.cursor),
    }
    return answer_with(HTTPStatus.OK, answer)


for _path in ("/v1/jobs/<job_id>", "/v1/workflows/<workflow_id>"):
    refuse_other_methods(router, f"{_path}/hold", "POST")
    refuse_other_methods(router, f"{_path}/unhold", "POST")
