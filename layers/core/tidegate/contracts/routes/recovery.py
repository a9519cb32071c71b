"""The routes that cancel jobs and that retry them by hand."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.act_requests import DryRunIn
from tidegate.contracts.requests import CancelJobIn, RetryJobIn
from tidegate.contracts.responses import (
    CancellationForeseenOut,
    CancelledJobOut,
    CancelledWorkflowOut,
    JobOut,
    RedriveForeseenOut,
    RedrivenOut,
    RerunForeseenOut,
    RerunOut,
    RetriedJobOut,
    RetryForeseenOut,
    WorkflowCancellationForeseenOut,
)
from tidegate.contracts.route import CURSOR, LIMIT, Route
from tidegate.domain.errors import (
    AlreadyEnded,
    NotFound,
    NotRetryable,
    NotYours,
    TooFarDownstream,
    UnknownName,
)
from tidegate.domain.roles import Role

ROUTES = (
    Route(
        "POST",
        "/v1/jobs/{job_id}/cancel",
        Role.CLIENT,
        "cancels a job, or asks its worker to stop it; on request everything downstream too",
        {
            HTTPStatus.OK: JobOut | CancelledJobOut | CancellationForeseenOut,
            HTTPStatus.ACCEPTED: JobOut | CancelledJobOut,
        },
        body=CancelJobIn,
        errors=(NotFound, NotYours, AlreadyEnded, TooFarDownstream),
    ),
    Route(
        "POST",
        "/v1/jobs/{job_id}/retry",
        Role.CLIENT,
        "retries a job that ended without success",
        {HTTPStatus.OK: RetriedJobOut | RetryForeseenOut},
        body=RetryJobIn,
        errors=(NotFound, NotYours, NotRetryable),
    ),
    Route(
        "POST",
        "/v1/workflows/{workflow_id}/cancel",
        Role.CLIENT,
        "cancels every job of a workflow that has not ended",
        {
            HTTPStatus.OK: CancelledWorkflowOut | WorkflowCancellationForeseenOut,
            HTTPStatus.ACCEPTED: CancelledWorkflowOut,
        },
        body=DryRunIn,
        parameters=(CURSOR,),
        errors=(NotFound, NotYours),
    ),
    Route(
        "POST",
        "/v1/workflows/{workflow_id}/rerun",
        Role.CLIENT,
        "retries a workflow from its failures",
        {HTTPStatus.OK: RerunOut | RerunForeseenOut},
        body=DryRunIn,
        parameters=(CURSOR,),
        errors=(NotFound, NotYours),
    ),
    Route(
        "POST",
        "/v1/pools/{pool}/redrive",
        Role.OPERATOR,
        "retries the jobs whose messages the pool's queue gave up",
        {HTTPStatus.OK: RedrivenOut | RedriveForeseenOut},
        body=DryRunIn,
        parameters=(LIMIT, CURSOR),
        errors=(UnknownName,),
    ),
)
