"""The values that a scheduled time puts into a template."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from tidegate.domain.timetables.timetable import Timetable
from tidegate.ports import Calendar

_DATE_CHARACTERS = 10


def utc_text(at_ms: int) -> str:
    """Returns a moment in milliseconds since the epoch as RFC 3339 in UTC, to the millisecond."""
    text = datetime.fromtimestamp(at_ms // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{at_ms % 1_000:03d}Z"


def values_at(calendar: Calendar, timetable: Timetable, scheduled_ms: int) -> Mapping[str, str]:
    """Returns the values of the placeholders for a scheduled time, by their names."""
    local = calendar.local(scheduled_ms, timetable.zone)
    return {"scheduled_time": utc_text(scheduled_ms), "scheduled_date": local[:_DATE_CHARACTERS]}
