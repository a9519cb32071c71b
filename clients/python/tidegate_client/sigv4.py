"""Signs requests with AWS Signature Version 4. It needs the extra `aws` of this package (botocore)."""

from __future__ import annotations

from collections.abc import Callable, Generator

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.session import Session

from tidegate_client.errors import InvalidArgument

_SERVICE = "execute-api"
_SIGNED_HEADERS = ("host", "content-type", "idempotency-key")
_MADE_HEADERS = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")


class SigV4(httpx.Auth):
    """Signs each request, also each repeated one, with the credentials at that moment.

    `credentials` is asked for them each time. Without it they are found as every AWS SDK finds them: in the
    environment, in `profile`, or from the role. Those of a role are renewed before they expire. Raises InvalidArgument
    if none are found.
    """

    requires_request_body = True

    def __init__(
        self,
        region: str,
        *,
        profile: str | None = None,
        credentials: Callable[[], ReadOnlyCredentials] | None = None,
    ) -> None:
        self._region = region
        self._credentials = credentials or _found(profile)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the headers of the signature to the request, and sends it."""
        unsigned = AWSRequest(
            method=request.method,
            url=str(request.url),
            data=request.content,
            headers={name: request.headers[name] for name in _SIGNED_HEADERS if name in request.headers},
        )
        SigV4Auth(self._credentials(), _SERVICE, self._region).add_auth(unsigned)
        for name in _MADE_HEADERS:
            if name in unsigned.headers:
                request.headers[name] = unsigned.headers[name]
        yield request


def _found(profile: str | None) -> Callable[[], ReadOnlyCredentials]:
    session = Session(profile=profile)
    credentials = session.get_credentials()
    if credentials is None:
        raise InvalidArgument("no AWS credentials found: set AWS_PROFILE, name a profile, or log in")

    def frozen() -> ReadOnlyCredentials:
        return credentials.get_frozen_credentials()

    return frozen
