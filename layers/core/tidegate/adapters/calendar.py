"""The calendar by cronsim, with the time zones of the package tzdata, so that every host knows the same ones.

Daylight saving time is treated as Debian's cron treats it: where the hour and the minute are fixed, a time that the
clock leaps over comes when the leap ends, and a time that the clock shows twice comes the first time alone. Expressions
with a star in one of the two follow the time that passes.
Source: the documentation of cronsim; crontab(5) of Debian.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from importlib import resources
from itertools import islice
from zoneinfo import ZoneInfo

from tidegate.domain.errors import InvalidRequest
from tidegate.domain.suggestions import did_you_mean
from tidegate.domain.timetables.timetable import Cron

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FIELDS = 5
_ZONES_KEPT = 64
_MINUTE_MS = 60_000
_WIDER = 4  # times as wide as the search before
_PARSED_AT_MS = 1_767_225_600_000  # any moment: the check of an expression looks for a time after it


class CronsimCalendar:
    """Computes times of cron expressions; see ports.Calendar."""

    def check(self, cron: Cron) -> None:
        """Raises InvalidRequest where the expression or the zone can't be read, or no time follows from it."""
        if cron.zone not in _zone_names():
            raise InvalidRequest.of(
                "zone",
                f"{cron.zone!r} is no time zone; name one like Europe/Berlin or UTC"
                f"{did_you_mean(cron.zone, sorted(_zone_names()))}",
            )
        fields = len(cron.expression.split())
        if fields != _FIELDS:
            raise InvalidRequest.of(
                "cron",
                f"has {fields} fields; give five: minute, hour, day of the month, month and day of the week, "
                "like 0 6 * * MON-FRI",
            )
        fault = _fault_of(cron)
        if fault:
            raise InvalidRequest.of("cron", fault)

    def following(self, cron: Cron, after_ms: int, up_to_ms: int, *, limit: int) -> Sequence[int]:
        """Returns the first `limit` times after `after_ms` and up to `up_to_ms`, in order."""
        return list(islice(_ordered(cron, after_ms, up_to_ms), limit))

    def latest(self, cron: Cron, after_ms: int, up_to_ms: int, *, limit: int) -> Sequence[int]:
        """Returns the latest `limit` times after `after_ms` and up to `up_to_ms`, in order.

        Walks forwards from ever earlier moments until it has found enough: cronsim's walk backwards comes by other
        times where a clock leaps at midnight or by half an hour. A walk takes 4 microseconds a time.
        """
        width_ms = limit * _MINUTE_MS
        while True:
            begin_ms = max(after_ms, up_to_ms - width_ms)
            found = deque(_ordered(cron, begin_ms, up_to_ms), maxlen=limit)
            if len(found) == limit or begin_ms == after_ms:
                return list(found)
            width_ms *= _WIDER

    def local(self, at_ms: int, zone: str) -> str:
        """Returns a moment on the clock of a zone with its offset, such as 2026-12-01T06:00:00+01:00."""
        return _local(at_ms, zone).isoformat(timespec="seconds")


def _ordered(cron: Cron, after_ms: int, up_to_ms: int) -> Iterator[int]:
    """Yields the times after `after_ms` and up to `up_to_ms`, in order.

    Where a clock is set back, cronsim begins with local times whose moment has passed.
    """
    last_ms = after_ms
    for at_ms in _walk(cron, after_ms):
        if at_ms > up_to_ms:
            return
        if at_ms > last_ms:
            yield at_ms
            last_ms = at_ms


def _walk(cron: Cron, after_ms: int) -> Iterator[int]:
    """Yields the times of an expression after a moment, as cronsim does. It ends where none follows in 50 years."""
    from cronsim import (
        CronSim,
    )  # loaded when it is first needed, because most runs of a function never need it

    try:
        for moment in CronSim(cron.expression, _local(after_ms, cron.zone)):
            yield (moment - _EPOCH) // _MILLISECOND
    except (OverflowError, ValueError):
        return  # beyond the years that Python knows


def _fault_of(cron: Cron) -> str | None:
    """Returns what is wrong with an expression, None where a time follows from it."""
    from cronsim import CronSimError

    try:
        if next(_walk(cron, _PARSED_AT_MS), None) is None:
            return "names a time that never comes; correct the day or the month"
    except (CronSimError, AssertionError, ValueError) as error:
        reason = str(error).removeprefix("Bad ") or "a field"
        return f"can't be read: {reason} is wrong; an example is 0 6 * * MON-FRI"
    return None


def _local(at_ms: int, zone: str) -> datetime:
    return (_EPOCH + at_ms * _MILLISECOND).astimezone(_zone(zone))


@lru_cache(maxsize=_ZONES_KEPT)
def _zone(name: str) -> tzinfo:
    """Returns a zone from the package tzdata, never from the machine."""
    if name == "UTC":
        return UTC
    if name not in _zone_names():
        raise InvalidRequest.of("zone", f"{name!r} is no time zone that this release knows")
    place = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with place.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
