"""The API's answers to unknown paths and methods and to failures behind it, and its log."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness.functions.api_calls import UNKNOWN_ID, Answer, Api, read_event
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/v1/jobs/{UNKNOWN_ID}"),
        ("GET", f"/v1/jobs/{UNKNOWN_ID}.7"),
        ("GET", "/v1/jobs/not an id"),
        ("GET", f"/v1/jobs/{'9' * 5_000}"),
        ("POST", f"/v1/jobs/{UNKNOWN_ID}/cancel"),
        ("GET", f"/v1/workflows/{UNKNOWN_ID}"),
        ("GET", "/v1/workflows/x"),
        ("GET", "/v1/rules"),
        ("GET", "/v1/health"),  # the gateway answers this
        ("DELETE", "/"),
    ],
)
def test_what_does_not_exist_is_404(api: Api, method: str, path: str) -> None:
    answer = api.call(method, path)
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["instance"] == path


@pytest.mark.parametrize(
    "path", ["jobs/{}", "jobs/{}/cancel", "jobs/{}/retry", "workflows/{}", "workflows/{}/rerun"]
)
@pytest.mark.parametrize("impossible", ["x", "9" * 3_000, f"{UNKNOWN_ID}.01", f"{UNKNOWN_ID}.99999"])
def test_an_id_that_can_not_be_one_is_not_looked_up(api: Api, path: str, impossible: str) -> None:
    method = "POST" if path.endswith(("cancel", "retry", "rerun")) else "GET"
    answer = api.call(method, f"/v1/{path.format(impossible)}")
    assert answer.status == 404
    assert len(answer.body["detail"]) < 200
    assert not api.world.requests


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/jobs", "GET, POST"),
        ("PUT", f"/v1/jobs/{UNKNOWN_ID}", "GET, PATCH"),
        ("GET", f"/v1/jobs/{UNKNOWN_ID}/cancel", "POST"),
        ("PATCH", "/v1/workflows", "GET, POST"),
        ("PUT", f"/v1/workflows/{UNKNOWN_ID}", "GET, PATCH"),
    ],
)
def test_other_methods_are_405(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api.call(method, path)
    assert answer.status == 405
    assert answer.headers == {"Content-Type": "application/problem+json", "Allow": allowed}
    assert answer.body["type"] == "urn:tidegate:problem:method-not-allowed"


def test_a_body_in_base64_is_read(api: Api) -> None:
    event = read_event("api-submit-job")
    event |= {"body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}
    answer = api.send(event)
    assert answer.status == 201
    assert api.job(answer.body["job_id"]).name == "nap"


def _fail(api: Api, error: Exception) -> Callable[[], Answer]:
    def refuse(request: str) -> None:
        raise error

    def call() -> Answer:
        api.world.on_request = refuse
        return api.call("POST", "/v1/jobs", {"type": "tidegate.noop", "name": "secret name"})

    return call


def test_a_service_that_does_not_answer_is_503(api: Api) -> None:
    answer = _fail(api, ServiceUnavailable("writing a job did not succeed; repeat it in a moment"))()
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.body["type"] == "urn:tidegate:problem:unavailable"


@pytest.mark.parametrize("error", [RuntimeError("secret name"), ServiceRefused("secret name")])
def test_an_error_of_ours_is_500_and_shows_nothing(
    api: Api, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    answer = _fail(api, error)()
    request_id = read_event("api-list-jobs")["requestContext"]["requestId"]
    assert answer.status == 500
    assert request_id in answer.body["detail"]
    assert "secret" not in json.dumps(answer.body)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    logged = vars(record)
    assert (logged["error"], logged["api_request_id"]) == (type(error).__name__, request_id)
    assert "secret" not in str(logged["at"])


def test_one_usage_line_is_logged_and_nothing_that_was_sent(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    body: dict[str, Any] = {"type": "tidegate.noop", "parameters": {"password": "hunter2"}, "name": "hunter2"}
    with caplog.at_level(logging.DEBUG):
        api.call("POST", "/v1/jobs", body)
        api.call("POST", "/v1/jobs", {**body, "parameters": {}})
    usage = [vars(record)["usage"] for record in caplog.records if record.getMessage() == "usage"]
    assert usage == [{"requests": {}, "write_units": 0, "read_units": 0.0}] * 2
    assert "hunter2" not in "".join(str(vars(record)) for record in caplog.records)
