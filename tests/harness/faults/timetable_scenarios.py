"""Scenarios of timetables: their callers change them, and the reaper runs them."""

from __future__ import annotations

from contextlib import suppress

from dev.simulator.memory.seeded import JOB_TYPE
from dev.simulator.people.callers import caller_named
from tests.harness.faults.deployment import START_MS, Deployment
from tidegate.domain.errors import NotFound
from tidegate.domain.timetables.asked import AskedRecurrence, AskedTemplate, TimetableChange
from tidegate.domain.timetables.timetable import Overlap, RunOutcome, SubmissionKind
from tidegate.usecases.timetables import ask, keep, read

ANN = caller_named("ann")
HOUR_MS = 3_600_000
_BY_THE_HOUR = AskedRecurrence(every_seconds=3_600, anchor_ms=START_MS)


def _made(d: Deployment, key: str, name: str, *, overlap: Overlap = Overlap.ALLOW) -> str:
    body = {"type": JOB_TYPE, "name": name, "retry": {"backoff_seconds": 0}}
    template = AskedTemplate(kind=SubmissionKind.JOB, body=body)
    change = TimetableChange(recurrence=_BY_THE_HOUR, template=template, overlap=overlap)

    def make() -> str:
        made = keep.create_timetable(
            d.services,
            change,
            is_paused=False,
            idempotency_key=key,
            fingerprint="f",
            caller=ANN,
            now_ms=d.now_ms,
        )
        return made.after.timetable_id

    return d.ask(make)


def _reap(d: Deployment) -> None:
    """Lets the reaper run timetables, and once more a minute later, as a failed run comes again."""
    d.run_timetables()
    d.wait(60_000)
    d.run_timetables()


def timetable_changed(d: Deployment) -> None:
    """A timetable is made, changed, paused, resumed, run by hand, filled back, shown and removed."""
    of = _made(d, "changed", "by hand")
    template = AskedTemplate(kind=SubmissionKind.JOB, body={"type": JOB_TYPE, "name": "by hand"})
    change = TimetableChange(template=template, grace_seconds=600)
    d.ask(lambda: keep.change_timetable(d.services, of, change, caller=ANN, now_ms=d.now_ms))
    d.ask(lambda: keep.pause_timetable(d.services, of, caller=ANN, now_ms=d.now_ms))
    d.ask(lambda: keep.resume_timetable(d.services, of, caller=ANN, now_ms=d.now_ms))
    d.ask(lambda: ask.run_now(d.services, of, idempotency_key="now", caller=ANN, now_ms=d.now_ms))
    begin_ms, end_ms = START_MS - 2 * HOUR_MS, START_MS - 1
    d.ask(lambda: ask.count_backfill(d.services, of, begin_ms, end_ms, now_ms=d.now_ms))
    d.ask(lambda: ask.backfill(d.services, of, begin_ms, end_ms, caller=ANN, now_ms=lambda: d.now_ms))
    d.settle()
    listed = d.ask(
        lambda: read.list_timetables(d.services, submitted_by=None, cursor=None, limit=5, now_ms=d.now_ms)
    )
    assert [view.timetable.timetable_id for view in listed.views] == [of]
    d.ask(lambda: read.get_timetable(d.services, of, now_ms=d.now_ms))
    runs = d.ask(lambda: read.list_runs(d.services, of, cursor=None, limit=9)).views
    assert [view.run.outcome for view in runs] == [RunOutcome.SUBMITTED] * 3
    with suppress(NotFound):  # an earlier try removed it, and its answer was lost
        d.ask(lambda: keep.remove_timetable(d.services, of, caller=ANN))
    assert not d.ask(lambda: d.services.timetables.page(limit=9)).timetables


def timetable_run(d: Deployment) -> None:
    """A timetable runs twice, and its second run cancels the first, whose job waits."""
    of = _made(d, "run", "by the hour", overlap=Overlap.CANCEL)
    for _ in range(2):
        d.wait(HOUR_MS)
        _reap(d)
    d.settle()
    runs = d.ask(lambda: d.services.timetables.runs(of, limit=9)).runs
    assert [run.outcome for run in runs] == [RunOutcome.SUBMITTED] * 2
    assert len(d.jobs) == len({run.subject for run in runs}) == 2
