"""The routes that submit and read jobs."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import Field

from tidegate.contracts.cost import JobCostOut
from tidegate.contracts.forecast import JobForecastOut
from tidegate.contracts.job_listing import MAX_SUBJECT_CHARACTERS, MAX_WAIT_SECONDS, JobsOut
from tidegate.contracts.requests import JobIn
from tidegate.contracts.responses import Accepted, ForeseenOut, JobOut, JobRowOut
from tidegate.contracts.route import CURSOR, DRY_RUN, LIMIT, WAIT, Parameter, Route
from tidegate.contracts.why import WhyOut
from tidegate.domain import limits
from tidegate.domain.errors import IdempotencyConflict, NotFound, ShareFull
from tidegate.domain.failures import FINGERPRINT
from tidegate.domain.job_query import Order
from tidegate.domain.roles import Role
from tidegate.domain.states import State
from tidegate.domain.verdicts import FinishVerdict
from tidegate.domain.workers import WORKER_ID


def _text(longest: int) -> Any:
    return Annotated[str, Field(min_length=1, max_length=longest)]


IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "makes the submission safe to repeat: the same key with the same body returns the first answer",
    Annotated[str, Field(min_length=1, max_length=limits.MAX_IDEMPOTENCY_KEY_CHARACTERS)],
)

TAGS = list[Annotated[str, Field(pattern="^[^=]{1,128}=.{0,128}$")]]
_WORKFLOW_ID = Annotated[str, Field(pattern="^[0-9A-Z]{26}$")]
_FILTERS = (
    Parameter(
        "state",
        "the states of the jobs, one after another; the jobs that wait or run by default, and all jobs of a workflow",
        list[State | Literal["ALL"]],
    ),
    Parameter("pool", "the pool of the jobs; all pools without it"),
    Parameter("type", "the type of the jobs", _text(limits.MAX_TYPE_CHARACTERS)),
    Parameter("workflow", "the workflow of the jobs", _WORKFLOW_ID),
    Parameter(
        "id",
        "the beginning of the jobs' ids",
        Annotated[str, Field(pattern=r"^([0-9A-Z]{6,25}|[0-9A-Z]{26}(\.[0-9]{0,4})?)$")],
    ),
    Parameter(
        "worker",
        "the worker that claimed the jobs last",
        Annotated[str, Field(pattern=f"^{WORKER_ID.pattern}$")],
    ),
    Parameter("tag", "tags of the jobs, as name=value", TAGS),
    Parameter("name", "the beginning of the jobs' names", _text(limits.MAX_NAME_CHARACTERS)),
    Parameter("key", "the beginning of the jobs' keys", _text(limits.MAX_KEY_CHARACTERS)),
    Parameter("error", "the code of the jobs' errors", _text(limits.MAX_ERROR_CODE_CHARACTERS)),
    Parameter(
        "failure",
        "the fingerprint of the jobs' failure group",
        Annotated[str, Field(pattern=f"^{FINGERPRINT.pattern}$")],
    ),
    Parameter("submitted_by", "the caller that submitted the jobs", _text(MAX_SUBJECT_CHARACTERS)),
    Parameter("from", "the earliest moment by which the jobs' states are sorted", datetime),
    Parameter("to", "the latest moment by which the jobs' states are sorted", datetime),
    Parameter("finish_by", "only jobs that ought to end by this time or earlier", datetime),
    Parameter("verdict", "the verdict about the time that the jobs ought to end by", FinishVerdict),
    Parameter("overdue", "with true: jobs that run, or ran, longer than their estimate", bool),
    Parameter("straggler", "with true: RUNNING jobs that run longer than 99 % of their type did", bool),
    Parameter(
        "waits_longer_than",
        "how many seconds the jobs have waited in their present state, at least",
        Annotated[float, Field(ge=0, le=MAX_WAIT_SECONDS)],
    ),
)
_SHAPE = (
    Parameter("order", "the order of the jobs; without it each state has its own", Order),
    Parameter("direction", "the direction of the order", Literal["asc", "desc"]),
    Parameter(
        "fields", "slim, which is the default, or full for all fields of the jobs", Literal["slim", "full"]
    ),
)

ROUTES = (
    Route(
        "POST",
        "/v1/jobs",
        Role.CLIENT,
        "submits one job",
        {HTTPStatus.CREATED: Accepted, HTTPStatus.OK: Accepted | ForeseenOut},
        body=JobIn,
        needs_body=True,
        parameters=(DRY_RUN,),
        headers=(IDEMPOTENCY_KEY,),
        errors=(IdempotencyConflict, ShareFull),
    ),
    Route(
        "GET",
        "/v1/jobs",
        Role.VIEWER,
        "lists jobs by filters that combine",
        {HTTPStatus.OK: JobsOut},
        parameters=(*_FILTERS, *_SHAPE, LIMIT, CURSOR),
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/jobs/{job_id}",
        Role.VIEWER,
        "reads one job, with parameters and result",
        {HTTPStatus.OK: JobOut | JobRowOut},
        parameters=(
            Parameter(
                "fields",
                "full, which is the default, or slim without parameters, dependencies, result and history",
                Literal["slim", "full"],
            ),
            WAIT,
        ),
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/jobs/{job_id}/why",
        Role.VIEWER,
        "says why a job is not running",
        {HTTPStatus.OK: WhyOut},
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/jobs/{job_id}/forecast",
        Role.VIEWER,
        "forecasts when a job starts and ends",
        {HTTPStatus.OK: JobForecastOut},
        errors=(NotFound,),
    ),
    Route(
        "GET",
        "/v1/jobs/{job_id}/cost",
        Role.VIEWER,
        "says what a job cost",
        {HTTPStatus.OK: JobCostOut},
        errors=(NotFound,),
    ),
)
