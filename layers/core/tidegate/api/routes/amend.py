"""The routes that change a job while it waits, and a workflow."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, job_view
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.reading import JOB_ID, ULID, body_of, deps_of, id_of, refuse_other_parameters
from tidegate.contracts.act_requests import read_amend_job, read_amend_workflow
from tidegate.contracts.times import to_wire
from tidegate.contracts.workflow_responses import workflow_row_out
from tidegate.domain.audit import Details
from tidegate.domain.job import Job
from tidegate.usecases.callers.changed import job_before
from tidegate.usecases.read import progress
from tidegate.usecases.recover import amend
from tidegate.usecases.recover.amend_workflow import amend_workflow as amend_workflow_time

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.patch("/v1/jobs/<job_id>")
def amend_job(job_id: str) -> Response[str]:
    """Gives a waiting job another priority, other times, another pool, description or other tags."""
    id_of("job", job_id, JOB_ID)
    refuse_other_parameters(router)
    amendment, deps = read_amend_job(body_of(router)), deps_of(router)
    caller, now_ms = caller_of(router), deps.clock.now_ms()
    with audited_act(router, "job.amend", job_id) as record:
        job = amend.amend_job(deps.services, job_id, amendment, caller=caller, now_ms=now_ms)
        record.change(before=job_before(job, caller, now_ms), after=_after(job))
    return answer_with(HTTPStatus.OK, job_view(router, job))


@router.patch("/v1/workflows/<workflow_id>")
def amend_workflow(workflow_id: str) -> Response[str]:
    """Gives a workflow another time to finish by."""
    id_of("workflow", workflow_id, ULID)
    refuse_other_parameters(router)
    finish_by_ms, deps = read_amend_workflow(body_of(router)), deps_of(router)
    caller, now_ms = caller_of(router), deps.clock.now_ms()
    with audited_act(router, "workflow.amend", workflow_id) as record:
        submission = amend_workflow_time(
            deps.services, workflow_id, finish_by_ms, caller=caller, now_ms=now_ms
        )
        record.change(after={"finish_by": to_wire(submission.finish_by_ms)})
    summary = progress.summarise(deps.services, submission)
    return answer_with(HTTPStatus.OK, workflow_row_out(submission, summary, now_ms))


def _after(job: Job) -> Details:
    timed: Details = {} if job.finish_by_ms is None else {"finish_by": to_wire(job.finish_by_ms)}
    return {
        "state": str(job.state),
        "priority": job.priority,
        "pool": job.pool,
        "amended": job.amended,
        **timed,
    }
