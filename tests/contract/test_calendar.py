"""The calendar by cronsim: daylight saving time in five zones, bounds of searches, and refused expressions."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.adapters.calendar import CronsimCalendar
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.timetables.timetable import Cron

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
CALENDAR = CronsimCalendar()
# Each zone with the days around which its clock leaps forwards and is set back in 2026 or 2027.
LEAPS = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-10-04", "2026-04-05"),
    "America/Havana": ("2026-03-08", "2026-11-01"),
    "Antarctica/Troll": ("2026-03-29", "2026-10-25"),
}


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


def local_times(expression: str, zone: str, day: str) -> list[str]:
    """Returns the local times of an expression from the day before `day` to the end of the day after it."""
    cron, begin = Cron(expression, zone), ms(day) - DAY_MS
    times = CALENDAR.following(cron, begin - 12 * HOUR_MS, begin + 3 * DAY_MS, limit=200)
    shown = [CALENDAR.local(at_ms, zone) for at_ms in times]
    return [each for each in shown if each[:10] == day]


def test_a_time_that_the_clock_leaps_over_comes_when_the_leap_ends() -> None:
    assert local_times("30 2 * * *", "Europe/Berlin", "2026-03-29") == ["2026-03-29T03:00:00+02:00"]
    assert local_times("15,30,45 2 * * *", "America/New_York", "2026-03-08") == ["2026-03-08T03:00:00-04:00"]
    assert local_times("15 0 * * *", "America/Havana", "2026-03-08") == ["2026-03-08T01:00:00-04:00"]


def test_a_time_that_the_clock_shows_twice_comes_the_first_time_alone() -> None:
    assert local_times("30 2 * * *", "Europe/Berlin", "2026-10-25") == ["2026-10-25T02:30:00+02:00"]
    assert local_times("45 1 * * *", "Australia/Lord_Howe", "2026-04-05") == ["2026-04-05T01:45:00+11:00"]


@pytest.mark.parametrize("zone", LEAPS)
def test_every_hour_of_a_day_with_a_leap_comes_once(zone: str) -> None:
    for day in LEAPS[zone]:
        begin = ms(day) - DAY_MS
        times = CALENDAR.following(Cron("*/30 * * * *", zone), begin, begin + 3 * DAY_MS, limit=500)
        gaps = {later - earlier for earlier, later in pairwise(times)}
        assert gaps == {HOUR_MS // 2}, "expressions with a star follow the time that passes"


@pytest.mark.parametrize("zone", LEAPS)
def test_a_daily_time_comes_once_on_each_day_of_the_year(zone: str) -> None:
    begin = ms("2026-01-01")
    times = CALENDAR.following(Cron("30 2 * * *", zone), begin, begin + 365 * DAY_MS, limit=500)
    days = [CALENDAR.local(at_ms, zone)[:10] for at_ms in times]
    assert len(days) == len(set(days)) in (364, 365, 366)
    assert all(later - earlier <= 26 * HOUR_MS for earlier, later in pairwise(times))


FIELD = st.one_of(
    st.just("*"),
    st.integers(2, 20).map(lambda step: f"*/{step}"),
    st.integers(0, 5).map(str),
    st.lists(st.integers(0, 23), min_size=2, max_size=3).map(lambda each: ",".join(map(str, each))),
)


@settings(deadline=None, max_examples=150)
@given(
    st.tuples(FIELD, FIELD, st.sampled_from(["*", "8", "*/2"]), st.sampled_from(["*", "3,10"])),
    st.sampled_from(sorted(LEAPS)),
    st.sampled_from([day for days in LEAPS.values() for day in days]),
    st.integers(0, 2 * DAY_MS),
    st.integers(0, 3 * DAY_MS),
    st.integers(1, 40),
)
def test_a_search_finds_the_same_times_wherever_it_begins(
    fields: tuple[str, ...], zone: str, day: str, first: int, second: int, limit: int
) -> None:
    cron = Cron(" ".join((*fields, "*")), zone)
    begin = ms(day) - DAY_MS
    split, end = begin + min(first, second), begin + max(first, second)
    whole = list(CALENDAR.following(cron, begin, end, limit=10_000))
    parts = [CALENDAR.following(cron, *part, limit=10_000) for part in ((begin, split), (split, end))]
    assert [at_ms for part in parts for at_ms in part] == whole == sorted(set(whole))
    assert list(CALENDAR.latest(cron, begin, end, limit=limit)) == whole[-limit:]
    assert list(CALENDAR.following(cron, begin, end, limit=limit)) == whole[:limit]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("* * * *", "has 4 fields; give five"),
        ("0 * * * * *", "has 6 fields; give five"),
        ("0 0 30 2 *", "can't be read: day-of-month is wrong"),
        ("61 * * * *", "can't be read: minute is wrong"),
        ("0 6 * * MON#9", "can't be read: day-of-week is wrong"),
        ("@daily", "has 1 fields; give five"),
    ],
)
def test_an_expression_that_can_not_be_read_is_refused_with_its_reason(expression: str, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason) as refused:
        CALENDAR.check(Cron(expression, "UTC"))
    assert refused.value.violations[0].field == "cron"


@pytest.mark.parametrize(
    "zone", ["Europe/Berln", "", "../../etc/passwd", "/etc/localtime", "Europe", "zones"]
)
def test_a_zone_that_is_not_shipped_is_refused(zone: str) -> None:
    with pytest.raises(InvalidRequest, match="is no time zone") as refused:
        CALENDAR.check(Cron("0 6 * * *", zone))
    assert refused.value.violations[0].field == "zone"


def test_a_search_ends_where_no_time_is_near() -> None:
    leap_day = Cron("0 0 29 2 *", "UTC")
    CALENDAR.check(leap_day)
    assert list(CALENDAR.latest(leap_day, 0, ms("2026-12-01"), limit=2)) == [
        ms("2020-02-29"),
        ms("2024-02-29"),
    ]
    assert list(CALENDAR.following(leap_day, ms("9990-01-01"), ms("9999-12-31"), limit=9)) == [
        ms("9992-02-29"),
        ms("9996-02-29"),
    ]
