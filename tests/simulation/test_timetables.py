"""Each scheduled time of a timetable becomes at most one submission, whatever fails, stops or runs twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.determined import NoEntropy
from tests.harness.functions.api_calls import SETTINGS, operators
from tidegate.domain.callers import caller_under
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.timetables.asked import AskedRecurrence, AskedTemplate, TimetableChange
from tidegate.domain.timetables.timetable import (
    Cause,
    Missed,
    Overlap,
    Run,
    RunOutcome,
    SubmissionKind,
    Timetable,
)
from tidegate.usecases.read.visible import is_accepted
from tidegate.usecases.reap.reap import reap
from tidegate.usecases.timetables.keep import change_timetable, create_timetable
from tidegate.usecases.timetables.run_due import CHANGE_GRACE_MS, run_due_timetables
from tidegate.usecases.timetables.times import following

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_796_112_000_000  # 1 December 2026, 08:00 in UTC
ANN = caller_under("arn:aws:iam::123456789012:user/ann")
JOB = AskedTemplate(kind=SubmissionKind.JOB, body={"type": "tidegate.noop"})
FLOW = AskedTemplate(
    kind=SubmissionKind.WORKFLOW,
    body={"jobs": [{"key": "a", "type": "tidegate.noop"}, {"key": "b", "type": "tidegate.noop"}]},
)
HOURLY = AskedRecurrence(every_seconds=3_600, anchor_ms=NOW_MS)


class Cut(BaseException):
    """Ends the process: nothing may catch it."""


class Deployment:
    """A deployment in memory with one timetable, whose reaper runs when a test says so."""

    def __init__(self, change: TimetableChange, now_ms: int = NOW_MS) -> None:
        self.world = MemoryWorld(shards=2, now_ms=now_ms)
        services, _ = memory_services(SETTINGS, self.world)
        self.services = replace(services, entropy=NoEntropy())
        self.timetable = self.make(change)

    def make(self, change: TimetableChange) -> Timetable:
        return create_timetable(
            self.services,
            change,
            is_paused=False,
            idempotency_key=None,
            fingerprint="",
            caller=ANN,
            now_ms=self.world.now_ms,
        ).after

    def reap_at(self, now_ms: int) -> int:
        self.world.now_ms = now_ms
        return run_due_timetables(self.services, now_ms)

    @property
    def runs(self) -> list[Run]:
        """The recorded runs in the order of their scheduled times."""
        own = self.timetable.timetable_id
        held = self.world.timetable_runs.items()
        return [run for (of, _, _), run in sorted(held, key=lambda each: each[0]) if of == own]

    @property
    def submitted(self) -> list[int]:
        """The scheduled times of the runs that submitted something."""
        return [run.scheduled_ms for run in self.runs if run.outcome is RunOutcome.SUBMITTED]

    @property
    def submissions(self) -> int:
        """The number of submissions, whatever the history says."""
        # A workflow may be accepted before all of its jobs are written.
        workflows = sum(map(is_accepted, self.world.submissions.values()))
        return workflows + sum(each.workflow_id is None for each in self.world.jobs.values())


def hourly(**changes: object) -> TimetableChange:
    return replace(TimetableChange(recurrence=HOURLY, template=JOB), **changes)  # type: ignore[arg-type]


def cut_at(deployment: Deployment, place: int) -> Callable[[], bool]:
    """Ends the process before its call number `place` (from 0) takes effect, which is after the call before it did.

    Returns a function that tells whether the process was ended.
    """
    calls = 0
    is_cut = False

    def on_request(_name: str) -> None:
        nonlocal calls, is_cut
        calls += 1
        if calls == place + 1:
            is_cut = True
            raise Cut

    deployment.world.on_request = on_request
    return lambda: is_cut


TEMPLATES = {"job": JOB, "workflow": FLOW}


@pytest.mark.parametrize("overlap", Overlap)
@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_reaper_that_dies_at_any_call_leaves_nothing_twice_and_nothing_out(
    kind: str, overlap: Overlap
) -> None:
    place = 0
    while True:
        d = Deployment(hourly(template=TEMPLATES[kind], overlap=overlap))
        is_cut = cut_at(d, place)
        with suppress(Cut):
            d.reap_at(NOW_MS + HOUR_MS + 1)
            d.reap_at(NOW_MS + 2 * HOUR_MS + 1)
        d.world.on_request = lambda _name: None
        for minute in range(2, 5):
            d.reap_at(NOW_MS + 2 * HOUR_MS + minute * MINUTE_MS)
        first, second = NOW_MS + HOUR_MS, NOW_MS + 2 * HOUR_MS
        dealt = {run.scheduled_ms: run.outcome for run in d.runs}
        assert set(dealt) == {first, second}
        assert d.submissions == len(d.submitted), f"cut at call {place}"
        if overlap is not Overlap.SKIP:
            assert dealt[second] is RunOutcome.SUBMITTED
        assert [note.at_ms for note in d.world.due_notes.values()] == [NOW_MS + 3 * HOUR_MS]
        if not is_cut():
            break
        place += 1
    assert place > 15


def test_a_time_that_was_submitted_without_a_record_is_not_called_missed() -> None:
    d = Deployment(hourly())
    d.world.on_request = lambda name: _raise(Cut) if name == "record_run" else None
    with pytest.raises(Cut):
        d.reap_at(NOW_MS + HOUR_MS + 1)
    assert (d.submissions, d.runs) == (1, [])
    d.world.on_request = lambda _name: None
    d.reap_at(NOW_MS + 4 * HOUR_MS + 1)
    shown = [(run.scheduled_ms, run.outcome, run.count) for run in d.runs]
    assert shown == [
        (NOW_MS + HOUR_MS, RunOutcome.SUBMITTED, 1),
        (NOW_MS + 3 * HOUR_MS, RunOutcome.MISSED, 2),
        (NOW_MS + 4 * HOUR_MS, RunOutcome.SUBMITTED, 1),
    ]


def _raise(error: type[BaseException]) -> None:
    raise error


def test_a_service_that_fails_leaves_a_timetable_to_the_next_minute_and_runs_the_others() -> None:
    d = Deployment(hourly())
    other = d.make(hourly())
    failed: list[str] = []

    def fail_once(name: str) -> None:
        if name == "insert_if_absent" and not failed:
            failed.append(name)
            raise ServiceUnavailable("no answer")

    d.world.on_request = fail_once
    with pytest.raises(ServiceUnavailable):
        d.reap_at(NOW_MS + HOUR_MS + 1)
    assert Counter(of for of, _, _ in d.world.timetable_runs).total() == 1
    d.reap_at(NOW_MS + HOUR_MS + MINUTE_MS)
    assert {of for of, _, _ in d.world.timetable_runs} == {d.timetable.timetable_id, other.timetable_id}
    assert d.submissions == 2


@pytest.mark.parametrize("overlap", Overlap)
def test_two_reapers_in_every_order_of_their_calls_submit_once(overlap: Overlap) -> None:
    """The second reaper begins and ends between two calls of the first, at each place, on a clock 20 s ahead."""
    place = 0
    while True:
        d = Deployment(hourly(overlap=overlap))
        d.reap_at(NOW_MS + HOUR_MS + 1)
        calls = 0
        ran = False

        def between(_name: str, *, d: Deployment = d, place: int = place) -> None:
            nonlocal calls, ran
            calls += 1
            if calls == place + 1:
                ran = True
                d.world.on_request = lambda _name: None
                run_due_timetables(d.services, NOW_MS + 2 * HOUR_MS + 20_000)

        d.world.on_request = between
        d.reap_at(NOW_MS + 2 * HOUR_MS + 1)
        assert d.submissions == len(d.submitted) == (1 if overlap is Overlap.SKIP else 2)
        assert len(d.runs) == 2
        if not ran:
            break
        place += 1
    assert place >= 8


def test_two_reapers_in_two_threads_submit_each_time_once() -> None:
    d = Deployment(hourly(recurrence=AskedRecurrence(every_seconds=60, anchor_ms=NOW_MS)))
    for minute in range(1, 30):
        now_ms = NOW_MS + minute * MINUTE_MS + 5
        threads = [threading.Thread(target=run_due_timetables, args=(d.services, now_ms)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert d.submitted == [NOW_MS + minute * MINUTE_MS for minute in range(1, 30)]
    assert d.submissions == 29


def test_a_clock_that_is_set_ahead_and_back_runs_no_time_twice() -> None:
    d = Deployment(hourly())
    steps = (1, 2, 30, 3, 4, 29, 5, 31, 32)  # hours since the beginning
    for hours in steps:
        d.reap_at(NOW_MS + hours * HOUR_MS + 1)
    assert len(d.submitted) == len(set(d.submitted)) == d.submissions
    assert d.submitted[-1] == NOW_MS + 32 * HOUR_MS


DST = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Sydney": ("2026-10-04", "2026-04-05"),
    "America/Santiago": ("2026-09-06", "2026-04-05"),
    "Asia/Beirut": ("2026-03-29", "2026-10-25"),
}


def _days(zone: str) -> Iterator[int]:
    for day in DST[zone]:
        yield int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1_000)


@pytest.mark.parametrize("expression", ["30 2 * * *", "0 0 * * *", "*/30 * * * *"])
@pytest.mark.parametrize("zone", DST)
def test_the_leaps_of_a_zone_bring_each_time_once(zone: str, expression: str) -> None:
    for day_ms in _days(zone):
        begin_ms = day_ms - DAY_MS
        cron = AskedRecurrence(cron=expression, zone=zone)
        d = Deployment(TimetableChange(recurrence=cron, template=JOB), begin_ms)
        wanted = list(
            following(d.services.calendar, d.timetable, begin_ms, limit=1_000, up_to_ms=begin_ms + 3 * DAY_MS)
        )
        for minute in range(3 * 24 * 60 + 1):
            d.reap_at(begin_ms + minute * MINUTE_MS)
        assert d.submitted == wanted
        assert d.submissions == len(wanted)
        if expression != "*/30 * * * *":
            days = [d.services.calendar.local(at_ms, zone)[:10] for at_ms in wanted]
            assert len(days) == len(set(days)) >= 2


@pytest.mark.parametrize(
    ("missed", "caught_up", "counted"), [(Missed.SKIP, 0, 24), (Missed.ONCE, 1, 23), (Missed.ALL, 24, 0)]
)
def test_a_reaper_that_was_away_for_a_day(missed: Missed, caught_up: int, counted: int) -> None:
    d = Deployment(hourly(missed=missed))
    d.reap_at(NOW_MS + HOUR_MS)
    d.reap_at(NOW_MS + 25 * HOUR_MS + 10 * MINUTE_MS)
    d.reap_at(NOW_MS + 26 * HOUR_MS)
    assert len(d.submitted) == 2 + caught_up
    assert sum(run.count for run in d.runs if run.outcome is RunOutcome.MISSED) == counted
    assert d.submissions == len(d.submitted)


def test_at_most_a_hundred_missed_times_are_caught_up() -> None:
    minutely = AskedRecurrence(every_seconds=60, anchor_ms=NOW_MS)
    d = Deployment(hourly(recurrence=minutely, missed=Missed.ALL))
    for minute in range(4):
        d.reap_at(NOW_MS + DAY_MS + minute * MINUTE_MS)
    counts = [run.count for run in d.runs if run.outcome is RunOutcome.MISSED]
    assert len(counts) == 1
    assert sum(counts) + len(d.submitted) == 1_440 + 3
    on_time = 5 + 1 + 3  # five minutes of grace, the minute itself, and the three after it
    assert len(d.submitted) == 100 + on_time == d.submissions


@pytest.mark.parametrize("jitter", [600, 3_599])
def test_jitter_delays_each_run_by_the_same_time_for_everybody(jitter: int) -> None:
    d = Deployment(hourly(jitter_seconds=jitter))
    began: dict[int, int] = {}
    for minute in range(12 * 60):
        now_ms = NOW_MS + minute * MINUTE_MS
        before = set(d.submitted)
        d.reap_at(now_ms)
        began |= dict.fromkeys(set(d.submitted) - before, now_ms)
    assert sorted(began) == [NOW_MS + hour * HOUR_MS for hour in range(1, len(began) + 1)]
    assert len(began) >= 10
    delays = [now_ms - at_ms for at_ms, now_ms in began.items()]
    assert max(delays) <= jitter * 1_000 + MINUTE_MS
    assert len(set(delays)) > 5


def test_a_change_that_was_cut_off_leads_nowhere_and_its_note_goes() -> None:
    d = Deployment(hourly())
    place = 0
    while True:
        is_cut = cut_at(d, place)
        with suppress(Cut):
            change_timetable(
                d.services,
                d.timetable.timetable_id,
                TimetableChange(recurrence=AskedRecurrence(every_seconds=1_800)),
                caller=ANN,
                now_ms=d.world.now_ms,
            )
        d.world.on_request = lambda _name: None
        begin_ms = d.world.now_ms
        for minute in range(1, 130):
            d.reap_at(begin_ms + minute * MINUTE_MS)
        standing = d.world.timetables[d.timetable.timetable_id]
        expected = following(d.services.calendar, standing, d.world.now_ms, limit=1)[0]
        assert max(note.at_ms for note in d.world.due_notes.values()) >= expected
        assert expected in [note.at_ms for note in d.world.due_notes.values()]
        assert len(d.submitted) == d.submissions
        if not is_cut():
            break
        place += 1
        d = Deployment(hourly())
    assert place >= 2
    assert CHANGE_GRACE_MS > 2 * 29_000


def test_a_removed_timetable_runs_no_more_and_its_note_goes() -> None:
    d = Deployment(hourly())
    d.services.timetables.remove_if_unchanged(d.timetable)
    for minute in (0, 5, 11):
        d.reap_at(NOW_MS + HOUR_MS + minute * MINUTE_MS)
    assert (d.submissions, d.runs, d.world.due_notes) == (0, [], {})


def test_a_thousand_due_at_one_minute_take_few_calls_each() -> None:
    d = Deployment(hourly())
    ids = [f"01KATDPGZ8M5B6W2Y3Q7R{number:05d}" for number in range(999)]
    for each in ids:
        timetable = replace(d.timetable, timetable_id=each)
        d.world.timetables[each] = timetable
        template = d.world.templates[d.timetable.timetable_id, d.timetable.template_id]
        d.world.templates[each, d.timetable.template_id] = template
        (note,) = [
            held for held in d.world.due_notes.values() if held.timetable_id == d.timetable.timetable_id
        ]
        d.world.due_notes[note.at_ms, each] = replace(note, timetable_id=each)
    d.world.requests.clear()
    assert reap(d.services, now_ms=NOW_MS + HOUR_MS + 1).timetable_runs == 1_000
    assert d.submissions == 1_000
    calls = d.world.requests
    assert (calls["due_timetables"], calls["get_timetables"], calls["load_templates"]) == (1, 10, 10)
    per_run = (
        "record_run",
        "note_due",
        "drop_due",
        "runs_of_timetable",
        "get_submission",
        "insert_if_absent",
    )
    assert [calls[name] for name in per_run] == [1_000] * 6


def test_an_idle_minute_is_one_query() -> None:
    d = Deployment(hourly())
    d.world.requests.clear()
    d.reap_at(NOW_MS + MINUTE_MS)
    assert d.world.requests == {"due_timetables": 1}


def test_the_record_of_a_run_names_its_cause_and_its_job() -> None:
    d = Deployment(hourly())
    d.reap_at(NOW_MS + HOUR_MS)
    (run,) = d.runs
    assert run.submitted is not None
    job = d.world.jobs[run.submitted.submission_id]
    assert (run.cause, job.submitted_by) == (Cause.TIMETABLE, ANN.subject)


def test_a_change_of_namespace_after_a_reaper_died_submits_no_time_twice() -> None:
    place = 0
    while True:
        d = Deployment(hourly())
        d.world.grants = operators(ANN.subject)
        is_cut = cut_at(d, place)
        with suppress(Cut):
            d.reap_at(NOW_MS + HOUR_MS + 1)
        d.world.on_request = lambda _name: None
        d.world.now_ms = NOW_MS + HOUR_MS + 20_000
        shared = replace(JOB, body={**JOB.body, "namespace": "team"})
        of = d.timetable.timetable_id
        change_timetable(d.services, of, TimetableChange(template=shared), caller=ANN, now_ms=d.world.now_ms)
        d.reap_at(NOW_MS + HOUR_MS + MINUTE_MS)
        assert d.submissions <= 1, f"cut at call {place}"
        d.reap_at(NOW_MS + 2 * HOUR_MS + 1)
        assert d.submitted[-1] == NOW_MS + 2 * HOUR_MS
        if not is_cut():
            break
        place += 1
    assert place > 8
