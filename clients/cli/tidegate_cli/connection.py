"""The connection to the API: signing, bounded time, and repeats where they are safe."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx

from tidegate.contracts.requests import refuse_if_too_large, too_large_numbers
from tidegate.domain.backoff import doubled
from tidegate.domain.errors import BodyTooLarge, InvalidRequest
from tidegate_cli.api_answers import MAX_BACKOFF_SECONDS, read_answer, retry_after_seconds
from tidegate_cli.errors import ApiUnreachable, UsageError
from tidegate_cli.signing import SigV4
from tidegate_cli.target import Target

_TRIES = 5
_FIRST_BACKOFF_SECONDS = 0.2
_TIMEOUT = httpx.Timeout(35.0, connect=5.0)  # API Gateway answers within 29 s at the latest
_RETRIED = frozenset({429, 500, 502, 503, 504})
Parameter = str | Sequence[str] | None  # of a query; a sequence repeats it


class Connection:
    """Signs each request, bounds its time (35 s), and repeats it where that is safe.

    When a call that changes something is sent again, its lost answer stays unknown: the first request may have been
    carried out. `on_repeat` is called with the reason each time, and `repeats` counts the times. The target's `tell`
    is called once, after the first call that changed something. `transport` and `sleep` are for tests.
    """

    def __init__(
        self,
        target: Target,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.repeats = 0
        self.on_repeat: Callable[[str], None] = lambda _: None
        self._target = target
        self._tell = target.tell
        self._sleep = sleep
        self._http = httpx.Client(
            auth=SigV4(target),
            timeout=_TIMEOUT,
            transport=transport,
            headers={"accept": "application/json"},
            trust_env=target.local is None,  # a proxy can't reach this machine's loopback
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _get(self, path: str, **parameters: Parameter) -> dict[str, Any]:
        return self._call("GET", with_query(path, **parameters))

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Sends one request, and repeats it after a failure that may pass. Every call of the API is safe to repeat."""
        headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
        content = None
        if body is not None:
            try:
                text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
            except ValueError as error:
                raise UsageError(str(InvalidRequest(list(too_large_numbers(body))))) from error
            try:
                refuse_if_too_large(text)
            except BodyTooLarge as error:
                raise UsageError(str(error)) from error
            content = text.encode()
            headers["content-type"] = "application/json"
        why = ""
        asked_seconds = 0.0
        for attempt in range(_TRIES):
            if attempt:
                self._sleep(max(asked_seconds, _backoff_seconds(attempt)))
            try:
                response = self._http.request(
                    method, self._target.api_url + path, content=content, headers=headers
                )
            except httpx.TransportError as error:
                why = str(error) or type(error).__name__
                self._note_repeat(method, why)
                continue
            if response.status_code not in _RETRIED or attempt == _TRIES - 1:
                answer = read_answer(response)
                if method != "GET":
                    self._name_deployment()
                return answer
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:  # nothing was done then
                self._note_repeat(method, f"the API answered {response.status_code}")
            asked_seconds = retry_after_seconds(response)
        raise ApiUnreachable(self._unreachable(why))

    def _note_repeat(self, method: str, why: str) -> None:
        if method != "GET":
            self.repeats += 1
            self.on_repeat(why)

    def _name_deployment(self) -> None:
        if self._tell is not None:
            self._tell(f"deployment: {self._target.title}")
            self._tell = None

    def _unreachable(self, why: str) -> str:
        hint = "run `tidegate local up`" if self._target.local else "check --api-url and the network"
        return f"no answer from {self._target.api_url} ({why}): {hint}"


def part_of_path(checked: str) -> str:
    """Returns a checked name or id, encoded as one part of a path."""
    return quote(checked, safe="")


def with_query(path: str, **parameters: Parameter) -> str:
    """Returns the path with its query; parameters that are None or empty are left out."""
    given = {name: value for name, value in parameters.items() if value not in (None, [])}
    if not given:
        return path
    # The signature needs a blank encoded as %20, not as +.
    return f"{path}?{urlencode(given, doseq=True, quote_via=quote, safe='')}"


def _backoff_seconds(attempt: int) -> float:
    ceiling = doubled(_FIRST_BACKOFF_SECONDS, attempt + 1, MAX_BACKOFF_SECONDS)
    return random.uniform(0, ceiling)  # full jitter, not a secret  # nosec B311
