"""The routes that say what jobs and workflows cost."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with, page_answer
from tidegate.api.cursors import cursor_of, next_cursor
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import JOB_ID, ULID, deps_of, id_of, refuse_other_parameters
from tidegate.contracts.cost import WorkflowCostOut, job_cost_out, workflow_cost_out
from tidegate.usecases.read.cost import read_job_cost, read_workflow_cost

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations


@router.get("/v1/jobs/<job_id>/cost")
def get_job_cost(job_id: str) -> Response[str]:
    """Returns what a job cost until now."""
    refuse_other_parameters(router)
    deps = deps_of(router)
    row = read_job_cost(deps.services, id_of("job", job_id, JOB_ID), now_ms=deps.clock.now_ms())
    return answer_with(HTTPStatus.OK, job_cost_out(row.job, row.cost))


@router.get("/v1/workflows/<workflow_id>/cost")
def get_workflow_cost(workflow_id: str) -> Response[str]:
    """Returns what a page of a workflow's jobs cost until now."""
    refuse_other_parameters(router, "limit", "cursor")
    deps = deps_of(router)
    id_of("workflow", workflow_id, ULID)
    cursor, now_ms = cursor_of(router), deps.clock.now_ms()

    def read(limit: int) -> WorkflowCostOut:
        page = read_workflow_cost(deps.services, workflow_id, cursor=cursor, limit=limit, now_ms=now_ms)
        return workflow_cost_out(
            workflow_id,
            page.submission.job_count,
            page.looked_at,
            [(row.job, row.cost) for row in page.rows],
            page.own,
            next_cursor(router, page.cursor),
        )

    return page_answer(router, read)


refuse_other_methods(router, "/v1/jobs/<job_id>/cost", "GET")
refuse_other_methods(router, "/v1/workflows/<workflow_id>/cost", "GET")
