"""Judges the times to finish by of open work before they are missed, and notes each verdict that has changed.

A submission with such times leaves a reminder. Each run looks at a bounded number of reminders: at the one with the
next time, then at others in turns, so that none is passed over for ever. A look at a submission that has ended costs
little, so a run takes many of those, and judges few. The verdicts are those of a forecast, read and stepped by its own
code. A verdict is noted by a conditional write, and only where it differs from the one before. So two runs at once, or
a run after one that died, note each change once. A reminder is changed last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tidegate.domain.errors import NotFound
from tidegate.domain.forecast.finish_by import FinishBy
from tidegate.domain.job import NEVER_MS, Job
from tidegate.domain.submission import GIVEN_UP, Phase, Submission
from tidegate.domain.transitions import NoteJudgementIfOpen
from tidegate.domain.verdicts import FinishVerdict, Judgement, with_judgement
from tidegate.ports import Reminder
from tidegate.usecases.bounds.deadline import NEVER, Deadline, while_time
from tidegate.usecases.forecast.judge_times import TimesJudged, judge_job_time, judge_workflow_times
from tidegate.usecases.isolation import FirstError, raise_first_failure
from tidegate.usecases.read.visible import is_accepted
from tidegate.usecases.services import Services

REMINDERS_PER_RUN: Final = 10
"""Submissions that one run judges."""
LOOKS_PER_RUN: Final = 200
"""Reminders that one run looks at: most may be of submissions that have ended, where nothing is left to judge."""
JOBS_PER_MINUTE: Final = 2_000
"""Jobs that are stepped in a minute on average: a run that stepped more rests for as many minutes."""
CHANGES_PER_LOOK: Final = 200
"""Verdicts about jobs of one submission that one run notes."""
GRACE_MS: Final = 600_000  # far beyond the time from a reminder to the write of the time that it reminds of
_RUN_EVERY_MS = 60_000
_CURSOR = "sweep#times"


@dataclass(frozen=True, slots=True)
class _Place:
    """The place behind which the next run goes on, and until when it rests, in milliseconds since the epoch."""

    rests_until_ms: int = 0
    after: Reminder | None = None


def reap_times(services: Services, now_ms: int, *, until: Deadline = NEVER) -> int:
    """Judges the times to finish by of at most `REMINDERS_PER_RUN` submissions; returns how many verdicts it noted.

    Costs one query where no submission has such a time. Otherwise it reads a cursor, and for each submission what its
    forecast reads. It looks at `LOOKS_PER_RUN` reminders at most, since those of ended submissions have to go too. It
    steps about `JOBS_PER_MINUTE` jobs a minute, however many there are: a larger workflow is judged less often than
    once a minute. Nothing is judged after `until`. Raises the first error after the other submissions have been looked
    at.
    """
    if until.is_over():
        return 0
    first = services.submissions.list_reminders(limit=LOOKS_PER_RUN + 1)
    if not first:
        return 0
    place = _read(services.cursors.load(_CURSOR))
    if now_ms < place.rests_until_ms:
        return 0
    run, errors = _Run(services, now_ms, until), FirstError()
    for number, reminder in enumerate(while_time(_turn(services, first, place), until)):
        with errors.isolated():
            run.look_at(reminder)
        if number:
            place = _Place(0, reminder)
        # The first is the one with the next time. One more is always looked at, so that it can't block the others.
        if number and (run.stepped >= JOBS_PER_MINUTE or run.judged >= REMINDERS_PER_RUN):
            break
    rest_ms = run.stepped * _RUN_EVERY_MS // JOBS_PER_MINUTE
    if rest_ms > _RUN_EVERY_MS:
        rests_until_ms = now_ms + rest_ms - _RUN_EVERY_MS // 2  # a run may come a little early
        services.cursors.save(_CURSOR, _text(_Place(rests_until_ms, place.after)))
    errors.raise_first()
    return run.noted


def _turn(services: Services, first: Sequence[Reminder], place: _Place) -> Iterator[Reminder]:
    """Yields the reminders that this run looks at: the one with the next time, then others in turns."""
    next_due, *others = first
    yield next_due
    if len(first) <= REMINDERS_PER_RUN:
        # Begins at a random one, so that slow first ones do not keep the others waiting in every run.
        start = int(services.entropy.jitter() * len(others))
        yield from [*others[start:], *others[:start]]
        return
    behind = (
        services.submissions.list_reminders(limit=LOOKS_PER_RUN, after=place.after) if place.after else ()
    )
    in_turn = [each for each in dict.fromkeys([*behind, *others]) if each != next_due]
    for each in in_turn[: LOOKS_PER_RUN - 1]:
        # Stored before the submission is looked at, so that one that takes too long is not next in every run.
        services.cursors.save(_CURSOR, _text(_Place(0, each)))
        yield each


@dataclass(slots=True)
class _Run:
    """One run: the jobs it has stepped, the submissions it has judged, and the verdicts it has noted."""

    services: Services
    now_ms: int
    until: Deadline
    stepped: int = 0
    judged: int = 0
    noted: int = 0

    def look_at(self, reminder: Reminder) -> None:
        """Judges the times of a submission and notes what has changed, then sets the reminder to the next time."""
        submission = self.services.submissions.get(reminder.submission_id)
        if submission is None:
            times_ms = self._times_of_job(reminder.submission_id)
        elif is_accepted(submission):
            times_ms = self._times_of_workflow(submission)
        else:
            times_ms = [] if submission.phase in GIVEN_UP else None
        if times_ms is None:
            return
        next_ms = min(times_ms, default=None)
        if next_ms is None:
            self.services.submissions.change_reminder_if(
                reminder, None, dated_before_ms=self.now_ms - GRACE_MS
            )
        elif next_ms != reminder.at_ms:
            self.services.submissions.change_reminder_if(reminder, next_ms, dated_before_ms=NEVER_MS)

    def _times_of_job(self, job_id: str) -> list[int] | None:
        """Judges the time of a job that was submitted alone; returns it while it may be judged again."""
        job = self.services.jobs.get(job_id, consistent=True)
        if job is None or job.is_terminal or job.finish_by_ms is None or _is_missed(job.judgements):
            return []
        self._note(judge_job_time(self.services, job, now_ms=self.now_ms, until=self.until), None)
        return [job.finish_by_ms]

    def _times_of_workflow(self, submission: Submission) -> list[int] | None:
        """Judges the times of a workflow; returns those that may be judged again, None where that is not known."""
        try:
            judged = judge_workflow_times(self.services, submission, now_ms=self.now_ms, until=self.until)
        except NotFound:
            return []  # its retention is over
        self._note(judged, submission)
        if judged.was_cut_short:
            return None
        times_ms = [
            job.finish_by_ms
            for job, _ in judged.jobs
            if job.finish_by_ms is not None and not _is_missed(job.judgements)
        ]
        # Also while all jobs that are left are going to be skipped: one may be marked, and go on.
        if judged.is_open and submission.finish_by_ms is not None and not _is_missed(submission.judgements):
            times_ms.append(submission.finish_by_ms)
        # Until the submission is complete, some of its jobs may not be written yet.
        return times_ms if times_ms or submission.phase is Phase.COMPLETE else None

    def _note(self, judged: TimesJudged, submission: Submission | None) -> None:
        """Notes the verdicts that have changed. Each change of a verdict is written here, and once."""
        self.stepped += judged.jobs_stepped
        self.judged += judged.workflow is not None or any(found is not None for _, found in judged.jobs)
        changes = [
            NoteJudgementIfOpen(job, judgement)
            for job, found in judged.jobs
            if (judgement := self._changed(job.judgements, found)) is not None
        ]
        outcomes = self.services.jobs.apply_all(changes[:CHANGES_PER_LOOK]) if changes else []
        self.noted += sum(isinstance(outcome, Job) for outcome in outcomes)
        if submission is not None:
            judgement = self._changed(submission.judgements, judged.workflow)
            if judgement is not None:
                self.noted += self.services.submissions.set_finish_by_if(
                    submission, submission.finish_by_ms, with_judgement(submission.judgements, judgement)
                )
        raise_first_failure(outcomes)

    def _changed(self, kept: Sequence[Judgement], found: FinishBy | None) -> Judgement | None:
        """Returns the judgement to note, None where the verdict is as it was or where there is none."""
        if found is None or (kept and kept[-1].verdict is found.verdict):
            return None
        return Judgement(self.now_ms, found.verdict, round(found.probability, 3))


def _is_missed(kept: Sequence[Judgement]) -> bool:
    return bool(kept) and kept[-1].verdict is FinishVerdict.MISSED


def _text(place: _Place) -> str:
    after = "" if place.after is None else f" {place.after.at_ms} {place.after.submission_id}"
    return f"{place.rests_until_ms}{after}"


def _read(stored: str | None) -> _Place:
    if stored is None:
        return _Place()
    rests_until_ms, *after = stored.split(" ")
    return _Place(int(rests_until_ms), Reminder(int(after[0]), after[1]) if after else None)
