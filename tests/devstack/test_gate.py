"""The gate before the emulator, with an emulator and a guard that note what reaches them."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from tidegate_devstack import gate
from tidegate_devstack.gate import BodyCheck, Gate, Refusal, Request
from tidegate_devstack.signatures import Signatures

PORT = 4_566
HOST = (b"host", b"127.0.0.1:4566")


class Noting:
    """Stands for both the application behind the gate and its guard, which trusts every request or none."""

    def __init__(self, *, trusts: bool = True) -> None:
        self.trusts = trusts
        self.reached: list[tuple[str, bytes]] = []
        self.judged: list[str] = []

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        self.reached.append((scope["path"], body))
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def judge(self, request: Request) -> Refusal | BodyCheck:
        self.judged.append("head")
        return self._check if self.trusts else Refusal(403, b"unsigned")

    def _check(self, body: bytes) -> None:
        self.judged.append(f"body {len(body)}")


def asked(
    inner: Noting,
    *headers: tuple[bytes, bytes],
    method: str = "POST",
    path: str = "/",
    kind: str = "http",
    parts: tuple[bytes, ...] = (b"",),
    also_open: tuple[str, ...] = (),
) -> list[MutableMapping[str, Any]]:
    """Returns the gate's answer to a request, message by message."""
    sent: list[MutableMapping[str, Any]] = []
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": list(headers),
    }
    coming = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, start=1)
    ]

    async def receive() -> MutableMapping[str, Any]:
        return coming.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Gate(inner, PORT, inner, also_open=also_open)(scope, receive, send))
    return sent


def status(sent: list[MutableMapping[str, Any]]) -> int:
    return int(sent[0]["status"])


def test_a_request_for_this_stack_passes_whole() -> None:
    inner = Noting()
    assert status(asked(inner, HOST, path="/bucket/key", parts=(b"ab", b"cd"))) == 200
    assert inner.reached == [("/bucket/key", b"abcd")]
    assert inner.judged == ["head", "body 4"]
    assert status(asked(inner, (b"Host", b"localhost:4566"))) == 200


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((b"host", b"127.0.0.1"),),
        ((b"host", b"127.0.0.1:4567"),),
        ((b"host", b"evil.example:4566"),),
        ((b"host", b"127.0.0.1:4566.evil.example"),),
        ((b"host", b"bucket.s3.localhost:4566"),),
        ((b"host", b"abc.execute-api.localhost:4566"),),
        ((b"host", b"[::1]:4566"),),
        (HOST, (b"host", b"evil.example")),
        (HOST, (b"Origin", b"null")),
        (HOST, (b"origin", b"http://127.0.0.1:4566")),
        (HOST, (b"referer", b"http://evil.example/")),
        (HOST, (b"cookie", b"a=b")),
        (HOST, (b"sec-fetch-site", b"none")),
        (HOST, (b"Sec-Fetch-Mode", b"no-cors")),
        (HOST, (b"sec-ch-ua", b"x")),
        (HOST, (b"access-control-request-method", b"POST")),
        (HOST, (b"authorization", b"a"), (b"authorization", b"b")),
        (HOST, (b"x-amz-date", b"a"), (b"x-amz-date", b"b")),
    ],
)
def test_another_host_and_a_browser_are_refused_before_anything_else(
    headers: tuple[tuple[bytes, bytes], ...],
) -> None:
    inner = Noting()
    for path in ("/", gate.HEALTH_PATH, "/bucket/key"):
        assert status(asked(inner, *headers, path=path)) in (400, 403)
    assert (inner.reached, inner.judged) == ([], [])


OF_ITS_OWN = [
    (
        (b"origin", b"http://127.0.0.1:4566"),
        (b"sec-fetch-site", b"same-origin"),
        (b"sec-fetch-mode", b"cors"),
    ),
    ((b"referer", b"http://127.0.0.1:4566/login"), (b"cookie", b"of=another server")),
    ((b"sec-fetch-site", b"none"), (b"sec-ch-ua", b"x")),
]
OF_OTHERS = [
    ((b"origin", b"null"),),
    ((b"referer", b"http://evil.example/"),),
    ((b"referer", b"http://127.0.0.1:45667/"),),
    ((b"origin", b"http://evil.example"),),
    ((b"origin", b"http://127.0.0.1:4567"),),
    ((b"origin", b"http://localhost:4566"),),
    ((b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"no-cors"), (b"sec-fetch-dest", b"image")),
    ((b"sec-fetch-site", b"same-site"), (b"sec-fetch-mode", b"cors")),
    ((b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"navigate"), (b"sec-fetch-dest", b"iframe")),
]
SIGN_IN = [
    ("GET", "/oauth2/authorize"),
    ("POST", "/login"),
    ("POST", "/oauth2/token"),
    ("GET", "/logout"),
    ("GET", "/us-east-1_AbC123/.well-known/openid-configuration"),
    ("GET", "/us-east-1_AbC123/.well-known/jwks.json"),
]


@pytest.mark.parametrize(("method", "path"), SIGN_IN)
def test_people_sign_in_without_a_signature_on_pages_of_the_stack(method: str, path: str) -> None:
    for headers in ((), *OF_ITS_OWN):
        inner = Noting(trusts=False)
        assert status(asked(inner, HOST, *headers, method=method, path=path)) == 200
        assert inner.judged == []
    for headers in OF_OTHERS:
        inner = Noting(trusts=False)
        assert status(asked(inner, HOST, *headers, method=method, path=path)) == 403
        assert inner.reached == []


def test_pages_of_the_stack_call_apis_which_ask_for_what_they_need() -> None:
    path = "/_aws/execute-api/id/live/v1/jobs"
    for headers in OF_ITS_OWN:
        inner = Noting()
        assert status(asked(inner, HOST, *headers, path=path)) == 200
        assert inner.judged == ["head", "body 0"]
        assert status(asked(Noting(trusts=False), HOST, *headers, path=path)) == 403
    for headers in OF_OTHERS:
        assert status(asked(Noting(), HOST, *headers, path=path)) == 403


def test_a_link_of_another_page_opens_a_page_and_sends_no_form() -> None:
    link = (
        (b"sec-fetch-site", b"cross-site"),
        (b"sec-fetch-mode", b"navigate"),
        (b"sec-fetch-dest", b"document"),
    )
    assert status(asked(Noting(), HOST, *link, method="GET", path="/oauth2/authorize")) == 200
    assert status(asked(Noting(), HOST, *link, method="POST", path="/login")) == 403
    assert status(asked(Noting(), HOST, *link, method="GET", path="/bucket/key")) == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/oauth2/authorize"),
        ("GET", "/login"),
        ("GET", "/oauth2/token"),
        ("POST", "/us-east-1_AbC123/.well-known/jwks.json"),
        ("GET", "/bucket/us-east-1_AbC123/.well-known/jwks.json"),
        ("GET", "/us-east-1_AbC123/.well-known/other"),
    ],
)
def test_nothing_else_of_the_sign_in_is_open_without_a_signature(method: str, path: str) -> None:
    inner = Noting(trusts=False)
    assert status(asked(inner, HOST, method=method, path=path)) == 403
    assert inner.reached == []


def test_a_preflight_and_a_websocket_are_refused() -> None:
    inner = Noting()
    assert status(asked(inner, HOST, method="OPTIONS")) == 403
    sent = asked(inner, HOST, kind="websocket", path="/_aws/execute-api/id/live")
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert (inner.reached, inner.judged) == ([], [])


def test_health_is_answered_without_the_emulator() -> None:
    inner = Noting(trusts=False)
    for method in ("GET", "HEAD"):
        assert status(asked(inner, HOST, method=method, path=gate.HEALTH_PATH)) == 200
    assert status(asked(inner, HOST, method="POST", path=gate.HEALTH_PATH)) == 403
    assert inner.reached == []


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset",
        "/_ministack/health/",
        "/_localstack/health",
        "/_aws/lambda-url/id/",
        "/_alb/name/",
        "/_bench/usage",
        "/oauth2/revoke",
        "/oauth2/idpresponse",
        "/v20180820/tags/x",
        "/iceberg/v1/config",
        "http://127.0.0.1:4566/",
    ],
)
def test_the_emulators_own_routes_are_closed_to_signed_requests_too(path: str) -> None:
    inner = Noting()
    assert status(asked(inner, HOST, path=path)) in (400, 403)
    assert inner.reached == []


def test_a_path_of_a_benchmark_is_open_to_signed_requests_alone() -> None:
    inner = Noting()
    assert status(asked(inner, HOST, path="/_bench/usage", also_open=("/_bench/",))) == 200
    inner = Noting(trusts=False)
    assert status(asked(inner, HOST, path="/_bench/usage", also_open=("/_bench/",))) == 403


def test_an_unsigned_request_is_refused_before_its_body_is_read() -> None:
    inner = Noting(trusts=False)
    assert status(asked(inner, HOST, parts=())) == 403  # the request has no body to receive
    assert inner.judged == ["head"]


def test_a_body_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MOST_BODY_BYTES", 4)
    inner = Noting()
    assert status(asked(inner, HOST, parts=(b"abcd",))) == 200
    assert status(asked(inner, HOST, parts=(b"abc", b"de", b"never read"))) == 413
    assert [body for _, body in inner.reached] == [b"abcd"]


@pytest.mark.parametrize("seconds", ["9" * 20, "-" + "9" * 20, "1e9", "", "nan"])
def test_an_address_that_names_no_possible_time_is_expired(seconds: str) -> None:
    signed_at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"tidegate-local/{signed_at[:8]}/us-east-1/s3/aws4_request",
        "X-Amz-Date": signed_at,
        "X-Amz-Expires": seconds,
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": "0" * 64,
    }
    request = Request("GET", "/bucket/key", "/bucket/key", urlencode(query), [(b"host", b"127.0.0.1:1")])
    judged = Signatures("tidegate-local", "secret").judge(request)
    assert isinstance(judged, Refusal)
    assert 400 <= judged.status < 404
