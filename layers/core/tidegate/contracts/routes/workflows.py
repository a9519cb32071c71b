"""The routes that submit and read workflows."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.requests import WorkflowIn
from tidegate.contracts.responses import AcceptedWorkflow, ForeseenOut, WorkflowOut
from tidegate.contracts.route import CURSOR, DRY_RUN, LIMIT, Route
from tidegate.contracts.routes.jobs import IDEMPOTENCY_KEY
from tidegate.domain.errors import IdempotencyConflict, NotFound
from tidegate.domain.roles import Role

ROUTES = (
    Route(
        "POST",
        "/v1/workflows",
        Role.CLIENT,
        "submits a workflow, all or nothing",
        {HTTPStatus.CREATED: AcceptedWorkflow, HTTPStatus.OK: AcceptedWorkflow | ForeseenOut},
        body=WorkflowIn,
        needs_body=True,
        parameters=(DRY_RUN,),
        headers=(IDEMPOTENCY_KEY,),
        errors=(IdempotencyConflict,),
    ),
    Route(
        "GET",
        "/v1/workflows/{workflow_id}",
        Role.VIEWER,
        "reads a workflow with a page of its jobs",
        {HTTPStatus.OK: WorkflowOut},
        parameters=(LIMIT, CURSOR),
        errors=(NotFound,),
    ),
)
