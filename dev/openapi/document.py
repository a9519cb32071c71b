"""Puts the OpenAPI document together: one operation for each route of the table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import JsonSchemaMode

from dev.openapi.examples import Answer, answer_to, body_to, kept_answers
from dev.openapi.refusals import GATEWAY_SCHEMAS, HEADERS, JSON, NOT_MODIFIED, REFUSAL, refusals, refusals_of
from dev.openapi.schemas import Json, Schemas, unwrapped
from tidegate.api.app import app
from tidegate.contracts.problems import FieldError, Problem
from tidegate.contracts.requests import JobIn, WorkflowIn
from tidegate.contracts.route import PARTS, Parameter, Route
from tidegate.contracts.routes import ROUTES
from tidegate.contracts.what_if import WhatIfIn

_SIGNED = "sigv4"
_BEARER = "bearer"
_SAYS = {
    HTTPStatus.OK: "The answer.",
    HTTPStatus.CREATED: "The id of what was submitted.",
    HTTPStatus.ACCEPTED: "Asked for. It ends later.",
}
_IF_NONE_MATCH = Parameter(
    "If-None-Match", "the ETag of an earlier answer; where it is still right, 304 is answered"
)


def document(version: str) -> Json:
    """Returns the OpenAPI document of the API, for the version of tidegate that it describes."""
    schemas, answers = Schemas(_wanted()), tuple(kept_answers())
    # The model reads the jobs of a workflow later, one by one, so it does not say what they are.
    jobs = schemas.definitions[WorkflowIn.__name__]["properties"]["jobs"]
    jobs["items"] = {"allOf": [schemas.of(JobIn, "validation"), {"required": ["key"]}]}
    asked = schemas.definitions[WhatIfIn.__name__]["properties"]["submit"]
    asked["anyOf"] = [*(schemas.of(each, "validation") for each in (JobIn, WorkflowIn)), {"type": "null"}]
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, answers)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tidegate",
            "version": version,
            "summary": "A distributed job scheduler on AWS serverless parts.",
            "description": "docs/reference/api.md describes what the fields mean.",
        },
        "servers": [
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com/{stage}",
                "description": "The stack's output ApiUrl.",
                "variables": {
                    "api": {"default": "a1b2c3d4e5"},
                    "region": {"default": "eu-central-1"},
                    "stage": {"default": "live"},
                },
            }
        ],
        "security": [{_SIGNED: []}, {_BEARER: []}],
        "paths": paths,
        "components": {
            "schemas": {**schemas.definitions, **GATEWAY_SCHEMAS},
            "headers": HEADERS,
            "responses": refusals(ROUTES, answers),
            "securitySchemes": {
                _SIGNED: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "AWS Signature Version 4 for the service execute-api.",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                },
                _BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token, for the stack's output OAuthApiUrl in place of ApiUrl.",
                },
            },
        },
    }


def _wanted() -> Iterator[tuple[Any, JsonSchemaMode]]:
    """Yields every type that the document shows."""
    yield Problem, "serialization"
    yield FieldError, "serialization"
    yield JobIn, "validation"
    for route in ROUTES:
        for kind in route.answers.values():
            yield kind, "serialization"
        if route.body is not None:
            yield route.body, "validation"
        for parameter in (*route.parameters, *route.headers, *_parts_of(route)):
            yield parameter.form, "validation"
    yield _IF_NONE_MATCH.form, "validation"


def _operation(route: Route, schemas: Schemas, answers: Sequence[Answer]) -> Json:
    name, says = _handler_of(route)
    made: Json = {
        "operationId": name,
        "summary": f"{route.does[0].upper()}{route.does[1:]}",
        "description": says,
        "tags": [route.path.split("/")[2]],
        "x-tidegate-role": route.role,
        "x-tidegate-scope": route.role and route.role.scope,
        "parameters": [
            *(_parameter(part, "path", schemas) for part in _parts_of(route)),
            *(_parameter(each, "query", schemas) for each in route.parameters),
            *(_parameter(each, "header", schemas) for each in _headers_of(route)),
        ],
    }
    if route.role is None:
        made["security"] = []
    if route.body is not None:
        content: Json = {"schema": schemas.of(route.body, "validation")}
        example = body_to(route)
        if example is not None:
            content["example"] = example
        made["requestBody"] = {"required": route.needs_body, "content": {JSON: content}}
    made["responses"] = _responses(route, schemas, tuple(answers))
    return made


def _handler_of(route: Route) -> tuple[str, str]:
    """Returns the name and the description of the function that answers a route."""
    path = re.sub(r"{(\w+)}", r"<\1>", route.path)
    for each in (*app._static_routes, *app._dynamic_routes):
        if (each.method, each.path) == (route.method, path):
            return each.func.__name__, unwrapped(each.func.__doc__ or "")
    return (
        f"{route.method.lower()}_{route.path.rpartition('/')[2]}",
        f"{route.does[0].upper()}{route.does[1:]}.",
    )


def _parts_of(route: Route) -> list[Parameter]:
    return [PARTS[name] for name in re.findall(r"{(\w+)}", route.path)]


def _headers_of(route: Route) -> tuple[Parameter, ...]:
    return (*route.headers, _IF_NONE_MATCH) if _has_tag(route) else route.headers


def _has_tag(route: Route) -> bool:
    """Tells whether the function tags the answers of a route. It does so for each GET that it answers."""
    return route.method == "GET" and route.role is not None


def _parameter(parameter: Parameter, place: str, schemas: Schemas) -> Json:
    return {
        "name": parameter.name,
        "in": place,
        "required": parameter.required or place == "path",
        "description": f"{parameter.says[0].upper()}{parameter.says[1:]}.",
        "schema": schemas.of(parameter.form, "validation"),
    }


def _responses(route: Route, schemas: Schemas, answers: tuple[Answer, ...]) -> Json:
    made: Json = {}
    for status, kind in route.answers.items():
        names = [
            *(("ETag", "Cache-Control") if _has_tag(route) else ()),
            *(("Location",) if route.headers else ()),
        ]
        made[str(int(status))] = {
            "description": _SAYS[status],
            **({"headers": _headers(*names)} if names else {}),
            "content": {JSON: _content(schemas.of(kind, "serialization"), answer_to(answers, status, route))},
        }
    if _has_tag(route):
        made["304"] = {"$ref": REFUSAL.format(name=NOT_MODIFIED)}
    for status, name in refusals_of(route):
        made[str(int(status))] = {"$ref": REFUSAL.format(name=name)}
    return dict(sorted(made.items()))


def _content(schema: Json, example: Any) -> Json:
    return {"schema": schema} if example is None else {"schema": schema, "example": example}


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
