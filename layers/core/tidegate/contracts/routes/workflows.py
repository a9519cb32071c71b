"""The routes that submit and read workflows."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.cost import WorkflowCostOut
from tidegate.contracts.forecast import ForecastOut
from tidegate.contracts.requests import WorkflowIn
from tidegate.contracts.responses import AcceptedWorkflow, ForeseenOut, WorkflowOut
from tidegate.contracts.route import CURSOR, DRY_RUN, LIMIT, WAIT, Parameter, Route
from tidegate.contracts.routes.jobs import IDEMPOTENCY_KEY, TAGS
from tidegate.contracts.times import Time
from tidegate.contracts.workflow_responses import CriticalPathOut, GraphOut, StatesOut, WorkflowListOut
from tidegate.domain.errors import IdempotencyConflict, NotFound, ShareFull
from tidegate.domain.roles import Role
from tidegate.domain.verdicts import FinishVerdict

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
        errors=(IdempotencyConflict, ShareFull),
    ),
    Route(
        "GET",
        "/v1/workflows/{workflow_id}",
        Role.VIEWER,
        "reads a workflow with a page of its jobs",
        {HTTPStatus.OK: WorkflowOut},
        parameters=(LIMIT, CURSOR, WAIT),
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/workflows",
        Role.VIEWER,
        "lists workflows, newest first",
        {HTTPStatus.OK: WorkflowListOut},
        parameters=(
            Parameter("state", "words of state with commas between, such as RUNNING,FAILED"),
            Parameter("name", "the beginning of the name"),
            Parameter("submitted_by", "the subject of the caller that submitted"),
            Parameter("tag", "tags of the workflow, as name=value", TAGS),
            Parameter("from", "only workflows created at this time or later", Time),
            Parameter("to", "only workflows created at this time or earlier", Time),
            Parameter("finish_by", "only workflows that ought to end by this time or earlier", Time),
            Parameter("forecast", "forecasts when the first workflows of the page end that run", bool),
            Parameter(
                "verdict", "the verdict about the time that the workflows ought to end by", FinishVerdict
            ),
            LIMIT,
            CURSOR,
        ),
    ),
    Route(
        "GET",
        "/v1/workflows/{workflow_id}/graph",
        Role.VIEWER,
        "reads the graph of a workflow, which never changes",
        {HTTPStatus.OK: GraphOut},
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/workflows/{workflow_id}/critical-path",
        Role.VIEWER,
        "reads the chain of a workflow's jobs that takes longest",
        {HTTPStatus.OK: CriticalPathOut},
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/workflows/{workflow_id}/forecast",
        Role.VIEWER,
        "forecasts when a workflow ends",
        {HTTPStatus.OK: ForecastOut},
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/workflows/{workflow_id}/cost",
        Role.VIEWER,
        "says what a page of a workflow's jobs cost",
        {HTTPStatus.OK: WorkflowCostOut},
        parameters=(LIMIT, CURSOR),
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/workflows/{workflow_id}/states",
        Role.VIEWER,
        "reads the states of a workflow's jobs, or what changed since a version",
        {HTTPStatus.OK: StatesOut},
        parameters=(Parameter("since", "the version of an earlier answer"),),
        errors=(NotFound,),
    ),
)
