"""Sends the console's calls to the deployment with the user's own credentials, and bounds what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

import httpx

from tidegate.console.serving import Served
from tidegate_cli.errors import CliError
from tidegate_cli.target import Target
from tidegate_client.wire import Request

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""The API answers with 6 MB at most; the rest is room for what was compressed on the way."""

SECONDS = 35.0
"""A little longer than the gateway lets the API take."""

PASSED_ON = ("accept", "content-type", "idempotency-key", "if-none-match")
"""The headers of a call that go on to the deployment. The page's own token and cookies of this host never do."""

WITHOUT_CREDENTIALS = "your AWS credentials have ended: log in again, then start `tidegate console` anew"
_ENDED = b"security token included in the request is expired"  # of AWS, for credentials that nobody can renew
_PASSED_BACK = ("content-type", "etag", "retry-after", "x-amzn-requestid")
_OF_EVERY_ANSWER = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Forwarder:
    """Calls one deployment. `transport` is for tests."""

    def __init__(self, target: Target, *, transport: httpx.BaseTransport | None = None) -> None:
        self._base = target.api_url
        self._local = target.local is not None
        self._http = httpx.Client(
            auth=target.signer(),
            timeout=httpx.Timeout(SECONDS, connect=5.0),
            trust_env=target.local is None,  # a proxy can't reach this machine's loopback
            transport=transport,
        )

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def forward(self, request: Request, headers: Mapping[str, str], body: bytes) -> Served:
        """Returns the deployment's answer, or a problem that says why there is none.

        It tries once, because the page repeats its calls itself.
        """
        passed = {name: headers[name] for name in PASSED_ON if name in headers}
        url = f"{self._base}{request.target}"
        try:
            with self._http.stream(request.method, url, headers=passed, content=body or None) as answer:
                content = bytearray()
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > MAX_ANSWER_BYTES:
                        return problem(HTTPStatus.BAD_GATEWAY, "the deployment's answer is too large")
        except CliError as error:  # a sign-in or credentials that have ended
            return problem(HTTPStatus.BAD_GATEWAY, str(error))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            hint = "run `tidegate local up`" if self._local else "check the network"
            return problem(HTTPStatus.BAD_GATEWAY, f"no answer from {self._base} ({error}): {hint}")
        if answer.status_code == HTTPStatus.FORBIDDEN and _ENDED in content:
            return problem(HTTPStatus.BAD_GATEWAY, WITHOUT_CREDENTIALS)
        found = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
        return Served(answer.status_code, {**_OF_EVERY_ANSWER, **found}, bytes(content))


def problem(status: HTTPStatus, detail: str) -> Served:
    """Returns problem details (RFC 9457) of this server's own."""
    found = {
        "type": f"urn:tidegate:problem:http-{int(status)}",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
    }
    headers = {**_OF_EVERY_ANSWER, "Content-Type": "application/problem+json"}
    return Served(int(status), headers, json.dumps(found).encode())
