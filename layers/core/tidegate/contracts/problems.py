"""Refusals on the wire: RFC 9457 problem details, and the one table of the HTTP status for each error."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict

from tidegate.domain.errors import (
    AlreadyEnded,
    BodyTooLarge,
    IdempotencyConflict,
    InvalidRequest,
    InvalidToken,
    MalformedBody,
    MissingRole,
    MissingScope,
    NotAnApproval,
    NotAnApprover,
    NotFound,
    NotMarkable,
    NotOutside,
    NotRetryable,
    NotWaiting,
    NotYours,
    ServiceUnavailable,
    ShareFull,
    TidegateError,
    TooFarDownstream,
    UnknownName,
    Violation,
    WrongToken,
)
from tidegate.domain.workers import WorkerGone

PROBLEM_CONTENT_TYPE = "application/problem+json"
STATUS_BY_ERROR: dict[type[TidegateError], HTTPStatus] = {
    MalformedBody: HTTPStatus.BAD_REQUEST,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnknownName: HTTPStatus.NOT_FOUND,  # before its base class, because the first match counts
    InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidToken: HTTPStatus.UNAUTHORIZED,
    MissingScope: HTTPStatus.FORBIDDEN,
    MissingRole: HTTPStatus.FORBIDDEN,
    NotYours: HTTPStatus.FORBIDDEN,
    ShareFull: HTTPStatus.TOO_MANY_REQUESTS,
    IdempotencyConflict: HTTPStatus.CONFLICT,
    AlreadyEnded: HTTPStatus.CONFLICT,
    NotRetryable: HTTPStatus.CONFLICT,
    NotWaiting: HTTPStatus.CONFLICT,
    NotMarkable: HTTPStatus.CONFLICT,
    NotOutside: HTTPStatus.CONFLICT,
    NotAnApproval: HTTPStatus.CONFLICT,
    WrongToken: HTTPStatus.FORBIDDEN,
    NotAnApprover: HTTPStatus.FORBIDDEN,
    TooFarDownstream: HTTPStatus.CONFLICT,
    WorkerGone: HTTPStatus.CONFLICT,
    NotFound: HTTPStatus.NOT_FOUND,
    ServiceUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
RETRY_AFTER_SECONDS = 5

_SHOWN_CHARACTERS = 200
_NAMED_BY = {
    "jobs": "a job's id",
    "workflows": "a workflow's id",
    "pools": "a pool's name",
    "types": "a job type",
    "workers": "a pool's name and a worker's id",
}
_TITLES = {
    HTTPStatus.BAD_REQUEST: "The request can't be read",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request is not valid",
    HTTPStatus.CONFLICT: "The request conflicts with the present state",
    HTTPStatus.UNAUTHORIZED: "Not signed in",
    HTTPStatus.FORBIDDEN: "Not allowed",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.METHOD_NOT_ALLOWED: "Method not allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many jobs wait",
    HTTPStatus.SERVICE_UNAVAILABLE: "Try again in a moment",
    HTTPStatus.INTERNAL_SERVER_ERROR: "An error on our side",
}


class FieldError(BaseModel):
    """One fault in a request. `field` is a path into it (`jobs[3].priority`), empty for the whole request."""

    model_config = ConfigDict(frozen=True)

    field: str
    message: str


class Problem(BaseModel):
    """The reason for a refusal. `type` is stable and ends in the error's code."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: tuple[FieldError, ...] = ()


def type_of(code: str) -> str:
    """Returns the `type` of the problems with this code. It never changes, because clients compare it."""
    return f"urn:tidegate:problem:{code}"


def problem_for(error: Exception, path: str, request_id: str | None = None) -> Problem:
    """Returns the problem that a client sees for an error.

    `path` is the request's path. An error that the table does not hold becomes a 500 that shows only `request_id`.
    """
    status = next(
        (status for kind, status in STATUS_BY_ERROR.items() if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    if status is HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(error, TidegateError):
        detail = f"the request failed unexpectedly; the function's log has it under request id {request_id}"
        return _problem("internal", HTTPStatus.INTERNAL_SERVER_ERROR, detail, path)
    violations = error.violations if isinstance(error, InvalidRequest) else ()
    return _problem(error.code, status, _detail(error), path, violations)


def no_such_route(method: str, path: str) -> Problem:
    """Returns the problem for a path that the API does not have."""
    absent = f"there is no {method} {path[:_SHOWN_CHARACTERS]}"
    detail = f"{absent}; {_why_no_route(path)}docs/reference/api.md lists the routes"
    return _problem("no-such-route", HTTPStatus.NOT_FOUND, detail, path)


def _why_no_route(path: str) -> str:
    version, _, rest = path.strip("/").partition("/")
    collection, _, name = rest.partition("/")
    if version != "v1" or collection not in _NAMED_BY or "/" not in name:
        return ""
    shown = f"{name[:_SHOWN_CHARACTERS]!r} can't be {_NAMED_BY[collection]}"
    return f"{shown}, because it holds a slash or a mark that none has; "


def method_not_allowed(method: str, path: str, allowed: Sequence[str]) -> Problem:
    """Returns the problem for a path of the API that was called with a method it does not take."""
    detail = f"{path} does not take {method}; it takes {' and '.join(allowed)}"
    return _problem("method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, detail, path)


def _problem(
    code: str, status: HTTPStatus, detail: str, path: str, violations: Sequence[Violation] = ()
) -> Problem:
    return Problem(
        type=type_of(code),
        title=_TITLES[status],
        status=status,
        detail=detail,
        instance=path,
        errors=tuple(
            FieldError(field=violation.field, message=violation.message) for violation in violations
        ),
    )


def _detail(error: TidegateError) -> str:
    """Returns the error's own message. Of several violations it shows the first, because `errors` holds them all."""
    if not isinstance(error, InvalidRequest) or len(error.violations) < 2:
        return str(error).removeprefix(": ")
    first, *others = error.violations
    return f"{InvalidRequest([first])} (and {len(others)} more)".removeprefix(": ")
