"""The connection to the API: tidegate_client with the target's credentials, and its errors in the CLI's words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, ParamSpec, Self

import httpx

from tidegate.contracts.requests import MAX_REPORTED
from tidegate.contracts.violations import too_large_numbers
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.limits import MAX_JOBS_PER_WORKFLOW, MAX_PAGE_SIZE
from tidegate_cli.api_answers import objects_of
from tidegate_cli.errors import ApiUnreachable, CliError, UsageError, problem_of_api
from tidegate_cli.target import Target
from tidegate_client import (
    ApiError,
    InvalidArgument,
    RetryPolicy,
    UnexpectedAnswer,
    Unreachable,
)
from tidegate_client import Client as ApiClient
from tidegate_client.wire import Answer, Listing, Lost, Operation, Request

P = ParamSpec("P")
# Ends paging even if the server's cursors form a circle. It leaves room for pages of a single job.
MAX_PAGES = MAX_JOBS_PER_WORKFLOW
# A person waits for the answer, so a 500 is worth another try too. Every call of the API is safe to repeat.
_RETRIES = RetryPolicy(statuses=frozenset({429, 500, 502, 503, 504}))
Parameter = str | Sequence[str] | None  # of a query; a sequence repeats it


class Connection:
    """Sends operations of tidegate_client to a target, and returns the API's JSON as it came.

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
        self._api = ApiClient(
            target.api_url,
            auth=target.signer(),
            retries=_RETRIES,
            on_repeat=self._note_repeat,
            transport=transport,
            trust_env=target.local is None,  # a proxy can't reach this machine's loopback
            sleep=sleep,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._api.close()

    @contextmanager
    def tried_once(self) -> Iterator[None]:
        """Sends each request of the block once at most, for answers that are not worth a long wait."""
        around = self._api.around
        self._api.around = replace(around, retries=replace(around.retries, tries=1))
        try:
            yield
        finally:
            self._api.around = around

    def _ask(
        self, make: Callable[P, Operation[Any]], /, *arguments: P.args, **options: P.kwargs
    ) -> dict[str, Any]:
        """Sends the operation that `make` makes of the arguments, and returns the API's JSON as it came.

        Raises ApiProblem, ApiUnreachable, CliError (this API can't have given such an answer), and UsageError (no
        request can be made of the arguments).
        """
        try:
            operation = make(*arguments, **options)
        except InvalidArgument as error:
            raise UsageError(str(error)) from error
        return self._send(operation)

    def _answers(
        self, listing: Callable[[int], Listing[Any]], name: str, limit: int
    ) -> Iterator[dict[str, Any]]:
        """Yields the pages of a list up to the one with its `limit`th item; a page's items stand in its field `name`.

        `listing` makes the list for a size of page. Pages without items are yielded too.
        """
        cursor: str | None = None
        found = 0
        for _ in range(MAX_PAGES):
            answer = self._send(listing(min(limit - found, MAX_PAGE_SIZE)).at(cursor))
            yield answer
            found += len(objects_of(answer, name))
            cursor = answer.get("cursor")
            if cursor is None or found >= limit:
                return
        raise CliError(f"the listing did not end within {MAX_PAGES:,} pages; narrow it with another filter")

    def _list(self, listing: Callable[[int], Listing[Any]], name: str, limit: int) -> list[Mapping[str, Any]]:
        """Returns at most `limit` items of a list, which stand in the field `name` of its pages."""
        pages = self._answers(listing, name, limit)
        return [item for page in pages for item in objects_of(page, name)][:limit]

    def _send(self, operation: Operation[Any]) -> dict[str, Any]:
        request = operation.request
        try:
            answer = self._api.raw(operation)
        except InvalidArgument as error:
            numbers = list(too_large_numbers(request.body, MAX_REPORTED))
            raise UsageError(str(InvalidRequest(numbers) if numbers else error)) from error
        except ApiError as error:
            raise problem_of_api(error) from error
        except Unreachable as error:
            hint = "run `tidegate local up`" if self._target.local else "check --api-url and the network"
            raise ApiUnreachable(f"no answer from {self._target.api_url} ({error.why}): {hint}") from error
        except UnexpectedAnswer as error:
            raise CliError(
                f"{self._target.api_url}{request.target} did not answer with a JSON object; "
                "is --api-url a tidegate API?"
            ) from error
        if request.method != "GET" and self._tell is not None:
            self._tell(f"deployment: {self._target.title}")
            self._tell = None
        return answer

    def _note_repeat(self, request: Request, answer: Answer | Lost) -> None:
        was_refused = isinstance(answer, Answer) and answer.status == httpx.codes.TOO_MANY_REQUESTS
        if request.method != "GET" and not was_refused:  # a refused request did nothing
            self.repeats += 1
            self.on_repeat(answer.why)
