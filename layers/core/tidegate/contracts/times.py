"""Times on the wire: RFC 3339 in UTC with milliseconds; inside, milliseconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_wire(at_ms: int | None) -> str | None:
    """`2026-12-01T06:00:00.000Z` for milliseconds since the epoch; None stays None."""
    if at_ms is None:
        return None
    return (_EPOCH + at_ms * _MILLISECOND).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_ms(moment: datetime | None) -> int | None:
    """Milliseconds since the epoch for a time with a zone; None stays None."""
    return None if moment is None else (moment - _EPOCH) // _MILLISECOND
