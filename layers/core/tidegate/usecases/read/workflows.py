"""Lists workflows, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tidegate.domain.job import NO_TAGS
from tidegate.domain.months import month_before, month_of, month_start_ms
from tidegate.domain.progress import Summary, WorkflowState, segments_of, summary_of
from tidegate.domain.submission import Submission
from tidegate.domain.verdicts import FinishVerdict, shown_judgement
from tidegate.ports import WorkflowEntry, WorkflowRecord
from tidegate.usecases.read import cursors
from tidegate.usecases.read.visible import is_accepted
from tidegate.usecases.services import Services

READS = 10  # pages of the index that one page of the listing looks at
_READ_AT_ONCE = 100  # workflows of such a page
SEGMENTS = 400  # segments that are read for the counts of running workflows
_AHEAD_MS = 3_600_000  # a workflow may have been dated by a process whose clock was ahead
# No submission is kept for longer than this beyond its retention (`submit._OPEN_SECONDS`).
OLDEST_SECONDS = 801 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFilter:
    """The workflows that a caller wants; a field that is None or empty wants all.

    `states` are words of state. `name` is the beginning of a name. `submitted_by` is the subject of a caller. `tags`
    are names with the values that the workflow itself must have. `from_ms` and `to_ms` bound the time of the creation,
    in milliseconds since the epoch, both included. `finish_by_ms` wants those that ought to have ended by then,
    `verdict` those of whose time this is known.
    """

    states: frozenset[WorkflowState] = frozenset()
    name: str | None = None
    submitted_by: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    from_ms: int | None = None
    to_ms: int | None = None
    finish_by_ms: int | None = None
    verdict: FinishVerdict | None = None

    def wants(self, record: WorkflowRecord, now_ms: int) -> bool:
        """Tells whether the caller wants this workflow. The time of its creation is not looked at."""
        submission = record.submission
        state = WorkflowState.RUNNING if record.summary is None else record.summary.state
        return (
            is_accepted(submission)
            and (not self.states or state.shown(on_hold=submission.on_hold) in self.states)
            and (self.name is None or (submission.name or "").startswith(self.name))
            and self.submitted_by in (None, submission.submitted_by)
            and all(submission.tags.get(name) == value for name, value in self.tags.items())
            and self._wants_time(submission.finish_by_ms)
            and self.verdict in (None, _verdict_of(record, now_ms))
        )

    def _wants_time(self, finish_by_ms: int | None) -> bool:
        if self.finish_by_ms is None:
            return True
        return finish_by_ms is not None and finish_by_ms <= self.finish_by_ms

    def plain(self) -> list[object]:
        """Returns the filter as JSON values, by which a cursor is bound to it."""
        tags = sorted(map(list, self.tags.items()))
        later: list[object] = [] if self.finish_by_ms is None else [self.finish_by_ms]  # older cursors go on
        if self.verdict is not None:
            later.append(self.verdict)
        return [sorted(self.states), self.name, self.submitted_by, tags, self.from_ms, self.to_ms, *later]


@dataclass(frozen=True, slots=True)
class WorkflowRow:
    """A workflow of a listing, with its summary."""

    submission: Submission
    summary: Summary


@dataclass(frozen=True, slots=True)
class WorkflowListing:
    """Some workflows, and the cursor of the next page; None at the end.

    The page looked at `looked_at` workflows, back to the time `looked_back_to_ms` in milliseconds since the epoch.
    """

    rows: tuple[WorkflowRow, ...]
    cursor: str | None
    looked_at: int
    looked_back_to_ms: int


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a walk continues: in a month, behind the workflow `after`; None at the month's end."""

    month: str
    after: WorkflowEntry | None


def list_workflows(
    services: Services, wanted: WorkflowFilter, *, cursor: str | None, limit: int, now_ms: int
) -> WorkflowListing:
    """Returns a page of at most `limit` (1-200) workflows, newest first.

    A page looks at `READS` pages of the index, each of 100 workflows of one month. So it may hold few workflows, or
    none, before the end. Each page costs a query and a read of its workflows. The counts of workflows that run cost a
    read for each 100 of their segments, `SEGMENTS` at most: the page ends before it needs more. The index and the
    summaries may lag by moments. Raises InvalidRequest for a malformed cursor; ServiceUnavailable.
    """
    # Months that have not come hold no workflow, and a caller would have to page through them.
    latest_ms = now_ms + _AHEAD_MS
    to_ms = latest_ms if wanted.to_ms is None else min(wanted.to_ms, latest_ms)
    oldest_ms = now_ms - (services.settings.retention_seconds + OLDEST_SECONDS) * 1_000
    from_ms = max(0, oldest_ms, wanted.from_ms or 0)
    position = _start(cursor, wanted, to_ms)
    found: list[WorkflowRecord] = []
    looked_at, segments = 0, 0
    looked_back_to_ms = to_ms if position.after is None else position.after.created_at_ms
    for _ in range(READS):
        month, after = position.month, position.after
        entries = services.workflows.page(
            month, limit=_READ_AT_ONCE, from_ms=from_ms, to_ms=to_ms, after=after
        )
        records = services.workflows.get_many([each.workflow_id for each in entries]) if entries else {}
        for entry in entries:
            record = records.get(entry.workflow_id)
            if record is not None and wanted.wants(record, now_ms):
                segments += _segments_needed(record)
                if found and segments > SEGMENTS:
                    return _listing(services, wanted, found, position, looked_at, looked_back_to_ms)
                found.append(record)
            position = _Position(month, entry)
            looked_at, looked_back_to_ms = looked_at + 1, entry.created_at_ms
            if len(found) == limit:
                return _listing(services, wanted, found, position, looked_at, looked_back_to_ms)
        if len(entries) < _READ_AT_ONCE:
            if month <= month_of(from_ms):
                return _listing(services, wanted, found, None, looked_at, from_ms)
            position = _Position(month_before(month), None)
            looked_back_to_ms = month_start_ms(month)
    return _listing(services, wanted, found, position, looked_at, looked_back_to_ms)


def _listing(
    services: Services,
    wanted: WorkflowFilter,
    found: Sequence[WorkflowRecord],
    position: _Position | None,
    looked_at: int,
    looked_back_to_ms: int,
) -> WorkflowListing:
    after = None if position is None else position.after
    place = [] if position is None else [position.month, *(after or ())]
    cursor = cursors.short([wanted.plain(), *place]) if place else None
    return WorkflowListing(_rows(services, found), cursor, looked_at, looked_back_to_ms)


def _rows(services: Services, found: Sequence[WorkflowRecord]) -> tuple[WorkflowRow, ...]:
    """Makes the rows. A workflow that has ended has its counts with it; those of the others are counted now."""
    running = [each.submission for each in found if _segments_needed(each)]
    places = [
        (each.submission_id, number) for each in running for number in range(segments_of(each.job_count))
    ]
    segments = services.progress.load(places) if places else {}
    rows: list[WorkflowRow] = []
    for record in found:
        submission = record.submission
        stored = [
            segments[submission.submission_id, number]
            for number in range(segments_of(submission.job_count))
            if (submission.submission_id, number) in segments
        ]
        summary = record.summary
        if summary is None or _segments_needed(record):
            # The state is the one that the filter saw, although the segments may know better by now.
            summary = replace(
                summary_of(stored, submission.job_count), state=WorkflowState.RUNNING, ended_at_ms=None
            )
        rows.append(WorkflowRow(submission, summary))
    return tuple(rows)


def _verdict_of(record: WorkflowRecord, now_ms: int) -> FinishVerdict | None:
    submission, summary = record.submission, record.summary
    known = shown_judgement(
        submission.finish_by_ms,
        submission.judgements,
        ended_at_ms=None if summary is None else summary.ended_at_ms,
        now_ms=now_ms,
    )
    return None if known is None else known.verdict


def _segments_needed(record: WorkflowRecord) -> int:
    """Returns how many segments must be read for the counts of the workflow."""
    is_running = record.summary is None or record.summary.state is WorkflowState.RUNNING
    return segments_of(record.submission.job_count) if is_running else 0


def _start(cursor: str | None, wanted: WorkflowFilter, to_ms: int) -> _Position:
    """Returns where the walk begins. Raises InvalidRequest for a malformed cursor, or one of another listing."""
    if cursor is None:
        return _Position(month_of(to_ms), None)
    with cursors.checked():
        plain, month, *after = cursors.read_short(cursor)
        if plain != wanted.plain():
            raise ValueError("of another listing")
        if not isinstance(month, str):
            raise TypeError(month)
        month_start_ms(month)
        if not after:
            return _Position(month, None)
        created_at_ms, workflow_id = after
        if type(created_at_ms) is not int or not 0 < len(workflow_id) <= 26 or not workflow_id.isascii():
            raise ValueError(after)
        if month_of(created_at_ms) != month:
            raise ValueError(after)
        return _Position(month, WorkflowEntry(created_at_ms, workflow_id))
