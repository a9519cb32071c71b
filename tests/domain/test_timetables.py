"""The values of timetables: times at an interval, jitter, missed times, placeholders, and what callers ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.timetables.asked import AskedRecurrence, TimetableChange, recurrence_from
from tidegate.domain.timetables.due import due_at_ms, due_runs
from tidegate.domain.timetables.placeholders import filled, unknown_placeholders
from tidegate.domain.timetables.timetable import Cron, Every, Missed, SubmissionKind, Timetable

NOW_MS = 1_796_112_000_000
MINUTE_MS = 60_000
PLAIN = Timetable(
    timetable_id="01KATDPGZ8M5B6W2Y3Q7RVXN4C",
    version=1,
    owner=None,
    recurrence=Every(60, NOW_MS),
    kind=SubmissionKind.JOB,
    template_id="T",
    job_types={},
    from_ms=NOW_MS,
    created_at_ms=NOW_MS,
    changed_at_ms=NOW_MS,
    changed_by=None,
    fingerprint="",
)
MOMENTS = st.integers(NOW_MS - 10**9, NOW_MS + 10**9)


@given(st.integers(60, 10**6), MOMENTS, MOMENTS, st.integers(0, 10**8), st.integers(1, 30))
def test_times_at_an_interval_lie_on_its_grid(
    seconds: int, anchor_ms: int, after_ms: int, width_ms: int, limit: int
) -> None:
    every, step, up_to_ms = Every(seconds, anchor_ms), seconds * 1_000, after_ms + width_ms
    grid = [after_ms + 1 + (anchor_ms - after_ms - 1) % step + place * step for place in range(limit)]
    assert every.following(after_ms, up_to_ms, limit) == tuple(each for each in grid if each <= up_to_ms)
    whole = every.following(after_ms, up_to_ms, 10**6)
    assert every.latest(after_ms, up_to_ms, limit) == whole[-limit:]
    assert every.next(after_ms) == grid[0]


@given(MOMENTS, st.integers(0, limits.MAX_JITTER_SECONDS))
def test_jitter_is_bounded_and_always_the_same(scheduled_ms: int, seconds: int) -> None:
    timetable = replace(PLAIN, jitter_seconds=seconds)
    begins_ms = due_at_ms(timetable, scheduled_ms)
    assert scheduled_ms <= begins_ms < scheduled_ms + max(1, seconds * 1_000)
    assert begins_ms == due_at_ms(replace(timetable, version=9), scheduled_ms)


def test_jitter_spreads_the_timetables_of_one_minute() -> None:
    ids = [f"01KATDPGZ8M5B6W2Y3Q7R{number:05d}" for number in range(600)]
    delays = [
        due_at_ms(replace(PLAIN, timetable_id=each, jitter_seconds=600), NOW_MS) - NOW_MS for each in ids
    ]
    in_thirds = [
        sum(third * 200_000 <= delay < (third + 1) * 200_000 for delay in delays) for third in range(3)
    ]
    assert min(in_thirds) > 150


@given(st.lists(st.integers(0, 300), max_size=200, unique=True), st.sampled_from(Missed), st.integers(0, 300))
def test_each_time_that_has_come_is_run_or_missed_or_left(
    minutes: list[int], missed: Missed, now: int
) -> None:
    times = [NOW_MS + minute * MINUTE_MS for minute in sorted(minutes)]
    now_ms = NOW_MS + now * MINUTE_MS
    timetable = replace(PLAIN, missed=missed, grace_seconds=300)
    found = due_runs(timetable, times, now_ms)
    come = [at_ms for at_ms in times if at_ms <= now_ms]
    late = [at_ms for at_ms in come if now_ms - at_ms > 300_000]
    assert list(found.runs) == come[found.missed : found.missed + limits.MAX_TIMETABLE_RUNS]
    assert found.missed == max(0, len(late) - {Missed.SKIP: 0, Missed.ONCE: 1, Missed.ALL: 100}[missed])
    assert found.missed_ms == (late[found.missed - 1] if found.missed else None)
    assert len(found.runs) <= limits.MAX_TIMETABLE_RUNS


def test_the_grace_counts_from_the_moment_at_which_the_run_was_to_begin() -> None:
    timetable = replace(PLAIN, jitter_seconds=3_600, recurrence=Every(7_200, NOW_MS))
    begins_ms = due_at_ms(timetable, NOW_MS)
    assert begins_ms > NOW_MS + 300_000, "or this test says nothing"
    assert due_runs(timetable, [NOW_MS], begins_ms - 1).runs == ()
    assert due_runs(timetable, [NOW_MS], begins_ms + 300_000).runs == (NOW_MS,)
    assert due_runs(timetable, [NOW_MS], begins_ms + 300_001).missed == 1


VALUES = {"scheduled_time": "TIME", "scheduled_date": "DAY"}


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("${scheduled_time}", "TIME"),
        ("s3://b/${scheduled_date}/${scheduled_date}.csv", "s3://b/DAY/DAY.csv"),
        ("$${scheduled_time}", "${scheduled_time}"),
        ("$$${scheduled_time}", "$${scheduled_time}"),
        ("costs $5 {or} less", "costs $5 {or} less"),
    ],
)
def test_placeholders_in_parameters_are_filled(text: str, becomes: str) -> None:
    job = {"type": text, "name": text, "parameters": {"a": [{"b": text}, 1, None], text: True}}
    wanted = {"type": text, "name": text, "parameters": {"a": [{"b": becomes}, 1, None], text: True}}
    assert filled(job, VALUES) == wanted
    assert filled({"name": text, "jobs": [job, 5]}, VALUES) == {"name": text, "jobs": [wanted, 5]}
    assert list(unknown_placeholders(job, "job")) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("${now}", "now"),
        ("${}", ""),
        ("${scheduled_time", "scheduled_time"),
        ("a ${Scheduled_date}", "Scheduled_date"),
    ],
)
def test_an_unknown_placeholder_is_named_with_its_place(text: str, name: str) -> None:
    parameters: dict[str, Any] = {"a": [{"b": text}]}
    found = list(unknown_placeholders({"jobs": [{}, {"parameters": parameters}]}, "workflow"))
    assert found == [("workflow.jobs[1].parameters.a[0].b", name)]


BERLIN = Cron("0 6 * * *", "Europe/Berlin")
HOURLY = Every(3_600, 5)


@pytest.mark.parametrize(
    ("asked", "standing", "becomes"),
    [
        (AskedRecurrence(cron="0 7 * * *"), None, Cron("0 7 * * *", "UTC")),
        (AskedRecurrence(cron="0 7 * * *"), BERLIN, Cron("0 7 * * *", "Europe/Berlin")),
        (AskedRecurrence(zone="UTC"), BERLIN, Cron("0 6 * * *", "UTC")),
        (AskedRecurrence(), BERLIN, BERLIN),
        (AskedRecurrence(), HOURLY, HOURLY),
        (AskedRecurrence(every_seconds=60), None, Every(60, NOW_MS)),
        (AskedRecurrence(every_seconds=60), BERLIN, Every(60, NOW_MS)),
        (AskedRecurrence(every_seconds=60), HOURLY, Every(60, 5)),
        (AskedRecurrence(anchor_ms=0), HOURLY, Every(3_600, 0)),
        (AskedRecurrence(cron="0 7 * * *"), HOURLY, Cron("0 7 * * *", "UTC")),
    ],
)
def test_a_recurrence_keeps_what_the_caller_does_not_name(
    asked: AskedRecurrence, standing: Cron | Every | None, becomes: Cron | Every
) -> None:
    assert recurrence_from(asked, standing, NOW_MS + 999) == becomes


@pytest.mark.parametrize(
    ("asked", "standing", "field"),
    [
        (AskedRecurrence(), None, "cron"),
        (AskedRecurrence(zone="UTC"), None, "cron"),
        (AskedRecurrence(cron="* * * * *", every_seconds=60), None, "every_seconds"),
        (AskedRecurrence(cron="* * * * *", anchor_ms=1), None, "anchor"),
        (AskedRecurrence(every_seconds=60, zone="UTC"), None, "zone"),
        (AskedRecurrence(zone="UTC"), HOURLY, "zone"),
        (AskedRecurrence(anchor_ms=1), BERLIN, "anchor"),
    ],
)
def test_a_recurrence_whose_fields_do_not_fit_is_refused_by_name(
    asked: AskedRecurrence, standing: Cron | Every | None, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        recurrence_from(asked, standing, NOW_MS)
    assert refused.value.violations[0].field == field


def test_a_change_names_only_what_it_changes() -> None:
    assert TimetableChange().plain() == {}
    assert TimetableChange(name=None, end_ms=5).plain() == {"name": None, "end_ms": 5}
