"""Times on the wire: RFC 3339 in UTC with milliseconds. Inside tidegate they are milliseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias

from pydantic import WithJsonSchema

# A time in an answer, as `to_wire` writes it.
Time: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def to_wire(at_ms: int | None) -> str | None:
    """Returns `2026-12-01T06:00:00.000Z` for milliseconds since the epoch; None stays None."""
    if at_ms is None:
        return None
    return (_EPOCH + at_ms * _MILLISECOND).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_ms(moment: datetime | None) -> int | None:
    """Returns milliseconds since the epoch for a time with a zone; None stays None."""
    return None if moment is None else (moment - _EPOCH) // _MILLISECOND


def ms_from_wire(text: str | None) -> int | None:
    """Returns milliseconds since the epoch for a time that a client sent as text; None stays None.

    Raises ValueError where it is no RFC 3339 time from 1970 on.
    """
    moment = read_moment(text)
    return to_ms(moment) if isinstance(moment, datetime) else None


def read_moment(value: object) -> object:
    """Returns the time that a client sent; None stays None.

    Raises ValueError where it is no RFC 3339 time from 1970 on.
    """
    if value is None:
        return None
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError:
            pass  # no such time, like the 30th of February or a 25th hour
        else:
            if moment >= _EPOCH:
                return moment
    raise ValueError("must be a time with a zone, from 1970 on, like 2026-12-01T06:00:00Z")


def moment_ms(text: str) -> int:
    """Returns the time that a text names, in milliseconds since the epoch. Raises ValueError as `read_moment` does."""
    moment = read_moment(text)
    if not isinstance(moment, datetime):
        raise TypeError(moment)
    return (moment - _EPOCH) // _MILLISECOND
