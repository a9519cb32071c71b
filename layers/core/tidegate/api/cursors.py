"""Binds cursors to the request that they continue, in one way for all routes.

A use case makes the text with which its next call continues. The client gets that text packed, with a mark of the
request's path and query parameters, and for an act in bulk of the body's filter. A cursor that comes back with another
path or another filter is refused. The mark is no secret: a use case still checks what it gets, because a client may
make a cursor itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tidegate.domain.errors import InvalidRequest

_LONGEST = 16_384  # characters of a cursor that a client sends
_LARGEST = 65_536  # bytes of what it holds
_MARK_BYTES = 6
# The size of a page may change from page to page, and a forecast does not change which rows a list has.
_BESIDE_THE_QUERY = frozenset({"cursor", "limit", "forecast"})
_REFUSED = (
    "is not a cursor of this request; pass the cursor of the last answer to the same path with the same parameters, or "
    "leave it out to start over"
)


def cursor_of(router: BaseRouter) -> str | None:
    """Returns the text with which the use case continues, None to begin.

    Raises InvalidRequest for a cursor that is malformed or comes from another path or other parameters.
    """
    return read_cursor(router, router.current_event.query_string_parameters.get("cursor"))


def read_cursor(router: BaseRouter, given: str | None, bound_to: str = "") -> str | None:
    """Returns the text with which the use case continues, for a cursor that may have come in the body.

    `bound_to` is the part of the body that the cursor holds for. Raises as `cursor_of` does.
    """
    if given is None:
        return None
    try:
        return _unpacked(given, _mark(router, bound_to))
    except (ValueError, zlib.error) as error:
        raise InvalidRequest.of("cursor", _REFUSED) from error


def next_cursor(router: BaseRouter, continues: str | None, bound_to: str = "") -> str | None:
    """Returns the cursor that a client sends to continue this request, None where `continues` is: at the end."""
    if continues is None:
        return None
    packed = _mark(router, bound_to) + zlib.compress(continues.encode(), 9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _unpacked(cursor: str, mark: bytes) -> str:
    """Returns what a cursor with this mark holds. Raises ValueError or zlib.error where it is malformed or foreign."""
    if len(cursor) > _LONGEST or not cursor.isascii():
        raise ValueError("no cursor")
    packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    if packed[:_MARK_BYTES] != mark:
        raise ValueError("of another request")
    reader = zlib.decompressobj()
    held = reader.decompress(packed[_MARK_BYTES:], _LARGEST)
    if not reader.eof or reader.unused_data:
        raise ValueError("cut or too large")
    return held.decode()


def _mark(router: BaseRouter, bound_to: str) -> bytes:
    event = router.current_event
    given = event.multi_value_query_string_parameters or {}
    query = {name: sorted(values) for name, values in given.items() if name not in _BESIDE_THE_QUERY}
    text = json.dumps([event.path, query, *([bound_to] if bound_to else [])], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=_MARK_BYTES).digest()
