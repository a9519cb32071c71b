"""Makes the answers that many routes share: problems, those of the gateway, and that a copy is still right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus

from dev.openapi.examples import Answer, answer_to
from dev.openapi.schemas import PLACE, Json
from tidegate.contracts.problems import PROBLEM_CONTENT_TYPE, STATUS_BY_ERROR, Problem, type_of
from tidegate.contracts.route import Route
from tidegate.domain.errors import (
    BodyTooLarge,
    InvalidRequest,
    InvalidToken,
    MalformedBody,
    MissingRole,
    MissingScope,
    ServiceUnavailable,
    TidegateError,
)

JSON = "application/json"
REFUSAL = "#/components/responses/{name}"
NOT_MODIFIED = "not-modified"
HEADERS: Json = {
    "ETag": {"description": "Changes when the body does.", "schema": {"type": "string"}},
    "Cache-Control": {"description": "How the answer may be kept.", "schema": {"type": "string"}},
    "Location": {"description": "The path of what was submitted.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait before the next try.", "schema": {"type": "string"}},
}
GATEWAY_SCHEMAS: Json = {
    "GatewayMessage": {
        "description": "The answer of API Gateway to a request that it does not pass on.",
        "type": "object",
        "properties": {"message": {"type": ["string", "null"]}},
        "required": ["message"],
    }
}
# The gateway answers these too, in its own form: no or a bad token, no signature or permission, and a larger body.
_ALSO_FROM_GATEWAY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_OF_TOKENS: tuple[type[TidegateError], ...] = (InvalidToken, MissingRole, MissingScope)
_INTERNAL = "internal"
_NO_SUCH_ROUTE = "no-such-route"
_FROM_GATEWAY = {
    HTTPStatus.TOO_MANY_REQUESTS: ("too-many-requests", "API Gateway: requests come too fast."),
    HTTPStatus.GATEWAY_TIMEOUT: ("too-slow", "API Gateway: the request took longer than 29 seconds."),
}


def refusals_of(route: Route) -> Iterator[tuple[HTTPStatus, str]]:
    """Yields the status and the name of each refusal of a route."""
    if route.role is None:
        return
    for status, codes in _codes_of(route).items():
        yield status, _name(codes)
    for status, (name, _) in _FROM_GATEWAY.items():
        yield status, name


def refusals(routes: Sequence[Route], answers: tuple[Answer, ...]) -> Json:
    """Returns the refusals of all routes by their names."""
    made: Json = {
        name: {"description": says, "content": {JSON: _gateway_message()}}
        for name, says in _FROM_GATEWAY.values()
    }
    made[NOT_MODIFIED] = {
        "description": "The client's copy is still right.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in ("ETag", "Cache-Control")},
    }
    for route in routes:
        for status, codes in _codes_of(route).items():
            made[_name(codes)] = _problem(status, codes, answers)
    return dict(sorted(made.items()))


def _codes_of(route: Route) -> dict[HTTPStatus, tuple[str, ...]]:
    """Returns the codes of the problems that a route answers, in order, by their status."""
    kinds: list[type[TidegateError]] = [InvalidRequest, ServiceUnavailable, *route.errors]
    if route.method != "GET":
        kinds += [MalformedBody, BodyTooLarge]
    if route.role is not None:
        kinds += _OF_TOKENS
    codes: dict[HTTPStatus, set[str]] = {HTTPStatus.INTERNAL_SERVER_ERROR: {_INTERNAL}}
    if "{" in route.path:  # a part of a path may be one that no id is
        codes[HTTPStatus.NOT_FOUND] = {_NO_SUCH_ROUTE}
    for kind in kinds:
        codes.setdefault(STATUS_BY_ERROR[kind], set()).add(kind.code)
    return {status: tuple(sorted(known)) for status, known in codes.items()}


def _name(codes: tuple[str, ...]) -> str:
    return "-or-".join(codes)


def _problem(status: HTTPStatus, codes: tuple[str, ...], answers: tuple[Answer, ...]) -> Json:
    types = [type_of(code) for code in codes]
    content: Json = {
        "schema": {
            "allOf": [
                {"$ref": PLACE.format(model=Problem.__name__)},
                {"properties": {"type": {"enum": types}, "status": {"const": int(status)}}},
            ]
        }
    }
    example = answer_to(answers, status, kinds=types)
    if example is not None:
        content["example"] = example
    made: Json = {"description": f"{status.phrase}.", "content": {PROBLEM_CONTENT_TYPE: content}}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        made["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    if status in _ALSO_FROM_GATEWAY:
        made["content"][JSON] = _gateway_message()
    return made


def _gateway_message() -> Json:
    return {"schema": {"$ref": PLACE.format(model="GatewayMessage")}}
