"""Signs requests of httpx with AWS Signature Version 4."""

from __future__ import annotations

from collections.abc import Generator

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from tidegate_cli.target import Target

_SERVICE = "execute-api"
_SIGNED_HEADERS = ("host", "content-type", "idempotency-key")
_MADE_HEADERS = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")


class SigV4(httpx.Auth):
    """Signs each request, also each repeated one, with the target's credentials at that moment."""

    requires_request_body = True

    def __init__(self, target: Target) -> None:
        self._target = target

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the headers of the signature to the request, and sends it."""
        unsigned = AWSRequest(
            method=request.method,
            url=str(request.url),
            data=request.content,
            headers={name: request.headers[name] for name in _SIGNED_HEADERS if name in request.headers},
        )
        SigV4Auth(self._target.signing_key(), _SERVICE, self._target.region).add_auth(unsigned)
        for name in _MADE_HEADERS:
            if name in unsigned.headers:
                request.headers[name] = unsigned.headers[name]
        yield request
