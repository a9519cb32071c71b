"""Refusals on the wire: RFC 9457 problem details, and the one table of which error becomes which HTTP status."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import BaseModel, ConfigDict

from tidegate.domain.errors import (
    AlreadyEnded,
    DependencyUnavailable,
    IdempotencyConflict,
    InvalidRequest,
    MalformedBody,
    NotFound,
    TidegateError,
)

PROBLEM_CONTENT_TYPE = "application/problem+json"
STATUS_BY_ERROR: dict[type[TidegateError], HTTPStatus] = {
    MalformedBody: HTTPStatus.BAD_REQUEST,
    InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    IdempotencyConflict: HTTPStatus.CONFLICT,
    AlreadyEnded: HTTPStatus.CONFLICT,
    NotFound: HTTPStatus.NOT_FOUND,
    DependencyUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
RETRY_AFTER_SECONDS = 5

_TITLES = {
    HTTPStatus.BAD_REQUEST: "The request can't be read",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request is not valid",
    HTTPStatus.CONFLICT: "The request conflicts with what stands",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.SERVICE_UNAVAILABLE: "Try again in a moment",
    HTTPStatus.INTERNAL_SERVER_ERROR: "An error on our side",
}


class FieldError(BaseModel):
    """One thing wrong with a request; `field` is a path into it (`jobs[3].priority`), empty for the whole."""

    model_config = ConfigDict(frozen=True)

    field: str
    message: str


class Problem(BaseModel):
    """Why a request was refused. `type` is stable and ends in the error's code."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: tuple[FieldError, ...] = ()


def problem_for(error: Exception, path: str) -> Problem:
    """The problem that a client sees. An error outside the tree tells nothing of itself."""
    status = next(
        (status for kind, status in STATUS_BY_ERROR.items() if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    known = status is not HTTPStatus.INTERNAL_SERVER_ERROR
    violations = error.violations if isinstance(error, InvalidRequest) else ()
    return Problem(
        type=f"urn:tidegate:problem:{error.code if known and isinstance(error, TidegateError) else 'internal'}",
        title=_TITLES[status],
        status=status,
        detail=str(error) if known else "the request failed unexpectedly; the log of the function says why",
        instance=path,
        errors=tuple(
            FieldError(field=violation.field, message=violation.message) for violation in violations
        ),
    )
