"""The routes of worker processes."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.pool_responses import WorkerOut, WorkerPageOut
from tidegate.contracts.requests import NoOptionsIn
from tidegate.contracts.route import CURSOR, LIMIT, Parameter, Route
from tidegate.domain.errors import NotFound
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
        "POST",
        "/v1/workers/{pool}/{worker_id}/drain",
        Role.OPERATOR,
        "asks a worker process to drain and leave",
        {HTTPStatus.ACCEPTED: WorkerOut},
        body=NoOptionsIn,
        errors=(NotFound, WorkerGone),
    ),
)
