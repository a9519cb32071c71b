"""Runs timetables whose times have come; the reaper calls this once a minute.

A note leads to a timetable. The timetable and the records of its runs decide which scheduled times are still to be
dealt with, so a note that is old, that stands twice or that another process works on does no harm. The idempotency key
of a run is made of the timetable and the scheduled time, so a time is submitted once, however often this is repeated.

The order of the writes lets any of them be the last: first the submission, then the record of the run, then the note of
the next time, and the removal of the note that led here at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable, TidegateError
from tidegate.domain.timetables.due import due_runs
from tidegate.domain.timetables.timetable import (
    Cause,
    Due,
    Overlap,
    Run,
    RunOutcome,
    Subject,
    Template,
    Timetable,
)
from tidegate.usecases.bounds.deadline import NEVER, Deadline, while_time
from tidegate.usecases.bounds.portions import portions
from tidegate.usecases.isolation import FirstError
from tidegate.usecases.services import Services
from tidegate.usecases.timetables.subjects import cancelled, open_among
from tidegate.usecases.timetables.submit_run import (
    key_at,
    owner_of,
    run_of,
    submit_once,
    submitted_under,
)
from tidegate.usecases.timetables.times import latest, next_note

NOTES_AT_ONCE = 100
# A caller's change leaves its note before it is written. No call takes as long as this.
CHANGE_GRACE_MS = 600_000
_RUNS_READ = (
    10  # the latest of each timetable, to find the last one that its times brought behind those by hand
)
_TIMES_READ = 10_001  # one look counts so many missed times, which takes 40 ms


@dataclass(slots=True)
class _Work:
    """A due timetable while it is worked on.

    `notes` led to it, and `times` are its scheduled times to run. `reached_ms` is the time up to which all is dealt
    with. `before` is what the run of the last scheduled time submitted, and what the latest run did if that is another
    one: a run by hand does not hide the one that its times brought. `first_ms` is the first time that this look deals
    with: a look that was broken off may have submitted it without a record.
    """

    timetable: Timetable
    template: Template
    notes: list[Due]
    reached_ms: int
    before: tuple[Subject, ...]
    times: tuple[int, ...] = ()
    missed: Run | None = None
    first_ms: int | None = None
    failed: bool = False
    done: int = 0

    @property
    def last(self) -> Subject | None:
        """What the run before submitted, None if nothing."""
        return self.before[0] if self.before else None

    def note(self, run: Run) -> None:
        """Notes that a run is recorded."""
        self.reached_ms = run.scheduled_ms
        if run.submitted is not None:
            self.before = (run.submitted,)
        self.done += 1


def run_due_timetables(services: Services, now_ms: int, *, until: Deadline = NEVER) -> int:
    """Submits what the timetables that are due want submitted; returns how many runs it recorded.

    Looks at no more than `MAX_TIMETABLES` notes, 100 at once, until the deadline. While nothing is due it costs one
    query that may be a little old. A run costs three writes beside its submission. Raises the first error after all
    others have been run; what failed is tried again in the next minute.
    """
    notes = list(services.timetables.due(now_ms, limit=limits.MAX_TIMETABLES))
    # Begins anywhere, so that those that fail or take long don't keep the others waiting in every run.
    start = int(services.entropy.jitter() * len(notes)) if len(notes) > NOTES_AT_ONCE else 0
    recorded = 0
    errors = FirstError()
    for portion in while_time(portions([*notes[start:], *notes[:start]], NOTES_AT_ONCE), until):
        with errors.isolated():
            recorded += _run_portion(services, portion, now_ms, until, errors)
    errors.raise_first()
    return recorded


def _run_portion(
    services: Services, notes: Sequence[Due], now_ms: int, until: Deadline, errors: FirstError
) -> int:
    found = services.timetables.get_many([each.timetable_id for each in notes])
    idle = [each for each in notes if _is_idle(each, found, now_ms)]
    if idle:
        services.timetables.drop_due(idle)
    works = _works(services, notes, found, now_ms)
    for work in works:
        with _failing(work, errors):
            _look(services, work, now_ms)
    _record(services, [(each, each.missed) for each in works if each.missed and not each.failed], errors)
    longest = max((len(each.times) for each in works), default=0)
    for place in while_time(range(longest), until):
        turn: list[tuple[_Work, Run]] = []
        for work in works:
            if not work.failed and place < len(work.times):
                with _failing(work, errors):
                    run = _run(services, work, work.times[place], now_ms, until)
                    if run is None:
                        work.times = ()  # some jobs of the run before are not cancelled yet; the next look goes on
                    else:
                        turn.append((work, run))
        _record(services, turn, errors)
    _advance(services, [each for each in works if not each.failed], now_ms)
    return sum(each.done for each in works)


@contextmanager
def _failing(work: _Work, errors: FirstError) -> Iterator[None]:
    """Keeps the error that the block ends with, and leaves the timetable to the next minute then."""
    work.failed, was = True, work.failed
    with errors.isolated():
        yield
        work.failed = was


def _record(services: Services, turn: Sequence[tuple[_Work, Run]], errors: FirstError) -> None:
    """Records one run of each timetable. Where that fails, all of them are left to the next minute."""
    if not turn:
        return
    done = False
    with errors.isolated():
        services.timetables.record([run for _, run in turn])
        done = True
    for work, run in turn:
        if done:
            work.note(run)
        else:
            work.failed = True


def _advance(services: Services, works: Sequence[_Work], now_ms: int) -> None:
    """Leaves the notes of the next times, then removes those that led here."""
    notes: list[Due] = []
    dropped: list[Due] = []
    for work in works:
        note = next_note(services.calendar, work.timetable, work.reached_ms, now_ms)
        standing = {each.at_ms for each in work.notes}
        if note is not None and note.at_ms not in standing:
            notes.append(note)
        dropped += [each for each in work.notes if note is None or each.at_ms != note.at_ms]
    if notes:
        services.timetables.note_due(notes)
    if dropped:
        services.timetables.drop_due(dropped)


def _is_idle(note: Due, found: Mapping[str, Timetable], now_ms: int) -> bool:
    """Tells whether a note leads nowhere: to a timetable that is gone or paused, or to a change that never came."""
    timetable = found.get(note.timetable_id)
    if timetable is None or note.version > timetable.version:
        return now_ms - note.noted_ms > CHANGE_GRACE_MS
    return timetable.is_paused


def _works(
    services: Services, notes: Sequence[Due], found: Mapping[str, Timetable], now_ms: int
) -> list[_Work]:
    """Returns the timetables to work on, each once with all of its notes, with what their runs so far say."""
    by_id: dict[str, list[Due]] = {}
    for note in notes:
        timetable = found.get(note.timetable_id)
        if timetable and not timetable.is_paused and note.version <= timetable.version:
            by_id.setdefault(note.timetable_id, []).append(note)
    timetables = [found[each] for each in by_id]
    templates = services.timetables.load_templates(timetables) if timetables else {}
    runs = services.timetables.latest_runs(list(by_id), limit=_RUNS_READ) if timetables else {}
    works: list[_Work] = []
    for timetable in timetables:
        template = templates.get(timetable.timetable_id)
        if template is None:
            continue  # replaced since the timetable was read; the next look sees the new one
        led_by, past = by_id[timetable.timetable_id], runs[timetable.timetable_id]
        own = (each.scheduled_ms for each in past if each.cause is Cause.TIMETABLE)
        reached_ms = max(next(own, 0), *(each.reached_ms for each in led_by))
        works.append(_Work(timetable, template, led_by, reached_ms, _before(past, now_ms)))
    return works


def _before(past: Sequence[Run], now_ms: int) -> tuple[Subject, ...]:
    """Returns what the last scheduled time brought, and what the latest run submitted; each where there is one.

    Runs of a backfill are about other times and stay beside all others.
    """
    come = [each for each in past if each.scheduled_ms <= now_ms and each.cause is not Cause.BACKFILL]
    own = [each for each in come if each.cause is Cause.TIMETABLE]
    return tuple(dict.fromkeys(each.subject for each in (*own[:1], *come[:1]) if each.subject is not None))


def _look(services: Services, work: _Work, now_ms: int) -> None:
    """Decides which times are run and which were missed."""
    timetable = work.timetable
    times = latest(services.calendar, timetable, work.reached_ms, now_ms, limit=_TIMES_READ)
    work.first_ms = times[0] if times and len(times) < _TIMES_READ else None
    due = due_runs(timetable, times, now_ms)
    early = _submitted_before(services, work, times[0]) if due.missed else None
    if early is not None:
        run = _recorded(services, work, times[0], RunOutcome.SUBMITTED, now_ms, subject=early)
        services.timetables.record([run])
        work.note(run)
        due = due_runs(timetable, times[1:], now_ms)
    work.times = due.runs
    if due.missed_ms is not None:
        work.missed = _recorded(
            services, work, due.missed_ms, RunOutcome.MISSED, now_ms, subject=work.last, count=due.missed
        )


def _run(services: Services, work: _Work, at_ms: int, now_ms: int, until: Deadline) -> Run | None:
    """Submits a scheduled time, or decides not to. Returns the record, None if it must wait for the run before."""
    timetable = work.timetable
    if timetable.overlap is not Overlap.ALLOW and work.before:
        found = open_among(services, work.before)
        still_open = [each for each in work.before if each in found]
        early = _submitted_before(services, work, at_ms) if still_open else None
        if early is not None:
            return _recorded(services, work, at_ms, RunOutcome.SUBMITTED, now_ms, subject=early)
        if still_open and timetable.overlap is Overlap.SKIP:
            return _recorded(services, work, at_ms, RunOutcome.SKIPPED, now_ms, subject=still_open[0])
        for each in still_open:
            if not cancelled(services, each, caller=owner_of(timetable), now_ms=now_ms, until=until):
                return None
    try:
        subject = submit_once(
            services,
            timetable,
            work.template,
            at_ms,
            key=key_at(timetable, at_ms),
            now_ms=now_ms,
            until=until,
        )
    except (ServiceUnavailable, ServiceRefused):
        raise
    except TidegateError as error:
        # Refused for good: by a rule, a grant or a full share. The history says why, and the next time is tried anew.
        return _recorded(
            services,
            work,
            at_ms,
            RunOutcome.REFUSED,
            now_ms,
            subject=work.last,
            code=error.code,
            message=str(error),
        )
    return _recorded(services, work, at_ms, RunOutcome.SUBMITTED, now_ms, subject=subject)


def _submitted_before(services: Services, work: _Work, at_ms: int) -> Subject | None:
    """Returns what a look that was broken off has submitted for a time without recording it."""
    if at_ms != work.first_ms:
        return None  # records are written in order, so only the first time can lack one
    return submitted_under(services, work.timetable, work.template, key_at(work.timetable, at_ms))


def _recorded(
    services: Services,
    work: _Work,
    at_ms: int,
    outcome: RunOutcome,
    now_ms: int,
    *,
    subject: Subject | None,
    count: int = 1,
    code: str | None = None,
    message: str | None = None,
) -> Run:
    return run_of(
        services,
        work.timetable,
        at_ms,
        outcome,
        cause=Cause.TIMETABLE,
        now_ms=now_ms,
        subject=subject,
        count=count,
        code=code,
        message=message,
    )
