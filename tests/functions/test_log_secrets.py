"""No token, no key and nothing that a caller submits reaches a log of the API, whatever becomes of the request."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness.functions.api_calls import Api, read_event
from tests.harness.functions.route_table import sample_path
from tests.harness.functions.signed_tokens import (
    AUDIENCE,
    ISSUER,
    Issuer,
    bad_tokens_of_the_issuer,
    token,
)
from tidegate.contracts.route import Route
from tidegate.contracts.routes import ROUTES
from tidegate.domain.errors import ServiceUnavailable
from tidegate_authorizer.authorize import authorize
from tidegate_authorizer.keys import IssuerUnreachable

SECRET = "s3cr3t-0f-ann"
BODIES: dict[str, object] = {
    "a job": {"type": "tidegate.noop", "parameters": {"password": SECRET}, "tags": {"x": SECRET}},
    "a finish token": {"token": SECRET, "result": SECRET},
    "unknown fields": {SECRET: SECRET, "reason": SECRET},
    "no JSON": f'{{"parameters": "{SECRET}"',
}


def event_of(route: Route, body: object, role: str | None) -> dict[str, Any]:
    """Returns a request that holds the secret wherever a client may put one."""
    event = read_event("api-list-jobs")
    event |= {"httpMethod": route.method, "path": sample_path(route), "resource": "/v1/{proxy+}"}
    event["headers"] |= {"authorization": f"Bearer {SECRET}", "idempotency-key": SECRET, "cookie": SECRET}
    event["multiValueHeaders"] |= {name: [value] for name, value in event["headers"].items()}
    reads = route.method == "GET"  # the others take no such parameter, and would look no further
    event["queryStringParameters"] = {"cursor": SECRET} if reads else None
    event["multiValueQueryStringParameters"] = {"cursor": [SECRET]} if reads else None
    event["body"] = body if isinstance(body, str) else json.dumps(body)
    event["stageVariables"] = {"callers": "oauth"}
    scopes = "tidegate/read tidegate/submit tidegate/operate"
    claims = {"iss": "https://issuer.example.com", "sub": "ann", "token_use": "access", "scope": scopes}
    event["requestContext"]["authorizer"] = {"claims": {**claims, "cognito:groups": role or "staff"}}
    return event


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Returns all that was logged, with the fields beside the messages."""
    records = [{**vars(record), "said": record.getMessage()} for record in caplog.records]
    return json.dumps(records, default=str) + caplog.text


def _id(route: Route) -> str:
    return f"{route.method} {route.path}"


def _break(error: Exception) -> Callable[[str], None]:
    def on_request(_name: str) -> None:
        raise error

    return on_request


@pytest.mark.parametrize("role", ["operator", "viewer", None])
@pytest.mark.parametrize("route", [route for route in ROUTES if route.role], ids=_id)
def test_no_request_leaves_a_secret_in_the_log(
    route: Route, role: str | None, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for body in BODIES.values():
        Api(with_operator=False).send(event_of(route, body, role))
        for error in (ServiceUnavailable(SECRET), RuntimeError(SECRET)):
            api = Api(with_operator=False)
            api.world.on_request = _break(error)
            api.send(event_of(route, body, role))
    out, err = capfd.readouterr()
    text = logged(caplog) + out + err
    assert '"usage"' in text  # something was logged
    assert SECRET not in text


def test_an_error_that_nobody_foresaw_is_a_problem_before_the_route_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = Api(with_operator=False)
    api.world.on_request = _break(RuntimeError(SECRET))
    route = next(route for route in ROUTES if _id(route) == "GET /v1/me")
    answer = api.send(event_of(route, {}, None))
    assert (answer.status, answer.body["type"].rpartition(":")[2]) == (500, "internal")
    assert SECRET not in str(answer.body)
    assert "RuntimeError" in logged(caplog)


BAD = bad_tokens_of_the_issuer()


@pytest.mark.parametrize("bad", [*BAD, "good", "good, without an answer of the issuer"])
def test_no_token_is_logged_by_the_authorizer(bad: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    issuer = Issuer()
    issuer.is_down = "without an answer" in bad
    sent = (BAD.get(bad) or token)()
    event = {
        "methodArn": "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live/GET/v1/jobs",
        "headers": {"authorization": f"Bearer {sent}"},
        "stageVariables": {"issuer": ISSUER, "audience": AUDIENCE},
    }
    told = ""
    try:
        authorize(event, issuer.known())
    except Exception as error:
        told = str(error)
        if not isinstance(error, IssuerUnreachable) and told != "Unauthorized":
            raise
    text = logged(caplog) + told
    parts = [part for part in sent.split(".") if len(part) > 8]
    assert not [part for part in parts if part in text]
    assert "ann-1" not in text
