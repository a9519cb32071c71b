"""The reading of requests and the answers that all routes share."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tidegate import bootstrap
from tidegate.contracts.jobs import job_out
from tidegate.contracts.problems import PROBLEM_CONTENT_TYPE, Problem, method_not_allowed
from tidegate.contracts.wire import fits_in_answer, refuse_if_too_large, to_json
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, MalformedBody, NotFound, Violation
from tidegate.domain.job import Job
from tidegate.domain.suggestions import did_you_mean
from tidegate.usecases.bounds.deadline import Deadline

JSON = "application/json"
ULID = re.compile(r"[0-9A-Z]{26}")
JOB_ID = re.compile(r"[0-9A-Z]{26}(\.(0|[1-9][0-9]{0,3}))?")
PAGE_BOUND = re.compile(r"[0-9]{1,5}")  # a page's size, or a workflow's cursor
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_SHOWN_CHARACTERS = 64  # of an id or a parameter that the API does not know
_SHOWN_PARAMETERS = 10


def deps_of(router: BaseRouter) -> bootstrap.ApiDeps:
    """Returns the parts that the function works with."""
    deps: bootstrap.ApiDeps = router.context["deps"]
    return deps


def until_of(router: BaseRouter) -> Deadline:
    """Returns the deadline of work in portions, so that the finished part can still be answered."""
    until: Deadline = router.context["until"]
    return until


def job_view(router: BaseRouter, job: Job) -> dict[str, Any]:
    """Returns a job as clients read it now."""
    deps = deps_of(router)
    return job_out(job, deps.services.settings.rank_policy, deps.clock.now_ms())


def answer_with(status: HTTPStatus, body: dict[str, Any], location: str | None = None) -> Response[str]:
    """Returns an answer of JSON."""
    headers: dict[str, str | list[str]] = {"Location": location} if location else {}
    return Response(status, content_type=JSON, body=to_json(body), headers=headers)


def refusal(problem: Problem, headers: dict[str, str | list[str]] | None = None) -> Response[str]:
    """Returns an answer of problem details."""
    body = problem.model_dump_json(exclude_none=True)
    return Response(problem.status, content_type=PROBLEM_CONTENT_TYPE, body=body, headers=headers or {})


def body_of(router: BaseRouter) -> str:
    """Returns the request's body as text. Raises MalformedBody or BodyTooLarge."""
    try:
        text: str = router.current_event.decoded_body or ""
        text.encode()
    except ValueError as error:  # not base64, or not UTF-8
        raise MalformedBody("the body is not UTF-8 text; send a JSON object") from error
    refuse_if_too_large(text)
    return text


def idempotency_key_of(router: BaseRouter) -> str | None:
    """Returns the request's idempotency key, None without one. Raises InvalidRequest where it is too long or empty."""
    key: str | None = router.current_event.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= limits.MAX_IDEMPOTENCY_KEY_CHARACTERS:
        raise InvalidRequest.of(
            "Idempotency-Key", f"must have 1 to {limits.MAX_IDEMPOTENCY_KEY_CHARACTERS} characters"
        )
    return key


def id_of(what: str, text: str, form: re.Pattern[str]) -> str:
    """Returns the id `text`. Raises NotFound without any read where it does not have the form of an id."""
    if not form.fullmatch(text):
        raise NotFound(what, text[:_SHOWN_CHARACTERS])
    return text


def caller_of(router: BaseRouter) -> str:
    """Returns the last part of the caller's ARN, which the history names as the actor."""
    arn: str = router.current_event["requestContext"]["identity"].get("userArn") or ""
    return arn.rpartition("/")[2] or "client"


def page_answer(router: BaseRouter, read: Callable[[int], dict[str, Any]]) -> Response[str]:
    """Returns the page that `read` gives for a limit, a smaller one where it is too large for one answer."""
    limit = limit_of(router)
    answer = answer_with(HTTPStatus.OK, read(limit))
    while limit > 1 and not fits_in_answer(answer.body or ""):
        limit //= 2
        answer = answer_with(HTTPStatus.OK, read(limit))
    return answer


def refuse_other_methods(router: BaseRouter, rule: str, *allowed: str) -> None:
    """Registers a route that answers every method of the path that is not in `allowed` with 405."""

    def refuse(**_parts: str) -> Response[str]:
        event = router.current_event
        problem = method_not_allowed(event.http_method, event.path, allowed)
        return refusal(problem, {"Allow": ", ".join(allowed)})

    router.route(rule, method=[method for method in _METHODS if method not in allowed])(refuse)


def refuse_other_parameters(router: BaseRouter, *known: str) -> None:
    """Checks that every query parameter is one of `known` and is given once, so that none is ignored.

    Raises InvalidRequest.
    """
    event = router.current_event
    given = event.multi_value_query_string_parameters or {}
    named = " and ".join(part for part in (", ".join(known[:-1]), *known[-1:]) if part)
    taken = f"this route takes {named or 'none'}"
    if event.http_method not in ("GET", "HEAD"):
        taken += "; options are sent in the body, where a route has any"
    unknown = [name for name in given if name not in known][:_SHOWN_PARAMETERS]
    violations = [
        Violation(name[:_SHOWN_CHARACTERS], f"is no query parameter here; {taken}{did_you_mean(name, known)}")
        for name in unknown
    ]
    violations += [
        Violation(name, f"is given {len(given[name])} times; give it once")
        for name in known
        if len(given.get(name, ())) > 1
    ]
    if violations:
        raise InvalidRequest(violations)


def limit_of(router: BaseRouter) -> int:
    """Returns the most entries that the request wants. Raises InvalidRequest."""
    text = router.current_event.query_string_parameters.get("limit", str(limits.DEFAULT_PAGE_SIZE))
    if not PAGE_BOUND.fullmatch(text) or not 1 <= int(text) <= limits.MAX_PAGE_SIZE:
        raise InvalidRequest.of("limit", f"must be a whole number from 1 to {limits.MAX_PAGE_SIZE}")
    return int(text)
