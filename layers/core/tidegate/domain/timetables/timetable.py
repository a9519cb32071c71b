"""The values of timetables: a timetable, when it recurs, and its runs.

A *scheduled time* is a moment at which a timetable submits its template, in milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tidegate.domain.type_facts import TypeFacts

DEFAULT_GRACE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Cron:
    """Times by a cron expression of five fields, on the clock of a time zone such as Europe/Berlin."""

    expression: str
    zone: str


@dataclass(frozen=True, slots=True)
class Every:
    """Times that lie `seconds` (60 or more) apart, counted from `anchor_ms` in both directions."""

    seconds: int
    anchor_ms: int

    def latest(self, after_ms: int, up_to_ms: int, limit: int) -> tuple[int, ...]:
        """Returns the latest `limit` times after `after_ms` and up to `up_to_ms`, in order."""
        step = self.seconds * 1_000
        last = self.anchor_ms + (up_to_ms - self.anchor_ms) // step * step
        first = max(self.next(after_ms), last - (limit - 1) * step)
        return tuple(range(first, last + 1, step))

    def following(self, after_ms: int, up_to_ms: int, limit: int) -> tuple[int, ...]:
        """Returns the first `limit` times after `after_ms` and up to `up_to_ms`, in order."""
        step = self.seconds * 1_000
        first = self.next(after_ms)
        return tuple(range(first, min(up_to_ms, first + (limit - 1) * step) + 1, step))

    def next(self, after_ms: int) -> int:
        """Returns the first time after `after_ms`."""
        step = self.seconds * 1_000
        return self.anchor_ms + ((after_ms - self.anchor_ms) // step + 1) * step


Recurrence = Cron | Every


class Missed(StrEnum):
    """The treatment of scheduled times that the reaper reaches later than their grace allows."""

    SKIP = "skip"  # none of them is submitted
    ONCE = "once"  # the latest of them is submitted
    ALL = "all"  # all of them are submitted, at most the latest 100


class Overlap(StrEnum):
    """The treatment of a scheduled time while the last run's job or workflow has not ended."""

    ALLOW = "allow"  # submit beside it
    SKIP = "skip"  # submit nothing
    CANCEL = "cancel"  # cancel it, then submit


class SubmissionKind(StrEnum):
    """The kind of a timetable's template, and of what a run submitted."""

    JOB = "job"
    WORKFLOW = "workflow"


@dataclass(frozen=True, slots=True)
class Subject:
    """The job or workflow that a run submitted."""

    kind: SubmissionKind
    submission_id: str


class Cause(StrEnum):
    """The reason for a run."""

    TIMETABLE = "timetable"  # its scheduled time came
    MANUAL = "manual"  # a caller asked for one run now
    BACKFILL = "backfill"  # a caller asked for the runs of a range


class RunOutcome(StrEnum):
    """The outcome of a run: whether it submitted something."""

    SUBMITTED = "submitted"
    SKIPPED = "skipped"  # the run before it had not ended
    MISSED = "missed"  # the reaper reached it too late
    REFUSED = "refused"  # the submission was refused, for the reason that stands beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of a timetable, as the history keeps it.

    `scheduled_ms` is its scheduled time, or for a manual run the time at which it was asked for. `recorded_ms` is when
    it was recorded. Both are in milliseconds since the epoch. `count` is 1, except that a missed run stands for so many
    times, of which it is the latest. `subject` is what the run submitted, or for a run that submitted nothing what the
    last run before it had submitted; None if there is none. `code` and `message` say why a run was refused.
    `expires_at_s` is when the record may be removed, in seconds since the epoch.
    """

    timetable_id: str
    scheduled_ms: int
    cause: Cause
    outcome: RunOutcome
    recorded_ms: int
    expires_at_s: int
    count: int = 1
    subject: Subject | None = None
    code: str | None = None
    message: str | None = None

    @property
    def submitted(self) -> Subject | None:
        """The job or workflow that this very run submitted, None if it submitted none."""
        return self.subject if self.outcome is RunOutcome.SUBMITTED else None


@dataclass(frozen=True, slots=True)
class TemplateType:
    """A job type of a template, as it was known when the timetable was made or changed.

    `home` is the pool whose workers announced it, None for a deployed type.
    """

    facts: TypeFacts
    home: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """A timetable: it submits one template at the times of its recurrence, in the name of its owner.

    `version` rises by one with each change, so that writes can be conditional. `owner` is the subject of the caller
    that made it. `template_id` names the stored template, and `job_types` are its types. No time up to `from_ms`
    belongs to it; nor does one before `start_ms` or after `end_ms`, which may be None. A run begins up to
    `jitter_seconds` after its scheduled time. A time that is reached more than `grace_seconds` later is missed.
    `fingerprint` identifies the body that made it. Times are in milliseconds since the epoch.
    """

    timetable_id: str
    version: int
    owner: str | None
    recurrence: Recurrence
    kind: SubmissionKind
    template_id: str
    job_types: Mapping[str, TemplateType]
    from_ms: int
    created_at_ms: int
    changed_at_ms: int
    changed_by: str | None
    fingerprint: str
    name: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    jitter_seconds: int = 0
    missed: Missed = Missed.SKIP
    grace_seconds: int = DEFAULT_GRACE_SECONDS
    overlap: Overlap = Overlap.ALLOW
    is_paused: bool = False

    @property
    def zone(self) -> str:
        """The zone on whose clock the dates of its runs are read."""
        return self.recurrence.zone if isinstance(self.recurrence, Cron) else "UTC"

    def begins_after(self, reached_ms: int = 0) -> int:
        """Returns the moment after which its times count, where those up to `reached_ms` are dealt with."""
        start_ms = 0 if self.start_ms is None else self.start_ms - 1
        return max(reached_ms, self.from_ms, start_ms)


@dataclass(frozen=True, slots=True)
class Due:
    """A note that a timetable is to be looked at from `at_ms` on. It is a hint; the timetable and its runs decide.

    `version` is that of the timetable for which it was left, `reached_ms` the scheduled time up to which all runs were
    dealt with, and `noted_ms` when it was left. Times are in milliseconds since the epoch.
    """

    at_ms: int
    timetable_id: str
    version: int
    reached_ms: int
    noted_ms: int


@dataclass(frozen=True, slots=True)
class Template:
    """The job or workflow that a timetable submits, as the JSON text that its caller sent."""

    template_id: str
    text: str
