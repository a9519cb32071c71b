"""Requests and answers as values. No code here sends anything."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from tidegate_client.errors import InvalidArgument

T = TypeVar("T")
Json = dict[str, Any]
Parameter = str | int | float | bool | Sequence[str] | None
"""The value of a query parameter. None leaves it out, and a sequence repeats it."""

MAX_KEY_CHARACTERS = 128
"""The longest idempotency key that the API takes."""
MAX_BODY_BYTES = 6 * 1024 * 1024 - 64 * 1024
"""The largest body that reaches the API, as a JSON string with its quotation marks escaped.

Source: AWS Lambda quotas (6 MB for the event of a function, which carries the body as such a string).
"""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` begins with `/v1/`, and `body` is a JSON object or None."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    idempotency_key: str | None = None

    @property
    def target(self) -> str:
        """Returns the path with its query."""
        # A signature needs a blank encoded as %20, not as +.
        return f"{self.path}?{urlencode(self.query, quote_via=quote, safe='')}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request. The names of `headers` are in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def why(self) -> str:
        """Returns the reason of a repeat because of this answer."""
        return f"the API answered {self.status}"


@dataclass(frozen=True, slots=True)
class Lost:
    """A request without an answer. `why` is the transport's reason."""

    why: str


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """A request, and the reader that makes a typed value of its answer."""

    request: Request
    read: Callable[[Json], T]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `cursor` fetches the next page and is None on the last. `raw` is the API's answer."""

    items: tuple[T, ...]
    cursor: str | None
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """The request for a list's first page, and the reader of its pages."""

    request: Request
    read: Callable[[Json], Page[T]]

    def at(self, cursor: str | None) -> Operation[Page[T]]:
        """Returns the operation that reads the page at a cursor; None is the first page."""
        query = self.request.query if cursor is None else (*self.request.query, ("cursor", cursor))
        return Operation(replace(self.request, query=query), self.read)


def request(
    method: str,
    path: str,
    *parts: str,
    body: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
    **query: Parameter,
) -> Request:
    """Returns a request. Each `{}` of `path` is filled with one of `parts`, encoded as one part of a path.

    A trailing underscore of a query parameter is dropped, because `from` is a keyword of Python. Raises InvalidArgument
    for a part that would name another path.
    """
    filled = path.format(*map(_part, parts))
    pairs = tuple(pair for name, value in query.items() for pair in _pairs(name.removesuffix("_"), value))
    return Request(method, filled, pairs, body, idempotency_key)


def key_or_new(key: str | None) -> str:
    """Returns the idempotency key, or a new one for None. Raises InvalidArgument for a key that no header can hold."""
    if key is None:
        return str(uuid.uuid4())
    if (
        key != key.strip()
        or not (key.isascii() and key.isprintable())
        or not 1 <= len(key) <= MAX_KEY_CHARACTERS
    ):
        raise InvalidArgument(
            f"the idempotency key must have 1 to {MAX_KEY_CHARACTERS} printable ASCII characters, "
            "no blank at either end"
        )
    return key


def _part(text: str) -> str:
    if not text.strip("."):
        raise InvalidArgument(f"{text!r} is no id or name")
    return quote(text, safe="")


def _pairs(name: str, value: Parameter) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, bool):
        return [(name, "true" if value else "false")]
    if isinstance(value, str | int | float):
        return [(name, str(value))]
    return [(name, each) for each in value]
