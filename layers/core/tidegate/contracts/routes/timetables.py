"""The routes of timetables."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from tidegate.contracts.requests import NoOptionsIn
from tidegate.contracts.route import CURSOR, LIMIT, Parameter, Route
from tidegate.contracts.routes.jobs import IDEMPOTENCY_KEY
from tidegate.contracts.times import Time
from tidegate.contracts.timetables import (
    BackfillCountOut,
    BackfilledOut,
    BackfillIn,
    ChangeTimetableIn,
    NextRunsOut,
    TimetableIn,
    TimetableListOut,
    TimetableOut,
    TimetableRowOut,
    TimetableRunOut,
    TimetableRunsOut,
)
from tidegate.domain import limits
from tidegate.domain.errors import IdempotencyConflict, NotFound, NotYours, ShareFull
from tidegate.domain.roles import Role

_COUNT = Annotated[int, Field(ge=1, le=limits.MAX_TIMETABLE_TIMES)]
_ONE = "/v1/timetables/{timetable_id}"

ROUTES = (
    Route(
        "POST",
        "/v1/timetables",
        Role.CLIENT,
        "makes a timetable, which submits a job or a workflow again and again",
        {HTTPStatus.CREATED: TimetableOut, HTTPStatus.OK: TimetableOut},
        body=TimetableIn,
        needs_body=True,
        headers=(IDEMPOTENCY_KEY,),
        errors=(IdempotencyConflict,),
    ),
    Route(
        "GET",
        "/v1/timetables",
        Role.VIEWER,
        "lists timetables",
        {HTTPStatus.OK: TimetableListOut},
        parameters=(
            Parameter("submitted_by", "the subject of the caller that made them"),
            LIMIT,
            CURSOR,
        ),
    ),
    Route(
        "GET",
        _ONE,
        Role.VIEWER,
        "reads a timetable with its template",
        {HTTPStatus.OK: TimetableOut},
        errors=(NotFound,),
    ),
    Route(
        "PATCH",
        _ONE,
        Role.CLIENT,
        "changes a timetable",
        {HTTPStatus.OK: TimetableOut},
        body=ChangeTimetableIn,
        needs_body=True,
        errors=(NotFound, NotYours),
    ),
    Route(
        "DELETE",
        _ONE,
        Role.CLIENT,
        "removes a timetable, and answers with it as it was; what it submitted stays",
        {HTTPStatus.OK: TimetableRowOut},
        body=NoOptionsIn,
        errors=(NotFound, NotYours),
    ),
    Route(
        "POST",
        f"{_ONE}/pause",
        Role.CLIENT,
        "pauses a timetable",
        {HTTPStatus.OK: TimetableRowOut},
        body=NoOptionsIn,
        errors=(NotFound, NotYours),
    ),
    Route(
        "POST",
        f"{_ONE}/resume",
        Role.CLIENT,
        "resumes a timetable; times during the pause are passed over",
        {HTTPStatus.OK: TimetableRowOut},
        body=NoOptionsIn,
        errors=(NotFound, NotYours),
    ),
    Route(
        "POST",
        f"{_ONE}/run",
        Role.CLIENT,
        "runs a timetable once, now",
        {HTTPStatus.CREATED: TimetableRunOut, HTTPStatus.OK: TimetableRunOut},
        body=NoOptionsIn,
        headers=(IDEMPOTENCY_KEY,),
        errors=(NotFound, NotYours, IdempotencyConflict, ShareFull),
    ),
    Route(
        "POST",
        f"{_ONE}/backfill",
        Role.CLIENT,
        "submits the scheduled times of a past range that were not submitted, a bounded number a call",
        {HTTPStatus.OK: BackfilledOut},
        body=BackfillIn,
        needs_body=True,
        errors=(NotFound, NotYours),
    ),
    Route(
        "GET",
        f"{_ONE}/backfill",
        Role.VIEWER,
        "counts the scheduled times of a past range",
        {HTTPStatus.OK: BackfillCountOut},
        parameters=(
            Parameter("from", "the earliest scheduled time, which counts", Time, required=True),
            Parameter("to", "the latest scheduled time, which does not count", Time, required=True),
        ),
        errors=(NotFound,),
    ),
    Route(
        "GET",
        f"{_ONE}/next",
        Role.VIEWER,
        "says the next scheduled times of a timetable",
        {HTTPStatus.OK: NextRunsOut},
        parameters=(Parameter("count", "how many times; 10 by default", _COUNT),),
        errors=(NotFound,),
    ),
    Route(
        "GET",
        f"{_ONE}/runs",
        Role.VIEWER,
        "lists the runs of a timetable, the latest first",
        {HTTPStatus.OK: TimetableRunsOut},
        parameters=(LIMIT, CURSOR),
        errors=(NotFound,),
    ),
)
