"""Bounded retries, pages, waits and follows as flows: generators that ask for a request, a pause or a caller.

A flow sends and sleeps nothing itself. `Client` and `AsyncClient` carry its steps out, so both behave the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tidegate_client.errors import ApiError, InvalidArgument, UnexpectedAnswer, Unreachable, api_error
from tidegate_client.wire import MAX_BODY_BYTES, Answer, Json, Listing, Lost, Operation, Page, Request

T = TypeVar("T")
MAX_PAGES = 10_000
"""Ends paging even if a server's cursors form a circle."""
_NOTHING = Lost("the request was not sent")  # a driver resumes every Send with an answer, so nobody sees this
_LONGEST_ESCAPE = 6
"""The most bytes that one character takes in a JSON string, as in \\u0000."""


@dataclass(frozen=True, slots=True)
class Send:
    """Asks for a request to be sent once. The flow is resumed with its Answer, or with Lost."""

    request: Request
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Asks for a pause."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """Gives a value to the caller, and goes on when the caller asks for the next."""

    value: T


Flow = Generator[Send | Sleep, Answer | Lost | None, T]
"""A flow that ends with one value."""
Stream = Generator[Send | Sleep | Emit[T], Answer | Lost | None, None]
"""A flow that gives many values."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The bounds of retries. Every call of the API is safe to repeat, because submissions carry an idempotency key.

    A request is sent at most `tries` times. The pause before repeat n is drawn from 0 to
    `first_pause_seconds` * 2**n, at most `longest_pause_seconds`, and is no shorter than the answer's Retry-After.
    A Retry-After above `longest_pause_seconds` counts as that long. `statuses` are the HTTP statuses that are retried.
    """

    tries: int = 5
    first_pause_seconds: float = 0.2
    longest_pause_seconds: float = 5.0
    statuses: frozenset[int] = frozenset({429, 502, 503, 504})

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise InvalidArgument("a retry policy needs at least one try")

    def pause_seconds(self, repeat: int, asked_seconds: float, chance: float) -> float:
        """Returns the pause before a repeat, counted from 1. `chance` is from 0 to 1."""
        ceiling = min(self.longest_pause_seconds, self.first_pause_seconds * 2.0 ** min(repeat, 30))
        return max(min(asked_seconds, self.longest_pause_seconds), ceiling * chance)


DEFAULT_RETRIES = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The randomness, the clock and the retry policy that flows use. `now` is in seconds, and only ever grows.

    `longest_wait_seconds` is for how long the API may be asked to wait for an end, so that its answer comes in time.
    """

    chance: Callable[[], float]
    now: Callable[[], float]
    retries: RetryPolicy
    on_repeat: Callable[[Request, Answer | Lost], None]
    longest_wait_seconds: int = 0


def exchange(operation: Operation[T], around: Surroundings) -> Flow[T]:
    """Sends a request, repeats it after a failure that may pass, and returns the typed answer.

    Raises ApiError for a refusal, Unreachable after the last try without an answer, and UnexpectedAnswer.
    """
    return operation.read((yield from exchange_json(operation.request, around)))


def exchange_json(request: Request, around: Surroundings) -> Flow[Json]:
    """Does what `exchange` does, and returns the API's JSON as it came."""
    content = _encoded(request)
    retries, send = around.retries, Send(request, content)
    answer = (yield send) or _NOTHING
    for repeat in range(1, retries.tries):
        if isinstance(answer, Answer) and answer.status not in retries.statuses:
            break
        around.on_repeat(request, answer)
        yield Sleep(retries.pause_seconds(repeat, retry_after_seconds(answer), around.chance()))
        answer = (yield send) or _NOTHING
    if isinstance(answer, Lost):
        raise Unreachable(request.method, request.path, answer.why)
    return read_answer(request, answer)


def each_page(listing: Listing[T], around: Surroundings) -> Stream[Page[T]]:
    """Gives the pages of a list, each read when the caller asks for it."""
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = yield from exchange(listing.at(cursor), around)
        yield Emit(page)
        cursor = page.cursor
        if cursor is None:
            return
    raise UnexpectedAnswer(f"{listing.request.path} did not end within {MAX_PAGES:,} pages")


def retry_after_seconds(answer: Answer | Lost) -> float:
    """Returns the seconds that an answer asks to wait, 0 without a Retry-After of whole seconds."""
    asked = answer.headers.get("retry-after", "") if isinstance(answer, Answer) else ""
    return float(asked) if asked.isdecimal() else 0.0


def read_answer(request: Request, answer: Answer) -> Json:
    """Returns the JSON object of a successful answer. Raises ApiError or UnexpectedAnswer."""
    try:
        found: Any = json.loads(answer.content)
    except ValueError:
        found = None
    if not 200 <= answer.status < 300:
        raise _refused(answer, found)
    if not isinstance(found, dict):
        raise UnexpectedAnswer(f"{request.path} did not answer with a JSON object; is this tidegate's API?")
    return found


def _refused(answer: Answer, found: Any) -> ApiError:
    return api_error(answer.status, answer.reason, found if isinstance(found, dict) else {})


def _encoded(request: Request) -> bytes | None:
    if request.body is None:
        return None
    try:
        text = json.dumps(request.body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        content = text.encode()
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"the body can't be sent as JSON: {error}") from error
    if len(text) * _LONGEST_ESCAPE > MAX_BODY_BYTES:  # else its exact size need not be known
        size = len(json.dumps(text, ensure_ascii=False).encode())
        if size > MAX_BODY_BYTES:
            raise InvalidArgument(
                f"the body takes {size:,} bytes as a JSON string, which is how it reaches the API "
                f"({len(content):,} as sent); at most {MAX_BODY_BYTES:,} are allowed: "
                "submit the work as several workflows"
            )
    return content
