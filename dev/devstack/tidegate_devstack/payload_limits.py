"""Bounds the events and answers of an API's functions as AWS does. The emulator by itself passes on any size.

AWS refuses an invocation whose event is not smaller than 6 MiB ("Request must be smaller than 6291456 bytes"), and API
Gateway answers the client with 413. An answer of a function may have 6 MiB and 100 bytes; a larger one becomes 502.

The patches wrap private functions of the emulator, because it offers no other way. A version without them fails
tests/devstack/test_payload_limits.py.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import apigateway_v1

EVENT_BYTES = 6 * 1024 * 1024
ANSWER_BYTES = EVENT_BYTES + 100
_GATEWAY_MESSAGE = "Request Too Long"

_build = apigateway_v1._build_lambda_event_v1
_invoke = apigateway_v1._invoke_lambda_proxy_v1
_call = apigateway_v1._call_lambda_raw


class _EventTooLargeError(Exception):
    """The event of a call is too large for AWS."""


def json_bytes(value: Any) -> int:
    """Returns the size of a value in bytes, as compact JSON in UTF-8."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str).encode())


def _build_if_it_fits(*arguments: Any, **named: Any) -> Any:
    event = _build(*arguments, **named)
    if json_bytes(event) >= EVENT_BYTES:
        raise _EventTooLargeError
    return event


async def _invoke_or_refuse(*arguments: Any, **named: Any) -> Any:
    try:
        return await _invoke(*arguments, **named)
    except _EventTooLargeError:
        return apigateway_v1._gw_error("REQUEST_TOO_LARGE", _GATEWAY_MESSAGE)


def _answer_bytes(body: Any) -> int:
    if isinstance(body, str | bytes):  # the function's answer, still as JSON
        return len(body.encode() if isinstance(body, str) else body)
    return json_bytes(body)


async def _call_and_bound_the_answer(*arguments: Any, **named: Any) -> Any:
    result, error = await _call(*arguments, **named)
    if result and _answer_bytes(result.get("body")) > ANSWER_BYTES:
        size_error = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        return {**result, "error": True, "body": {"errorMessage": size_error}}, error
    return result, error


def bound_payloads() -> None:
    """Patches the emulator of this process. Call it once."""
    # Patches ministack: `apigateway_v1._build_lambda_event_v1`, which makes the event, because its size has no bound.
    apigateway_v1._build_lambda_event_v1 = _build_if_it_fits
    # Patches ministack: `apigateway_v1._invoke_lambda_proxy_v1`, because an event that is too large must give 413.
    apigateway_v1._invoke_lambda_proxy_v1 = _invoke_or_refuse
    # Patches ministack: `apigateway_v1._call_lambda_raw`, because it does not bound the size of a function's answer.
    apigateway_v1._call_lambda_raw = _call_and_bound_the_answer
