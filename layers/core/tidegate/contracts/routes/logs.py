"""The route that reads what an attempt of a job printed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from tidegate.contracts.logs import LogPageOut
from tidegate.contracts.route import CURSOR, Parameter, Route
from tidegate.domain import limits
from tidegate.domain.errors import NotFound
from tidegate.domain.roles import Role

ROUTES = (
    Route(
        "GET",
        "/v1/jobs/{job_id}/logs",
        Role.VIEWER,
        "reads what an attempt printed and logged, in pages that can be followed",
        {HTTPStatus.OK: LogPageOut},
        parameters=(
            Parameter(
                "attempt", "the attempt; the latest without it", Annotated[int, Field(ge=1, le=999_999)]
            ),
            Parameter("from", "the time from which lines count; RFC 3339 with a zone"),
            Parameter(
                "limit",
                f"the most lines of the page, {limits.DEFAULT_LOG_LINES} without it",
                Annotated[int, Field(ge=1, le=limits.MAX_LOG_LINES)],
            ),
            CURSOR,
        ),
        errors=(NotFound,),
    ),
)
