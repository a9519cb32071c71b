"""The parts of both clients that know httpx."""

from __future__ import annotations

from typing import TypedDict

import httpx

from tidegate_client.errors import InvalidArgument
from tidegate_client.wire import Answer, Lost, Request

_CONNECT_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 20
_ANSWER_SECONDS = 9.0  # for the answer behind a wait; API Gateway ends every call after 29 s


class Options(TypedDict):
    """The options that httpx's two clients share."""

    auth: httpx.Auth | None
    timeout: httpx.Timeout
    headers: dict[str, str]
    trust_env: bool


def options(auth: httpx.Auth | None, timeout_seconds: float, trust_env: bool) -> Options:
    """Returns the options of an httpx client. `trust_env` heeds the proxies that the environment names."""
    return {
        "auth": auth,
        "timeout": httpx.Timeout(timeout_seconds, connect=min(_CONNECT_SECONDS, timeout_seconds)),
        "headers": {"accept": "application/json"},
        "trust_env": trust_env,
    }


def longest_wait_seconds(timeout_seconds: float) -> int:
    """Returns for how long the API may be asked to wait, so that it answers within the bound of a request."""
    return max(0, min(_LONGEST_WAIT_SECONDS, int(timeout_seconds - _ANSWER_SECONDS)))


def base_url(url: str) -> str:
    """Returns the URL that goes before `/v1/...`. Raises InvalidArgument for text that is no URL."""
    if not url.startswith(("https://", "http://")):
        raise InvalidArgument(
            f"{url!r} is not a URL; it must begin with https://, and is the stack's output ApiUrl"
        )
    return url.rstrip("/").removesuffix("/v1")


def headers_of(request: Request) -> dict[str, str]:
    """Returns the headers that a request needs beside those of every request."""
    headers = {} if request.body is None else {"content-type": "application/json"}
    return (
        headers
        if request.idempotency_key is None
        else {**headers, "idempotency-key": request.idempotency_key}
    )


def answer_of(response: httpx.Response) -> Answer:
    """Returns httpx's response as an answer."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, response.reason_phrase, headers, response.content)


def lost(error: httpx.TransportError) -> Lost:
    """Returns a request that got no answer."""
    return Lost(str(error) or type(error).__name__)


def nothing(request: Request, answer: Answer | Lost) -> None:
    """Does nothing about a repeat."""
