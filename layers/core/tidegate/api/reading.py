"""Reads the parts of a request that all routes share."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tidegate import bootstrap
from tidegate.contracts.requests import refuse_if_too_large
from tidegate.contracts.times import moment_ms
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, MalformedBody, NotFound, Violation
from tidegate.domain.suggestions import did_you_mean
from tidegate.entry.submitted import publish_submitted
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.submit.submit import OnAccepted

ULID = re.compile(r"[0-9A-Z]{26}")
JOB_ID = re.compile(r"[0-9A-Z]{26}(\.(0|[1-9][0-9]{0,3}))?")
PAGE_BOUND = re.compile(r"[0-9]{1,5}")  # a page's size
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


def path_of_route(router: BaseRouter) -> str:
    """Returns the path of the route that answers, with its placeholders.

    It is the function's own, because an API of bearer tokens has one resource for many routes.
    """
    path: str = router.context["_route"].openapi_path
    return path


def body_of(router: BaseRouter) -> str:
    """Returns the request's body as text. Raises MalformedBody or BodyTooLarge."""
    try:
        text: str = router.current_event.decoded_body or ""
        text.encode()
    except ValueError as error:  # not base64, or not UTF-8
        raise MalformedBody("the body is not UTF-8 text; send a JSON object") from error
    refuse_if_too_large(text)
    return text


def key_and_dry_run_of(router: BaseRouter) -> tuple[str | None, bool]:
    """Returns a submission's idempotency key, None without one, and whether it is only to be checked.

    Raises InvalidRequest where the key is too long or empty, or the parameter `dry_run` is no truth value.
    """
    key: str | None = router.current_event.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= limits.MAX_IDEMPOTENCY_KEY_CHARACTERS:
        raise InvalidRequest.of(
            "Idempotency-Key", f"must have 1 to {limits.MAX_IDEMPOTENCY_KEY_CHARACTERS} characters"
        )
    return key, flag_of(router, "dry_run")


def flag_of(router: BaseRouter, name: str) -> bool:
    """Returns the truth value that a query parameter holds, False without it. Raises InvalidRequest."""
    text = router.current_event.query_string_parameters.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidRequest.of(name, "must be true or false")
    return bool(text == "true")


def id_of(what: str, text: str, form: re.Pattern[str]) -> str:
    """Returns the id `text`. Raises NotFound without any read where it does not have the form of an id."""
    if not form.fullmatch(text):
        raise NotFound(what, text[:_SHOWN_CHARACTERS])
    return text


def moment_of(router: BaseRouter, name: str) -> int | None:
    """Returns the time that a query parameter holds, in milliseconds since the epoch, None without it.

    Raises InvalidRequest.
    """
    text: str | None = router.current_event.query_string_parameters.get(name)
    if text is None:
        return None
    try:
        return moment_ms(text)
    except ValueError as error:
        raise InvalidRequest.of(name, str(error)) from error


def refuse_other_parameters(router: BaseRouter, *known: str, repeated: Collection[str] = ()) -> None:
    """Checks that every query parameter is one of `known`, is UTF-8 and is given once, so that none is ignored.

    Those in `repeated` may be given several times. Raises InvalidRequest.
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
        if len(given.get(name, ())) > 1 and name not in repeated
    ]
    violations += [
        Violation(name, "must be UTF-8 text")
        for name in known
        if not all(map(_is_utf_8, given.get(name, ())))
    ]
    if violations:
        raise InvalidRequest(violations)


def _is_utf_8(text: str) -> bool:
    """Tells whether a text has no half of a character, which JSON can spell and no store takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def limit_of(router: BaseRouter) -> int:
    """Returns the most entries that the request wants. Raises InvalidRequest."""
    text = router.current_event.query_string_parameters.get("limit", str(limits.DEFAULT_PAGE_SIZE))
    if not PAGE_BOUND.fullmatch(text) or not 1 <= int(text) <= limits.MAX_PAGE_SIZE:
        raise InvalidRequest.of("limit", f"must be a whole number from 1 to {limits.MAX_PAGE_SIZE}")
    return int(text)


def on_accepted_of(router: BaseRouter) -> OnAccepted | None:
    """Returns the function that publishes accepted jobs, None where the deployment does not want every metric.

    Variables of the stage say so, because the function's environment has no room for them.
    """
    variables = router.current_event.get("stageVariables") or {}
    stack = variables.get("stack")
    return partial(publish_submitted, stack) if stack and variables.get("metrics") == "all" else None
