"""The routes of failures, grouped by their cause."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from tidegate.contracts.failures import FailuresOut, MuteOut
from tidegate.contracts.requests import NoOptionsIn
from tidegate.contracts.route import CURSOR, Parameter, Route
from tidegate.domain import limits
from tidegate.domain.errors import NotFound
from tidegate.domain.roles import Role

_MUTE = {HTTPStatus.OK: MuteOut}

ROUTES = (
    Route(
        "GET",
        "/v1/failures",
        Role.VIEWER,
        "groups failed jobs by their cause",
        {HTTPStatus.OK: FailuresOut},
        parameters=(
            Parameter("since", "the earliest time at which the jobs ended; a day ago without it", datetime),
            Parameter("pool", "the pool of the jobs; all pools without it"),
            Parameter(
                "type",
                "the type of the jobs",
                Annotated[str, Field(min_length=1, max_length=limits.MAX_TYPE_CHARACTERS)],
            ),
            Parameter(
                "code",
                "the code of the jobs' errors",
                Annotated[str, Field(min_length=1, max_length=limits.MAX_ERROR_CODE_CHARACTERS)],
            ),
            Parameter("muted", "with true: muted groups too", bool),
            CURSOR,
        ),
    ),
    Route(
        "POST",
        "/v1/failures/{fingerprint}/mute",
        Role.OPERATOR,
        "leaves a failure group out of listings",
        _MUTE,
        body=NoOptionsIn,
        errors=(NotFound,),
    ),
    Route(
        "POST",
        "/v1/failures/{fingerprint}/unmute",
        Role.OPERATOR,
        "lists a failure group again",
        _MUTE,
        body=NoOptionsIn,
        errors=(NotFound,),
    ),
)
