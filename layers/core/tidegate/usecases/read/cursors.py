"""The cursors of listings: text that a client gets with a page and sends back for the next one.

A cursor is URL-safe base64 without padding. Its content belongs to the listing. A client may send anything, so a
listing reads a cursor inside `checked`, which turns every fault of it into the same answer.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tidegate.domain.errors import InvalidRequest

_CHARACTERS = 16_384
_BYTES = 65_536  # after decompression
_BAD_CURSOR = (
    "is not a cursor of this listing; leave it out to start over, or pass the cursor of the last page"
)


@contextmanager
def checked() -> Iterator[None]:
    """Raises InvalidRequest where the block finds that a cursor is malformed, or of another listing."""
    try:
        yield
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, zlib.error) as error:
        raise InvalidRequest.of("cursor", _BAD_CURSOR) from error


def short(content: Sequence[Any]) -> str:
    """Returns the cursor with this content: JSON values that take few characters."""
    return _text(json.dumps(content).encode())


def read_short(cursor: str) -> Any:
    """Returns the content of a cursor that `short` made. To be called inside `checked`."""
    return json.loads(_bytes(cursor))


def packed(content: Sequence[Any]) -> str:
    """Returns the cursor with this content, compressed: JSON values of which there may be many."""
    return _text(zlib.compress(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()))


def read_packed(cursor: str) -> Sequence[Any]:
    """Returns the content of a cursor that `packed` made. To be called inside `checked`."""
    unpacked = zlib.decompressobj().decompress(_bytes(cursor), _BYTES + 1)
    if len(unpacked) > _BYTES:
        raise ValueError("too large")
    content = json.loads(unpacked)
    if not isinstance(content, list):
        raise TypeError(content)
    return content


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(cursor: str) -> bytes:
    if len(cursor) > _CHARACTERS:
        raise ValueError("too long")
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
