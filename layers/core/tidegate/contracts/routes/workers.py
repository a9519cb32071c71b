"""The routes of worker processes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from tidegate.contracts.pool_responses import WorkerOut, WorkerPageOut
from tidegate.contracts.requests import NoOptionsIn
from tidegate.contracts.route import CURSOR, LIMIT, Parameter, Route
from tidegate.contracts.worker_jobs import WorkerJobsOut
from tidegate.domain.errors import NotFound, UnknownName
from tidegate.domain.roles import Role
from tidegate.domain.workers import WorkerGone, WorkerState

ROUTES = (
    Route(
        "GET",
        "/v1/workers",
        Role.VIEWER,
        "lists worker processes",
        {HTTPStatus.OK: WorkerPageOut},
        parameters=(
            Parameter("state", "the state of the workers; all states without it", WorkerState),
            Parameter("pool", "the pool of the workers; all pools without it"),
            Parameter(
                "order", "lists the first workers in this order, on one page", Literal["load", "free", "seen"]
            ),
            LIMIT,
            CURSOR,
        ),
    ),
    Route(
        "GET",
        "/v1/workers/{pool}/{worker_id}",
        Role.VIEWER,
        "reads one worker process",
        {HTTPStatus.OK: WorkerOut},
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/workers/{pool}/{worker_id}/jobs",
        Role.VIEWER,
        "reads the jobs that a worker runs and ran lately",
        {HTTPStatus.OK: WorkerJobsOut},
        parameters=(LIMIT,),
        errors=(NotFound, UnknownName),
    ),
    Route(
        "POST",
        "/v1/workers/{pool}/{worker_id}/drain",
        Role.OPERATOR,
        "asks a worker process to drain and leave",
        {HTTPStatus.ACCEPTED: WorkerOut},
        body=NoOptionsIn,
        errors=(NotFound, WorkerGone),
    ),
)
