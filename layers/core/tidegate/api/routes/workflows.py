"""The routes that submit and read workflows."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, foreseen_answer, job_view, page_answer
from tidegate.api.caller import caller_of
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import (
    ULID,
    body_of,
    deps_of,
    id_of,
    key_and_dry_run_of,
    limit_of,
    on_accepted_of,
    refuse_other_parameters,
    until_of,
)
from tidegate.api.waiting import patience_of
from tidegate.contracts.requests import read_workflow
from tidegate.contracts.responses import AcceptedWorkflow, WorkflowOut
from tidegate.contracts.times import to_wire
from tidegate.contracts.workflow_responses import summary_out
from tidegate.usecases.read import progress, query
from tidegate.usecases.read.wait import wait_for_workflow
from tidegate.usecases.submit import submit
from tidegate.usecases.submit.would_submit import would_submit_workflow

logger = Logger()
router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.post("/v1/workflows")
def post_workflow() -> Response[str]:
    """Submits a workflow. Answers 201 with its ids, or 200 where the idempotency key found an earlier submission."""
    refuse_other_parameters(router, "dry_run")
    request, fingerprint = read_workflow(body_of(router))
    (key, is_dry_run), deps = key_and_dry_run_of(router), deps_of(router)
    if is_dry_run:
        return foreseen_answer(
            would_submit_workflow(deps.services, request, caller_of(router), deps.clock.now_ms())
        )
    accepted = submit.submit_workflow(
        deps.services,
        request,
        idempotency_key=key,
        fingerprint=fingerprint,
        caller=caller_of(router),
        now_ms=deps.clock.now_ms(),
        until=until_of(router),
        on_accepted=on_accepted_of(router),
    )
    logger.append_keys(workflow_id=accepted.workflow_id)
    status = HTTPStatus.CREATED if accepted.created else HTTPStatus.OK
    answer = AcceptedWorkflow(workflow_id=accepted.workflow_id, job_ids=accepted.job_ids)
    return answer_with(status, answer, f"/v1/workflows/{accepted.workflow_id}")


@router.get("/v1/workflows/<workflow_id>")
def get_workflow(workflow_id: str) -> Response[str]:
    """Returns a workflow with a page of its jobs. With `wait` it may first wait for the workflow's end."""
    refuse_other_parameters(router, "limit", "cursor", "wait")
    deps = deps_of(router)
    services = deps.services
    id_of("workflow", workflow_id, ULID)
    cursor, patience = cursor_of(router), patience_of(router)
    limit_of(router)  # refused before the wait, not after it
    if patience is not None:
        wait_for_workflow(services, workflow_id, patience, now_ms=deps.clock.now_ms())

    def read(limit: int) -> WorkflowOut:
        page = query.get_workflow(services, workflow_id, cursor=cursor, limit=limit)
        return {
            "workflow_id": page.submission.submission_id,
            "name": page.submission.name,
            "created_at": to_wire(page.submission.created_at_ms),
            "submitted_by": page.submission.submitted_by,
            "namespace": page.submission.namespace,
            "tags": dict(page.submission.tags),
            "job_count": page.submission.job_count,
            **summary_out(
                page.submission, progress.summarise(services, page.submission), deps.clock.now_ms()
            ),
            "jobs": [job_view(router, job) for job in page.jobs],
            "cursor": next_cursor(router, page.cursor),
        }

    return page_answer(router, read)


refuse_other_methods(router, "/v1/workflows", "GET", "POST")
refuse_other_methods(router, "/v1/workflows/<workflow_id>", "GET", "PATCH")
