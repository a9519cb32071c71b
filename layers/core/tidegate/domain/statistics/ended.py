"""An end of a job, as the job's entry in the index tells it, with the figures of the life that it ended.

A job may end several times: a caller reopens it, or marks an end without success as another end. Each end counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.lives import began_no_code, rounds_of_present_life, was_handed_back
from tidegate.domain.states import TERMINAL, State

SETTLES_MS: Final = 600_000
"""How long after `ended_at_ms` an end may still come into the index, in milliseconds (see `ports.JobIndex.ended`)."""

_FORM = "1"  # the form of a packed text, so that a later version may read earlier texts
_SEPARATOR = "|"
_PARTS = 9
_IN_TURN = frozenset({State.READY, State.QUEUED})


@dataclass(frozen=True, slots=True, kw_only=True)
class EndFigures:
    """The figures of an end, as far as the job knew them when it ended. Durations are in milliseconds, 0 or more.

    `waited_ms` is how long the job waited for its turn before its latest attempt: from when it became READY until it
    was claimed, or until it ended where no claim followed. A dispatch that no worker claimed is part of that wait. None
    where the job never became READY. Waiting for upstreams, for a due time or for a backoff does not count, because no
    slot was lacking then.

    `ran_ms` is how long the code of the latest attempt ran, None where it did not begin. `wasted_ms` is how long the
    earlier attempts took from their claims on; attempts that handed the job back before their code began took none.
    `tries` and `losses` are the life's counts of failed attempts and lost workers. `hand_backs` counts the hand-backs
    that the history keeps, `MAX_INTERRUPTIONS_KEPT` at most. `life` is 0 for the first. `worker` names the latest
    worker, None where there was none.

    All are of the life that ended, except for an end that a caller marked over an earlier end: the earlier end has told
    the life's figures, so this one tells none but `life`.
    """

    waited_ms: int | None = None
    ran_ms: int | None = None
    wasted_ms: int = 0
    tries: int = 0
    hand_backs: int = 0
    losses: int = 0
    life: int = 0
    worker: str | None = None

    def packed(self) -> str:
        """Returns the figures as a short text, such as `1|1500|60000||||||worker-7`, without the counts that are 0."""
        durations = ("" if each is None else str(each) for each in (self.waited_ms, self.ran_ms))
        counts = (self.wasted_ms, self.tries, self.hand_backs, self.losses, self.life)
        return _SEPARATOR.join((_FORM, *durations, *(str(each or "") for each in counts), self.worker or ""))

    @classmethod
    def unpacked(cls, text: str) -> EndFigures | None:
        """Returns the figures that a text tells, None where another version wrote the text or it is broken."""
        parts = text.split(_SEPARATOR, _PARTS - 1)
        if len(parts) != _PARTS or parts[0] != _FORM:
            return None
        try:
            waited, ran, *counts = (int(part) if part else None for part in parts[1:-1])
        except ValueError:
            return None
        wasted, tries, hand_backs, losses, life = (count or 0 for count in counts)
        return cls(
            waited_ms=waited,
            ran_ms=ran,
            wasted_ms=wasted,
            tries=tries,
            hand_backs=hand_backs,
            losses=losses,
            life=life,
            worker=parts[-1] or None,
        )


@dataclass(frozen=True, slots=True, order=True)
class EndPlace:
    """The place of an end in the order of ends. `life` is 0 where the ends of one job are never side by side."""

    ended_at_ms: int
    job_id: str
    life: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedJob:
    """One end of a job. Times are in milliseconds since the epoch.

    `pool` is the pool in which the job ended. `share` is None for a job of the main lane. `estimated_seconds` is what
    the caller foretold. `figures` is None where the job ended under a version that wrote none.
    """

    job_id: str
    pool: str
    type: str
    state: State
    ended_at_ms: int
    submitted_at_ms: int
    priority: int
    share: str | None = None
    error_code: str | None = None
    estimated_seconds: float | None = None
    figures: EndFigures | None = None

    @property
    def place(self) -> EndPlace:
        """Returns the place of the end among the kept ends of its pool."""
        return EndPlace(self.ended_at_ms, self.job_id, self.figures.life if self.figures else 0)


def end_of(job: Job) -> EndedJob:
    """Returns the present end of a job that has ended."""
    return EndedJob(
        job_id=job.job_id,
        pool=job.pool,
        type=job.type,
        state=job.state,
        ended_at_ms=job.finished_at_ms or job.created_at_ms,
        submitted_at_ms=job.created_at_ms,
        priority=job.priority,
        share=job.share or None,
        error_code=None if job.failure is None else job.failure.code,
        estimated_seconds=job.estimated_duration_seconds,
        figures=figures_of(job),
    )


def figures_of(job: Job) -> EndFigures:
    """Returns the figures of the present end of a job that has ended."""
    return _figures(job, job.history, job.began_at_ms)


def coming_figures(job: Job, state: State, ended_at_ms: int, began_at_ms: int | None) -> EndFigures:
    """Returns the figures of the end that a job comes to in `state` at `ended_at_ms`.

    The job has its counts of the end already. `began_at_ms` is when the code of its latest attempt began; None where
    the end brings no such time, so that the job's own counts. Times are in milliseconds since the epoch.
    """
    end = HistoryEntry(ended_at_ms, state, job.attempt, actor="")
    return _figures(job, (*job.history, end), job.began_at_ms if began_at_ms is None else began_at_ms)


def _figures(job: Job, history: Sequence[HistoryEntry], began_at_ms: int | None) -> EndFigures:
    if len(history) > 1 and history[-2].state in TERMINAL:
        return EndFigures(life=job.reopened)
    rounds = rounds_of_present_life(history)
    entries = [entry for one in rounds for entry in one]
    claims = [place for place, entry in enumerate(entries) if entry.state is State.RUNNING]
    return EndFigures(
        waited_ms=_waited_ms(entries),
        ran_ms=_ran_ms(entries, claims, began_at_ms),
        wasted_ms=_wasted_ms(rounds, entries),
        tries=job.tries,
        hand_backs=sum(was_handed_back(one) for one in rounds[1:]),
        losses=job.worker_losses,
        life=job.reopened,
        worker=(job.worker_name or job.worker_id) if claims else None,
    )


def _waited_ms(entries: Sequence[HistoryEntry]) -> int | None:
    turns = [place for place, entry in enumerate(entries) if entry.state in _IN_TURN]
    if not turns:
        return None
    first = last = turns[-1]
    while first and entries[first - 1].state in _IN_TURN:
        first -= 1
    return max(0, _at_ms(entries, last + 1) - entries[first].at_ms)


def _ran_ms(entries: Sequence[HistoryEntry], claims: Sequence[int], began_at_ms: int | None) -> int | None:
    if not claims or began_at_ms is None:
        return None
    # The job keeps only the latest beginning, which may be that of an earlier attempt. The two are told apart by the
    # end of the earlier attempt: a claim may be dated later than its code's beginning, because the dispatcher's clock
    # dates it where that clock is ahead of the worker's.
    if len(claims) > 1 and began_at_ms < _at_ms(entries, claims[-2] + 1):
        return None
    return max(0, _at_ms(entries, claims[-1] + 1) - began_at_ms)


def _wasted_ms(rounds: Sequence[Sequence[HistoryEntry]], entries: Sequence[HistoryEntry]) -> int:
    """Returns how long all attempts but the latest took; `rounds` are theirs, and `entries` are those of the life."""
    ends = accumulate(len(one) for one in rounds[:-1])
    earlier = zip(ends, rounds[1:-1], strict=False)
    return sum(
        max(0, _at_ms(entries, claim + 1) - entries[claim].at_ms)
        for claim, one in earlier
        if not began_no_code(one)
    )


def _at_ms(entries: Sequence[HistoryEntry], place: int) -> int:
    """Returns the time of the entry at `place`, or of the last entry where there is none."""
    return entries[min(place, len(entries) - 1)].at_ms
