"""The progress of a workflow: the state of every job, kept in segments of consecutive jobs.

Records of a stream come twice, in part, and late. So a segment keeps a mark for each job, which grows with every
transition of the job. A record counts only if its mark is higher than the one that the segment has. So order and
repetition change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from tidegate.domain.durations import UNKNOWN, byte_of, seconds_of
from tidegate.domain.job import Job
from tidegate.domain.states import FAILURES, TERMINAL, State

SEGMENT_JOBS = 500
"""Jobs of one segment. A stored segment then takes about 1 KB, so that a write of it costs one unit."""

RECENT_CHANGES = 100
"""Changes that a segment remembers, so that a reader who knows a recent version gets the changes alone."""

_WAITS, _MOVES, _ENDED = range(3)
# The order of the states that a job can have with the same attempt and `ready_at_ms`. Of two ends of one life, the
# later one is a success or a skip, because only an end without success is ever corrected.
_PLACES: Mapping[State, int] = {
    State.PENDING: 0,
    State.READY: 0,
    State.QUEUED: 1,
    State.RUNNING: 2,
    State.SCHEDULED: 3,
    State.FAILED: 0,
    State.TIMED_OUT: 0,
    State.CANCELLED: 0,
    State.SKIPPED: 1,
    State.SUCCEEDED: 2,
}


class JobMark(NamedTuple):
    """The state of a job, and the place of that state in the job's way. A later state has a higher mark.

    A job that is PENDING is at the beginning of a life, and a job that has ended is at its end. Both marks need the
    number of the life alone, so `attempt` and `ready_at_ms` are 0 there. In between, each claim raises `attempt`, and
    `ready_at_ms` is later each time that the job becomes READY.
    """

    reopened: int
    stage: int
    attempt: int
    ready_at_ms: int
    place: int
    state: State

    @property
    def is_under_way(self) -> bool:
        """Tells whether the job is neither PENDING nor ended, so that the mark needs its attempt and its time."""
        return self.stage == _MOVES


def mark(state: State, reopened: int = 0, attempt: int = 0, ready_at_ms: int = 0) -> JobMark:
    """Returns the mark of a job in `state`, in the life after `reopened` reopenings."""
    place = _PLACES[state]
    if state is State.PENDING:
        return JobMark(reopened, _WAITS, 0, 0, place, state)
    if state in TERMINAL:
        return JobMark(reopened, _ENDED, 0, 0, place, state)
    return JobMark(reopened, _MOVES, attempt, ready_at_ms, place, state)


def mark_of(job: Job) -> JobMark:
    """Returns the mark of the job as it is now."""
    return mark(job.state, job.reopened, job.attempt, job.ready_at_ms or 0)


_UNSEEN = mark(State.PENDING)


class Place(NamedTuple):
    """The place of a job in its workflow's progress: the workflow, the segment, and the job's number in the segment."""

    workflow_id: str
    segment: int
    offset: int


def place_of(job_id: str) -> Place | None:
    """Returns the place of a workflow's job, None for a job that was submitted alone."""
    workflow_id, dot, index = job_id.partition(".")
    return Place(workflow_id, *divmod(int(index), SEGMENT_JOBS)) if dot else None


def segments_of(job_count: int) -> int:
    """Returns how many segments the progress of a workflow with this many jobs has."""
    return -(-job_count // SEGMENT_JOBS)


class SegmentChange(NamedTuple):
    """A job's number in its segment, and the version of the segment that changed the job's state."""

    version: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The states of up to `SEGMENT_JOBS` consecutive jobs of a workflow.

    `version` is 0 until the segment is stored, and grows by one with each write. `recent` are the latest changes,
    oldest first; they are complete for versions after `recent_from`. `started_at_ms` is the earliest claim of any of
    the jobs and `ended_at_ms` the latest end, in milliseconds since the epoch, None without one. `ran` holds a byte of
    `domain.durations` for each job: how long the last attempt of an ended job ran. A release that did not measure
    stored none.
    """

    workflow_id: str
    number: int
    marks: tuple[JobMark, ...]
    version: int = 0
    recent: tuple[SegmentChange, ...] = ()
    recent_from: int = 0
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    ran: bytes = b""
    expires_at_s: int | None = None

    @property
    def ran_seconds(self) -> tuple[float | None, ...]:
        """Returns how long each job ran, in seconds; None for a job that has not ended or was not measured."""
        return tuple(map(seconds_of, self.ran)) or (None,) * len(self.marks)

    @property
    def states(self) -> tuple[State, ...]:
        """Returns the state of each job, in the order of the workflow."""
        return tuple(each.state for each in self.marks)

    @property
    def is_ended(self) -> bool:
        """Tells whether every job of the segment has ended."""
        return all(each.stage == _ENDED for each in self.marks)

    def changed_after(self, version: int) -> Mapping[int, State] | None:
        """Returns the states of the jobs that changed after `version`, by their numbers in the segment.

        Returns None where the segment no longer knows, or where it never had that version.
        """
        if not self.recent_from <= version <= self.version:
            return None
        return {each.offset: self.marks[each.offset].state for each in self.recent if each.version > version}


def new_segment(workflow_id: str, number: int, job_count: int, expires_at_s: int | None = None) -> Segment:
    """Returns a segment before anything is known of its jobs. `job_count` is the number of jobs of the workflow."""
    size = max(0, min(SEGMENT_JOBS, job_count - number * SEGMENT_JOBS))
    return Segment(
        workflow_id=workflow_id,
        number=number,
        marks=(_UNSEEN,) * size,
        ran=bytes(size),
        expires_at_s=expires_at_s,
    )


def recorded(segment: Segment, jobs: Iterable[Job]) -> Segment:
    """Returns the next version of the segment, which knows these jobs; the segment itself if it knew them all.

    The jobs belong to the segment. They may come in any order, and repeatedly.
    """
    marks, version = list(segment.marks), segment.version + 1
    ran = bytearray(segment.ran or bytes(len(marks)))
    started, ended = segment.started_at_ms, segment.ended_at_ms
    changed: dict[int, None] = {}
    known = True
    for job in jobs:
        place = place_of(job.job_id)
        if place is None or place.offset >= len(marks):
            continue
        seen = mark_of(job)
        if seen > marks[place.offset]:
            if seen.state is not marks[place.offset].state:
                changed[place.offset] = None
            marks[place.offset], known = seen, False
            ran[place.offset] = byte_of(job.actual_duration_seconds) if seen.stage == _ENDED else UNKNOWN
        started = min(filter(None, (started, *_claims(job))), default=None)
        ended = max(filter(None, (ended, job.finished_at_ms)), default=None)
    if known and (started, ended) == (segment.started_at_ms, segment.ended_at_ms):
        return segment
    recent = (*segment.recent, *(SegmentChange(version, offset) for offset in changed))
    kept = recent[-RECENT_CHANGES:]
    dropped = recent[: len(recent) - len(kept)]
    recent_from = dropped[-1].version if dropped else segment.recent_from
    return replace(
        segment,
        marks=tuple(marks),
        version=version,
        recent=tuple(each for each in kept if each.version > recent_from),
        recent_from=recent_from,
        started_at_ms=started,
        ended_at_ms=ended,
        ran=bytes(ran),
    )


def _claims(job: Job) -> Iterable[int]:
    return (entry.at_ms for entry in job.history if entry.state is State.RUNNING)


class WorkflowState(StrEnum):
    """The state of a workflow in one word."""

    RUNNING = "RUNNING"  # some job has not ended
    HELD = "HELD"  # as RUNNING, and a caller has put the workflow on hold as a whole; a summary never has it
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    def shown(self, *, on_hold: bool) -> WorkflowState:
        """Returns the word to show of a workflow that is on hold as a whole, or is not."""
        return WorkflowState.HELD if on_hold and self is WorkflowState.RUNNING else self


@dataclass(frozen=True, slots=True)
class Summary:
    """A workflow's progress in a few numbers.

    `version` grows with every change of the progress. `counts` holds the number of jobs by state, without zeros.
    `ended_at_ms` is None until every job has ended. Both times are in milliseconds since the epoch.
    """

    state: WorkflowState
    version: int
    counts: Mapping[State, int]
    started_at_ms: int | None = None
    ended_at_ms: int | None = None


def summary_of(segments: Sequence[Segment], job_count: int) -> Summary:
    """Returns the summary of a workflow with `job_count` jobs. Jobs of a segment that is not stored are PENDING."""
    counts = Counter(state for segment in segments for state in segment.states)
    unseen = job_count - counts.total()
    if unseen:
        counts[State.PENDING] += unseen
    state = word_of(counts)
    started = min((each.started_at_ms for each in segments if each.started_at_ms is not None), default=None)
    ended = max((each.ended_at_ms for each in segments if each.ended_at_ms is not None), default=None)
    return Summary(
        state,
        sum(each.version for each in segments),
        {state: counts[state] for state in State if counts[state]},
        started,
        None if state is WorkflowState.RUNNING else ended,
    )


def word_of(counts: Mapping[State, int]) -> WorkflowState:
    """Returns the state of a workflow with these numbers of jobs by state.

    A failed job decides before a cancelled one. A workflow without any success, such as one whose jobs were all
    skipped because of another workflow, has not succeeded.
    """
    found = {state for state, count in counts.items() if count}
    if found - TERMINAL:
        return WorkflowState.RUNNING
    if found & FAILURES:
        return WorkflowState.FAILED
    if State.CANCELLED in found:
        return WorkflowState.CANCELLED
    return WorkflowState.SUCCEEDED if State.SUCCEEDED in found else WorkflowState.FAILED
