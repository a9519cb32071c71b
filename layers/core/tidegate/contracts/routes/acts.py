"""The routes that change, rerun and act on many jobs."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.act_requests import (
    ActInBulkIn,
    AmendJobIn,
    AmendWorkflowIn,
    MarkJobIn,
    ReprioritiseIn,
    RerunJobIn,
)
from tidegate.contracts.responses import ActedOut, JobOut, MarkedJobOut, OnHoldOut, RerunJobOut
from tidegate.contracts.route import CURSOR, Route
from tidegate.contracts.workflow_responses import WorkflowRowOut
from tidegate.domain.errors import (
    NotAnApprover,
    NotFound,
    NotMarkable,
    NotRetryable,
    NotWaiting,
    NotYours,
    TooFarDownstream,
)
from tidegate.domain.roles import Role

ROUTES = (
    Route(
        "PATCH",
        "/v1/jobs/{job_id}",
        Role.CLIENT,
        "changes a job while it waits",
        {HTTPStatus.OK: JobOut},
        body=AmendJobIn,
        needs_body=True,
        errors=(NotFound, NotYours, NotWaiting),
    ),
    Route(
        "PATCH",
        "/v1/workflows/{workflow_id}",
        Role.CLIENT,
        "changes the time to finish by of a workflow",
        {HTTPStatus.OK: WorkflowRowOut},
        body=AmendWorkflowIn,
        needs_body=True,
        errors=(NotFound, NotYours),
    ),
    Route(
        "POST",
        "/v1/jobs/{job_id}/rerun",
        Role.CLIENT,
        "runs an ended job again, also one that succeeded, with all that follows it",
        {HTTPStatus.OK: RerunJobOut},
        body=RerunJobIn,
        parameters=(CURSOR,),
        errors=(NotFound, NotYours, NotRetryable, TooFarDownstream),
    ),
    *(
        Route(
            "POST",
            f"/v1/jobs/{act}",
            Role.CLIENT,
            f"{does}, page by page",
            {HTTPStatus.OK: ActedOut},
            body=body,
            needs_body=True,
            errors=(NotFound,),
        )
        for act, does, body in (
            ("cancel", "cancels many jobs", ActInBulkIn),
            ("retry", "retries many jobs", ActInBulkIn),
            ("reprioritise", "gives many waiting jobs another priority", ReprioritiseIn),
            ("hold", "puts many waiting jobs on hold", ActInBulkIn),
            ("unhold", "takes many jobs off hold", ActInBulkIn),
        )
    ),
    Route(
        "POST",
        "/v1/jobs/{job_id}/hold",
        Role.CLIENT,
        "puts a waiting job on hold",
        {HTTPStatus.OK: JobOut},
        errors=(NotFound, NotYours, NotWaiting),
    ),
    Route(
        "POST",
        "/v1/jobs/{job_id}/unhold",
        Role.CLIENT,
        "takes a job off hold",
        {HTTPStatus.OK: JobOut},
        errors=(NotFound, NotYours),
    ),
    Route(
        "POST",
        "/v1/jobs/{job_id}/mark",
        Role.CLIENT,
        "ends a job by hand as succeeded or skipped",
        {HTTPStatus.OK: MarkedJobOut},
        body=MarkJobIn,
        needs_body=True,
        errors=(NotFound, NotYours, NotAnApprover, NotMarkable),
    ),
    *(
        Route(
            "POST",
            f"/v1/workflows/{{workflow_id}}/{act}",
            Role.CLIENT,
            does,
            {HTTPStatus.OK: OnHoldOut},
            parameters=(CURSOR,),
            errors=(NotFound, NotYours),
        )
        for act, does in (
            ("hold", "puts every waiting job of a workflow on hold"),
            ("unhold", "takes every job of a workflow off hold"),
        )
    ),
)
