"""Bounds an API's calls of a function as AWS does; the emulator hands over events and answers of any size.

AWS refuses an invocation whose event is not smaller than 6 MiB ("Request must be smaller than 6291456 bytes"), and API
Gateway answers the client with 413. An answer of a function may have 6 MiB and 100 bytes; a larger one becomes 502.

Private functions of the emulator are wrapped, since it offers no other way: `apigateway_v1._build_lambda_event_v1`
makes the event, `_invoke_lambda_proxy_v1` and `_call_lambda_raw` carry it there and back. A version of the emulator
without them fails tests/cli/test_payload_limits.py.
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
    """The event of a call is as large as AWS refuses."""


def json_bytes(value: Any) -> int:
    """How many bytes a value takes as compact JSON in UTF-8."""
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
    if isinstance(body, str | bytes):  # the answer's JSON as the function wrote it
        return len(body.encode() if isinstance(body, str) else body)
    return json_bytes(body)


async def _call_and_bound_the_answer(*arguments: Any, **named: Any) -> Any:
    result, error = await _call(*arguments, **named)
    if result and _answer_bytes(result.get("body")) > ANSWER_BYTES:
        size_error = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        return {**result, "error": True, "body": {"errorMessage": size_error}}, error
    return result, error


def bound_payloads() -> None:
    """Changes the emulator of this process; once is enough."""
    apigateway_v1._build_lambda_event_v1 = _build_if_it_fits
    apigateway_v1._invoke_lambda_proxy_v1 = _invoke_or_refuse
    apigateway_v1._call_lambda_raw = _call_and_bound_the_answer
