"""Authorization by a bearer token. `sigv4` signs with AWS credentials instead."""

from __future__ import annotations

from collections.abc import Callable, Generator

import httpx


class Bearer(httpx.Auth):
    """Sends a token with each request. A callable is asked each time, also before a repeat, so it may renew it."""

    def __init__(self, token: str | Callable[[], str]) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "Bearer(...)"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the token to the request, and sends it."""
        token = self._token if isinstance(self._token, str) else self._token()
        request.headers["Authorization"] = f"Bearer {token}"
        yield request
