"""The routes by which jobs outside go on and end, and by which callers decide approvals."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, job_view
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import JOB_ID, body_of, deps_of, id_of, refuse_other_parameters
from tidegate.contracts.outside import heartbeat_out, read_decision, read_finish, read_heartbeat
from tidegate.usecases.callers.changed import job_after, job_before
from tidegate.usecases.work import approve, outside

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.post("/v1/jobs/<job_id>/finish")
def finish_job(job_id: str) -> Response[str]:
    """Ends a job outside by its attempt's token, which no record keeps."""
    id_of("job", job_id, JOB_ID)
    refuse_other_parameters(router)
    (token, outcome), deps, caller = read_finish(body_of(router)), deps_of(router), caller_of(router)
    now_ms = deps.clock.now_ms()
    with audited_act(router, "job.finish", job_id) as record:
        job = outside.finish_outside(deps.services, job_id, token, outcome, caller=caller, now_ms=now_ms)
        record.change(before=job_before(job, caller, now_ms), after=job_after(job))
    return answer_with(HTTPStatus.OK, job_view(router, job))


@router.post("/v1/jobs/<job_id>/heartbeat")
def beat_job(job_id: str) -> Response[str]:
    """Extends the lease of a job outside by its attempt's token. A heartbeat decides nothing, so it is not recorded."""
    id_of("job", job_id, JOB_ID)
    refuse_other_parameters(router)
    (token, progress), deps = read_heartbeat(body_of(router)), deps_of(router)
    caller_of(router)  # raises for a request without one
    job = outside.beat_outside(deps.services, job_id, token, progress, now_ms=deps.clock.now_ms())
    return answer_with(HTTPStatus.OK, heartbeat_out(job))


@router.post("/v1/jobs/<job_id>/approve")
def approve_job(job_id: str) -> Response[str]:
    """Approves an approval."""
    return _decide(job_id, approved=True)


@router.post("/v1/jobs/<job_id>/reject")
def reject_job(job_id: str) -> Response[str]:
    """Rejects an approval."""
    return _decide(job_id, approved=False)


def _decide(job_id: str, *, approved: bool) -> Response[str]:
    id_of("job", job_id, JOB_ID)
    refuse_other_parameters(router)
    decision = read_decision(body_of(router), approved=approved)
    deps, caller = deps_of(router), caller_of(router)
    now_ms = deps.clock.now_ms()
    with audited_act(router, "job.approve" if approved else "job.reject", job_id) as record:
        job = approve.decide_approval(deps.services, job_id, decision, caller=caller, now_ms=now_ms)
        record.change(before=job_before(job, caller, now_ms), after=job_after(job))
    return answer_with(HTTPStatus.OK, job_view(router, job))


for _act in ("finish", "heartbeat", "approve", "reject"):
    refuse_other_methods(router, f"/v1/jobs/<job_id>/{_act}", "POST")
