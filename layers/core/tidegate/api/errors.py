"""Answers of problem details: for errors, unknown routes and methods that a route does not have."""

from __future__ import annotations

import traceback
from http import HTTPStatus

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from tidegate.contracts.problems import (
    PROBLEM_CONTENT_TYPE,
    RETRY_AFTER_SECONDS,
    Problem,
    method_not_allowed,
    no_such_route,
    problem_for,
)

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY", "TRACE")
_SHOWN_FRAMES = 4
logger = Logger()


def answer_errors(app: APIGatewayRestResolver) -> None:
    """Makes the resolver answer every error, and every request without a route, with problem details."""

    def refuse(error: Exception) -> Response[str]:
        event = app.current_event
        return refusal_of(error, event.path, event.request_context.request_id)

    def refuse_route(_error: NotFoundError) -> Response[str]:
        return _refusal(no_such_route(app.current_event.http_method, app.current_event.path))

    app.exception_handler(Exception)(refuse)
    app.not_found(refuse_route)


def refusal_of(error: Exception, path: str, request_id: str | None) -> Response[str]:
    """Returns the answer to a request that failed with this error, and logs an error on our side."""
    problem = problem_for(error, path, request_id)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log(error, request_id)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return _refusal(problem, {"Retry-After": str(RETRY_AFTER_SECONDS)})
    return _refusal(problem)


def refuse_other_methods(router: BaseRouter, rule: str, *allowed: str) -> None:
    """Registers a route that answers every method of the path that is not in `allowed` with 405."""

    def refuse(**_parts: str) -> Response[str]:
        event = router.current_event
        problem = method_not_allowed(event.http_method, event.path, allowed)
        return _refusal(problem, {"Allow": ", ".join(allowed)})

    router.route(rule, method=[method for method in _METHODS if method not in allowed])(refuse)


def _refusal(problem: Problem, headers: dict[str, str | list[str]] | None = None) -> Response[str]:
    body = problem.model_dump_json(exclude_none=True)
    return Response(problem.status, content_type=PROBLEM_CONTENT_TYPE, body=body, headers=headers or {})


def _log(error: Exception, request_id: str | None) -> None:
    # Logs the class and the place only, because an error's text may hold what the client sent.
    frames = traceback.extract_tb(error.__traceback__)[-_SHOWN_FRAMES:]
    details = {
        "error": type(error).__name__,
        "cause": type(error.__cause__).__name__ if error.__cause__ else None,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        "api_request_id": request_id,
    }
    logger.error("request failed", extra=details)
