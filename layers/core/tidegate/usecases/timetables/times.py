"""Finds the scheduled times of timetables."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.job import NEVER_MS
from tidegate.domain.timetables.due import due_at_ms
from tidegate.domain.timetables.timetable import Due, Every, Timetable
from tidegate.ports import Calendar


def following(
    calendar: Calendar, timetable: Timetable, after_ms: int, *, limit: int, up_to_ms: int = NEVER_MS
) -> Sequence[int]:
    """Returns the first `limit` scheduled times after `after_ms` and up to `up_to_ms`, in order.

    Pauses and what was run already don't count. Times are in milliseconds since the epoch.
    """
    after_ms = timetable.begins_after(after_ms)
    return _within(calendar, timetable, after_ms, up_to_ms, limit, latest=False)


def latest(
    calendar: Calendar, timetable: Timetable, after_ms: int, up_to_ms: int, *, limit: int
) -> Sequence[int]:
    """Returns the latest `limit` scheduled times after `after_ms` and up to `up_to_ms`, in order."""
    return _within(calendar, timetable, timetable.begins_after(after_ms), up_to_ms, limit, latest=True)


def in_range(
    calendar: Calendar, timetable: Timetable, from_ms: int, to_ms: int, *, limit: int
) -> Sequence[int]:
    """Returns the first `limit` times of the recurrence from `from_ms` on and before `to_ms`, in order.

    Also those from before the timetable was made or changed, for a backfill. Its start and its end count.
    """
    start_ms = 0 if timetable.start_ms is None else timetable.start_ms
    return _within(calendar, timetable, max(from_ms, start_ms) - 1, to_ms - 1, limit, latest=False)


def _within(
    calendar: Calendar, timetable: Timetable, after_ms: int, up_to_ms: int, limit: int, *, latest: bool
) -> Sequence[int]:
    up_to_ms = up_to_ms if timetable.end_ms is None else min(up_to_ms, timetable.end_ms)
    if up_to_ms <= after_ms:
        return ()
    recurrence = timetable.recurrence
    if isinstance(recurrence, Every):
        find = recurrence.latest if latest else recurrence.following
        return find(after_ms, up_to_ms, limit)
    walk = calendar.latest if latest else calendar.following
    return walk(recurrence, after_ms, up_to_ms, limit=limit)


def next_note(calendar: Calendar, timetable: Timetable, reached_ms: int, now_ms: int) -> Due | None:
    """Returns the note of the next time after `reached_ms`, None if none is to come or the timetable is paused."""
    times = () if timetable.is_paused else following(calendar, timetable, reached_ms, limit=1)
    if not times:
        return None
    at_ms = due_at_ms(timetable, times[0])
    return Due(at_ms, timetable.timetable_id, timetable.version, reached_ms, now_ms)
