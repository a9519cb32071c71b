"""The gate before the emulator: passes on the requests that a client of this home's stack may send, and refuses others.

The emulator listens on the loopback, where every user of the machine and every page of a browser can reach it. So a
request must name this stack as its host, and must carry a signature (signatures.py), unless the API's own method asks
for none. It must not come from a browser, except that APIs and the pages on which people sign in answer pages of this
stack itself, and people who open them. The emulator's own routes are closed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

HEALTH_PATH = "/_ministack/health"
EXECUTE_API_PATH = "/_aws/execute-api/"
MOST_BODY_BYTES = 64 * 1024 * 1024

# Routes of services that the local stack does not use. The emulator serves them before it looks at a request's service.
# The first prefix closes no bucket, because no bucket's name begins with an underscore.
_CLOSED_PATHS = (
    "/_",
    "/BatchExecute",
    "/BeginTransaction",
    "/CommitTransaction",
    "/Execute",
    "/RollbackTransaction",
    "/WriteGetObjectResponse",
    "/iceberg",
    "/login",
    "/logout",
    "/oauth2/",
    "/v2/",
    "/v20180820/",
)
# Where people sign in, and what their programs ask there. On AWS they are open too, at an address of the pool's own.
_SIGN_IN = frozenset(
    {
        ("GET", "/logout"),
        ("GET", "/oauth2/authorize"),
        ("GET", "/oauth2/userInfo"),
        ("POST", "/login"),
        ("POST", "/oauth2/token"),
    }
)
_POOL_KEYS = re.compile(r"/[a-z0-9-]+_[A-Za-z0-9]+/\.well-known/(jwks\.json|openid-configuration)")
_ONCE = (
    b"host",
    b"authorization",
    b"content-length",
    b"x-amz-date",
    b"x-amz-security-token",
    b"x-amz-content-sha256",
)
# A browser sends at least one of these headers with nearly every request, and no AWS client sends any. A cookie may be
# another server's of this machine, because cookies know no ports.
_OF_BROWSERS = (b"origin", b"referer", b"cookie", b"access-control-request-method")
_OF_BROWSERS_PREFIX = b"sec-"


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its body.

    `path` is decoded, `raw_path` and `query` are as sent. Names of headers are in lower case.
    """

    method: str
    path: str
    raw_path: str
    query: str
    headers: Headers

    def header(self, name: bytes) -> str | None:
        """Returns the first value of the header `name` (in lower case); None without one."""
        return next((value.decode("latin-1") for found, value in self.headers if found == name), None)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that is refused."""

    status: int
    body: bytes
    content_type: str = "application/json"


BodyCheck = Callable[[bytes], Refusal | None]
"""Judges a request by its body, and returns a refusal; None if it may pass."""


class Guard(Protocol):
    """Judges requests by their signatures."""

    def judge(self, request: Request) -> Refusal | BodyCheck:
        """Judges a request by its headers. Returns a refusal, or the check that judges its body."""


class Gate:
    """An ASGI application that wraps the emulator's."""

    def __init__(self, inner: App, port: int, guard: Guard, *, also_open: Sequence[str] = ()) -> None:
        """Passes requests for the loopback's `port` on to `inner`, if `guard` accepts them.

        `also_open` are paths that begin with an underscore and are open to signed requests all the same.
        """
        self._inner = inner
        self._hosts = frozenset((f"127.0.0.1:{port}", f"localhost:{port}"))
        self._guard = guard
        self._also_open = (EXECUTE_API_PATH, *also_open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses a request itself, or passes it on with its body."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _request_of(scope)
        refusal = self._by_form(request)
        if refusal is None and request.path == HEALTH_PATH:
            refusal = (
                _HEALTHY if request.method in ("GET", "HEAD") else _refused("ask for the health with GET")
            )
        judged = refusal or (_let_pass if _signs_in(request) else self._guard.judge(request))
        if isinstance(judged, Refusal):
            await _send(send, judged)
            return
        body = await _read(receive)
        if body is None:
            return  # the client disconnected
        if len(body) > MOST_BODY_BYTES:
            refusal = Refusal(413, _message(f"the local stack takes bodies of up to {MOST_BODY_BYTES} bytes"))
        else:
            refusal = judged(body)
        if refusal is not None:
            await _send(send, refusal)
            return
        await self._inner(scope, _again(body, receive), send)

    def _by_form(self, request: Request) -> Refusal | None:
        names = [name for name, _ in request.headers]
        doubled = next((name for name in _ONCE if names.count(name) > 1), None)
        if doubled is not None:
            return _refused(f"the header {doubled.decode()} appears more than once", 400)
        if request.header(b"host") not in self._hosts:
            return _refused(
                "this is a local stack of tidegate; requests must name its own address as their host"
            )
        of_browser = any(name in _OF_BROWSERS or name.startswith(_OF_BROWSERS_PREFIX) for name in names)
        if request.method == "OPTIONS" or (of_browser and not self._is_for_browsers(request)):
            return _refused("a local stack of tidegate answers no browser, except for pages of its own")
        if not request.path.startswith("/"):
            return _refused("the target of a request must be a path", 400)
        is_open = (
            request.path == HEALTH_PATH or _signs_in(request) or request.path.startswith(self._also_open)
        )
        if not is_open and request.path.startswith(_CLOSED_PATHS):
            return _refused("this route of the emulator is closed in a local stack of tidegate")
        return None

    def _is_for_browsers(self, request: Request) -> bool:
        """True if a browser may send this: a page of this stack did, or a person who opens one.

        A page of another origin can neither read an answer nor send a body. Source: Fetch Metadata Request Headers.
        """
        if not (_signs_in(request) or request.path.startswith(EXECUTE_API_PATH)):
            return False
        own = f"http://{request.header(b'host')}"
        origin, site = request.header(b"origin"), request.header(b"sec-fetch-site")
        referer = request.header(b"referer")
        if origin is not None and origin != own:
            return False
        if site is None and referer is not None and not referer.startswith(f"{own}/"):  # an old browser
            return False
        opens = (request.method, request.header(b"sec-fetch-mode"), request.header(b"sec-fetch-dest"))
        return site in (None, "none", "same-origin") or opens == ("GET", "navigate", "document")


def _signs_in(request: Request) -> bool:
    is_of_keys = request.method == "GET" and _POOL_KEYS.fullmatch(request.path) is not None
    return is_of_keys or (request.method, request.path) in _SIGN_IN


def _let_pass(_body: bytes) -> None:
    """Accepts any body."""


def _request_of(scope: Scope) -> Request:
    return Request(
        method=scope["method"],
        path=scope["path"],
        raw_path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=[(name.lower(), value) for name, value in scope["headers"]],
    )


async def _read(receive: Receive) -> bytes | None:
    """Returns the body; None if the client disconnects. It stops reading once it has more than MOST_BODY_BYTES."""
    parts: list[bytes] = []
    size = 0
    while size <= MOST_BODY_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Returns a `receive` that delivers the body, which was read already, and then the client's next messages."""
    handed_out = False

    async def once_more() -> MutableMapping[str, Any]:
        nonlocal handed_out
        if handed_out:
            return await receive()
        handed_out = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more


async def _send(send: Send, answer: Refusal) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _refused(message: str, status: int = 403) -> Refusal:
    return Refusal(status, _message(message))


def _message(message: str) -> bytes:
    return json.dumps({"message": message}).encode()


_HEALTHY = Refusal(200, b'{"status": "ok"}')
