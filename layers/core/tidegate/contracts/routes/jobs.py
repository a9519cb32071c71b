"""The routes that submit and read jobs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from tidegate.contracts.requests import JobIn
from tidegate.contracts.responses import Accepted, JobOut, JobPageOut
from tidegate.contracts.route import CURSOR, LIMIT, Parameter, Route
from tidegate.domain import limits
from tidegate.domain.errors import IdempotencyConflict, NotFound, ShareFull
from tidegate.domain.roles import Role
from tidegate.domain.states import State

IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "makes the submission safe to repeat: the same key with the same body returns the first answer",
    Annotated[str, Field(min_length=1, max_length=limits.MAX_IDEMPOTENCY_KEY_CHARACTERS)],
)

ROUTES = (
    Route(
        "POST",
        "/v1/jobs",
        Role.CLIENT,
        "submits one job",
        {HTTPStatus.CREATED: Accepted, HTTPStatus.OK: Accepted},
        body=JobIn,
        needs_body=True,
        headers=(IDEMPOTENCY_KEY,),
        errors=(IdempotencyConflict, ShareFull),
    ),
    Route(
        "GET",
        "/v1/jobs",
        Role.VIEWER,
        "lists jobs in one state",
        {HTTPStatus.OK: JobPageOut},
        parameters=(
            Parameter("state", "the state of the jobs", State, required=True),
            Parameter("pool", "the pool of the jobs; all pools without it"),
            LIMIT,
            CURSOR,
        ),
    ),
    Route(
        "GET",
        "/v1/jobs/{job_id}",
        Role.VIEWER,
        "reads one job, with parameters and result",
        {HTTPStatus.OK: JobOut},
        errors=(NotFound,),
    ),
)
