"""Turns a job back to what it was after each transition of its history, so that each write can be sized.

An item keeps its latest values only. The values of an earlier write are taken from the history where it tells
them, and from the present item elsewhere: the name of an earlier worker, and the message of an earlier error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.states import TERMINAL, State


@dataclass(slots=True)
class _Times:
    """The times that the transitions so far have written, in milliseconds since the epoch."""

    ready: int | None = None
    queued: int | None = None
    started: int | None = None
    began: int | None = None
    due: int | None = None
    lease: int | None = None
    finished: int | None = None

    def note(self, entry: HistoryEntry, before: HistoryEntry | None) -> None:
        """Takes over the times that a transition writes."""
        state, at_ms = entry.state, entry.at_ms
        if before is not None and before.state is State.RUNNING and state is not State.RUNNING:
            self.began = before.at_ms
        if state is State.PENDING:
            self.queued = self.started = self.began = self.due = self.lease = self.finished = None
        elif state is State.SCHEDULED:
            self.due, self.lease = at_ms, None
        elif state is State.READY:
            self.ready, self.due, self.lease = at_ms, None, None
        elif state is State.QUEUED:
            self.queued = at_ms
        elif state is State.RUNNING:
            self.started = self.lease = at_ms
        else:
            self.finished, self.due, self.lease = at_ms, None, None


def replayed(job: Job) -> Sequence[Job]:
    """Returns the job as it was after each transition of its history but the last, in their order.

    Each has only its own transition in its history, because a long history would be copied many times over.
    """
    seen: list[Job] = []
    times = _Times()
    life, reopened = 0, 0
    before: HistoryEntry | None = None
    for place, entry in enumerate(job.history[:-1]):
        times.note(entry, before)
        if entry.state is State.PENDING and place > 0:
            life, reopened = place, reopened + 1
        seen.append(_as_after(job, place, times, life=life, reopened=reopened))
        before = entry
    return seen


def _as_after(job: Job, place: int, times: _Times, *, life: int, reopened: int) -> Job:
    """Returns the job as it was after the transition at `place` of its history, in the life that begins at `life`."""
    entry = job.history[place]
    states = [each.state for each in job.history[life : place + 1]]
    ran = State.RUNNING in states
    has_ended = entry.state in TERMINAL
    has_failed = ran and (has_ended or State.SCHEDULED in states[states.index(State.RUNNING) :])
    return replace(
        job,
        state=entry.state,
        history=(entry,),
        attempt=entry.attempt,
        reopened=reopened,
        waiting_on=frozenset(range(job.dependency_count)) if entry.state is State.PENDING else frozenset(),
        ready_at_ms=times.ready,
        queued_at_ms=times.queued,
        sent_at_ms=times.queued,
        started_at_ms=times.started,
        began_at_ms=times.began,
        due_at_ms=times.due,
        finished_at_ms=times.finished,
        lease_expires_at_ms=times.lease,
        worker_id=(job.worker_id or _worker_of(job, place)) if ran else None,
        worker_name=job.worker_name if ran else "",
        worker_host=job.worker_host if ran else "",
        tries=job.tries if has_failed else 0,
        worker_losses=job.worker_losses if ran and entry.state is not State.RUNNING else 0,
        held_in="",
        on_hold=False,
        progress=None,
        result=None,
        result_overflow=False,
        failure=job.failure if has_failed else None,
        cancel_requested_at_ms=None,
        cancel_requested_by=None,
        expires_at_s=job.expires_at_s if has_ended else None,
        outside=None if job.outside is None else job.outside.over(),
        second=None if job.second is None or entry.at_ms < job.second.offered_at_ms else job.second,
    )


def _worker_of(job: Job, place: int) -> str | None:
    claims = [each.actor for each in job.history[: place + 1] if each.state is State.RUNNING]
    return claims[-1] if claims else None
