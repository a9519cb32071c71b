"""The local AWS bounds the events and the answers of functions as AWS does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ministack.services import apigateway_v1

from tidegate.domain import limits
from tidegate_devstack import payload_limits

INTEGRATION = {
    "uri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:f/invocations"
}


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes the emulator's module as the launcher does, and restores it after the test."""
    for name in ("_build_lambda_event_v1", "_invoke_lambda_proxy_v1", "_call_lambda_raw"):
        monkeypatch.setattr(apigateway_v1, name, getattr(apigateway_v1, name))
    payload_limits.bound_payloads()


def post(body: bytes) -> Any:
    resource = {"id": "r", "path": "/v1/workflows"}
    headers = {"content-type": "application/json", "x-filler": "h" * 8_000}
    return asyncio.run(
        apigateway_v1._invoke_lambda_proxy_v1(
            INTEGRATION, "api", "live", {}, resource, "/v1/workflows", "POST", headers, body, {}, {}
        )
    )


def answer_with(body: Any) -> Any:
    async def answer(*_: Any, **__: Any) -> tuple[dict[str, Any], None]:
        return {"body": body}, None

    return answer


def test_the_largest_body_passes_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload_limits, "_call", answer_with({"statusCode": 201, "body": "{}"}))
    assert post(b"x" * (limits.MAX_BODY_BYTES - 2))[0] == 201
    assert post(b'"' * ((limits.MAX_BODY_BYTES - 2) // 2))[0] == 201


@pytest.mark.parametrize("body", [b"x" * limits.MAX_EVENT_BYTES, b"\n" * (limits.MAX_EVENT_BYTES // 2)])
def test_an_event_of_6_mib_is_refused_by_the_gateway(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(payload_limits, "_call", answer_with({"statusCode": 201, "body": "{}"}))
    refused = post(body)
    assert isinstance(refused, apigateway_v1._GatewayError)
    response = apigateway_v1._gateway_response_for_type({}, "REQUEST_TOO_LARGE")
    assert int(response["statusCode"]) == 413


@pytest.mark.parametrize("as_text", [False, True])
def test_an_answer_beyond_6_mib_is_502(monkeypatch: pytest.MonkeyPatch, *, as_text: bool) -> None:
    answer = {"statusCode": 200, "body": "x" * (limits.MAX_EVENT_BYTES + 100)}
    body = f'{{"statusCode": 200, "body": "{answer["body"]}"}}' if as_text else answer
    monkeypatch.setattr(payload_limits, "_call", answer_with(body))
    status, _, text = post(b"{}")
    assert status == 502
    assert b"exceeded maximum allowed payload size" in text
