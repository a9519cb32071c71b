"""The base of all transitions, and the helpers that they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tidegate.domain.errors import TidegateError
from tidegate.domain.job import HistoryEntry, Job, JobFailure, Json, second_ran_ms
from tidegate.domain.lanes import MAIN
from tidegate.domain.lives import UNBEGUN
from tidegate.domain.logs import LogPlace
from tidegate.domain.states import TERMINAL, TRANSITIONS, State


@dataclass(frozen=True, slots=True)
class Stamp:
    """The time of a transition in milliseconds since the epoch, its actor, and its reason.

    `reason` is empty where the transition needs no explanation. `logs` is where the lines of the attempt go that the
    transition begins.
    """

    now_ms: int
    actor: str
    reason: str = ""
    logs: LogPlace | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """A job's final state, with its result or its failure.

    `result_overflow` says that the result was stored in the Payloads table beforehand. `expires_at_s` is when the job
    may be removed, in seconds since the epoch; None keeps it. `began_at_ms` is when the attempt's code began, in
    milliseconds since the epoch; None where no start of it is known.
    """

    state: State
    result: Json = None
    failure: JobFailure | None = None
    expires_at_s: int | None = None
    result_overflow: bool = False
    began_at_ms: int | None = None


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
    earlier attempts took from their claims on; attempts that handed the job back before their code began took none. It
    has the attempt, too, that ran beside the one that counted: the second one, or the first where the second one won.
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
        durations = ["" if each is None else str(each) for each in (self.waited_ms, self.ran_ms)]
        counts = (self.wasted_ms, self.tries, self.hand_backs, self.losses, self.life)
        return _SEPARATOR.join([_FORM, *durations, *[str(each or "") for each in counts], self.worker or ""])

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


class TransitionRefused(TidegateError):
    """The error for a transition whose condition does not hold. `job` is the job as the conditional write found it."""

    code = "transition-refused"

    def __init__(self, transition: str, job: Job, why: str) -> None:
        self.transition = transition
        self.job = job
        self.why = why
        super().__init__(f"{transition} refused for job {job.job_id}: {why}")


@dataclass(frozen=True, slots=True)
class Transition(ABC):
    """The base class of all transitions. `name` stands for the transition in errors and logs."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def job_id(self) -> str:
        """Returns the id of the job that the transition changes."""

    @abstractmethod
    def apply(self, job: Job) -> Job:
        """Returns the job after the transition. Raises TransitionRefused where the condition does not hold."""

    def _require(self, holds: bool, job: Job, why: str) -> None:
        if not holds:
            raise TransitionRefused(self.name, job, why)

    def _require_state(self, job: Job, state: State) -> None:
        self._require(job.state is state, job, f"it is {job.state}, not {state}")

    def _require_attempt(self, job: Job, attempt: int) -> None:
        holds = job.state is State.RUNNING and job.attempt == attempt
        self._require(
            holds, job, f"it is {job.state} at attempt {job.attempt}, the write is for attempt {attempt}"
        )
        self._require_in_worker(job)

    def _require_in_worker(self, job: Job) -> None:
        self._require(not job.is_outside, job, "it was handed over")

    def _require_not_cancelled(self, job: Job) -> None:
        self._require(job.cancel_requested_at_ms is None, job, "cancellation was asked for")

    def _require_same_life(self, job: Job, reopened: int) -> None:
        self._require(
            job.reopened == reopened, job, f"it was reopened {job.reopened} times by now, not {reopened}"
        )

    def _require_ready_since(self, job: Job, ready_at_ms: int | None) -> None:
        """Refuses where the job became READY again after it was read, so that the history that was read is old."""
        self._require(
            job.ready_at_ms == ready_at_ms,
            job,
            f"it is READY since {job.ready_at_ms}, not since {ready_at_ms}",
        )

    def _require_lease_expired(self, job: Job, attempt: int, now_ms: int) -> None:
        self._require_attempt(job, attempt)
        self._require(
            job.lease_expires_at_ms is not None and job.lease_expires_at_ms < now_ms,
            job,
            "its lease has not ended",
        )


def after_latest(job: Job, stamp: Stamp) -> Stamp:
    """Returns the stamp, or a copy with the time of the job's latest step where that is later.

    Another process with a faster clock may have dated that step.
    """
    latest_ms = job.history[-1].at_ms if job.history else 0
    return stamp if stamp.now_ms >= latest_ms else replace(stamp, now_ms=latest_ms)


def ending_after_latest(job: Job, ending: Ending, stamp: Stamp) -> tuple[Ending, Stamp]:
    """Returns the ending and the stamp, both dated like `after_latest` does, and later than the job's earlier ends.

    So the time of an end tells the ends of a job apart. `expires_at_s` moves by the same number of seconds, so that the
    retention counts from the new time.
    """
    dated = after_latest(job, stamp)
    ends_ms = [entry.at_ms for entry in job.history if entry.state in TERMINAL]
    if ends_ms and dated.now_ms <= ends_ms[-1]:
        dated = replace(dated, now_ms=ends_ms[-1] + 1)
    if ending.expires_at_s is None:
        return ending, dated
    later_s = dated.now_ms // 1_000 - stamp.now_ms // 1_000
    return replace(ending, expires_at_s=ending.expires_at_s + later_s), dated


def brought_to(job: Job, to: State, stamp: Stamp, **changes: Any) -> Job:
    """Returns the job in state `to`, with `changes` to its fields and one more entry in its history.

    The entry has the time of the stamp, or of the job's latest step where that is later.
    """
    # An assertion, because no input can cause this; only a mistake in the program can.
    assert to in TRANSITIONS[job.state], f"{job.state} -> {to} is not in the table"  # nosec B101
    stamp = after_latest(job, stamp)
    attempt = changes.get("attempt", job.attempt)
    entry = HistoryEntry(stamp.now_ms, to, attempt, stamp.actor, stamp.reason, stamp.logs)
    return replace(job, state=to, history=(*job.history, entry), **changes)


def next_ready_at_ms(job: Job, now_ms: int) -> int:
    """Returns the `ready_at_ms` of a job that becomes READY at `now_ms`, both in milliseconds since the epoch.

    The value is later each time, whatever the clocks of the actors say, so that it tells the attempts of a job apart.
    """
    return max(now_ms, (job.ready_at_ms or 0) + 1)


def when_ready(job: Job, stamp: Stamp) -> Stamp:
    """Returns the stamp with the time that `next_ready_at_ms` gives for the job."""
    return replace(stamp, now_ms=next_ready_at_ms(job, after_latest(job, stamp).now_ms))


def made_ready(job: Job, stamp: Stamp, pool: str | None = None) -> Job:
    """Returns the job READY from the stamp's time on, without the fields of its earlier wait or attempt.

    The job is in `pool`, or in its present pool where `pool` is None.
    """
    stamp = when_ready(job, stamp)
    return brought_to(
        job,
        State.READY,
        stamp,
        pool=pool or job.pool,
        ready_at_ms=stamp.now_ms,
        due_at_ms=None,
        lease_expires_at_ms=None,
        waiting_on=frozenset(),
    )


def ended(job: Job, ending: Ending, stamp: Stamp) -> Job:
    """Returns the job after its end: in its final state with its result or failure, and no longer held in a lane."""
    assert ending.state in TERMINAL  # only a mistake in the program can break it  # nosec B101
    ending, stamp = ending_after_latest(job, ending, stamp)
    return brought_to(
        job,
        ending.state,
        stamp,
        result=ending.result,
        result_overflow=ending.result_overflow,
        failure=ending.failure,
        started_at_ms=job.started_at_ms if ending.began_at_ms is None else ending.began_at_ms,
        began_at_ms=job.began_at_ms if ending.began_at_ms is None else ending.began_at_ms,
        finished_at_ms=stamp.now_ms,
        held_in=MAIN,
        lease_expires_at_ms=None,
        due_at_ms=None,
        on_hold=False,
        waiting_on=frozenset(),
        expires_at_s=ending.expires_at_s,
    )


def _left_worker_ms(job: Job, claim: HistoryEntry, after: HistoryEntry) -> int:
    """Returns when the code of an attempt left its worker: by its end, or before that by the latest hand-over."""
    outside = job.outside
    if outside is None or outside.attempt != claim.attempt:
        return after.at_ms
    return min(after.at_ms, outside.since_ms)


def figures_of_end(job: Job, history: Sequence[HistoryEntry], began_at_ms: int | None) -> EndFigures:
    """Returns the figures of the end with which a history ends. `job` has the counts of the life as after that end.

    `began_at_ms` is when the latest attempt whose code began did so, in milliseconds since the epoch; None where no
    code began.
    """
    if len(history) > 1 and history[-2].state in TERMINAL:
        return EndFigures(life=job.reopened)
    births = [place for place, entry in enumerate(history) if entry.state is State.PENDING]
    entries = history[births[-1] :] if births else history
    turns = [place for place, entry in enumerate(entries) if entry.state in _IN_TURN]
    claims = [place for place, entry in enumerate(entries) if entry.state is State.RUNNING]
    claimed = [entries[place] for place in claims]
    following = [
        *entries[1:],
        *entries[-1:],
    ]  # the entry after each; a history that lacks its end ends with its last
    stopped = [following[place] for place in claims]
    backs = [
        after
        for claim, after in zip(claimed, stopped, strict=True)
        if after.state is State.READY and after.actor == claim.actor
    ]
    wasted = [
        max(0, _left_worker_ms(job, claim, after) - claim.at_ms)
        for claim, after in zip(claimed[:-1], stopped, strict=False)
        if not (after in backs and after.reason.startswith(UNBEGUN))
    ]
    waited_ms = None
    if turns:
        first = last = turns[-1]
        while first and entries[first - 1].state in _IN_TURN:
            first -= 1
        waited_ms = max(0, following[last].at_ms - entries[first].at_ms)
    ran_ms = None
    # The job keeps only the latest beginning, which may be that of an earlier attempt. The end of the earlier attempt
    # tells them apart. The claim does not: the dispatcher's clock dates it where that clock is ahead of the worker's.
    if claims and began_at_ms is not None and (len(claims) == 1 or began_at_ms >= stopped[-2].at_ms):
        ran_ms = max(0, _left_worker_ms(job, claimed[-1], stopped[-1]) - began_at_ms)
    if claims and job.second and job.had_second:  # one of both ran for nothing
        first_ms = max(0, stopped[-1].at_ms - claimed[-1].at_ms)
        second_ms = second_ran_ms(job.second, entries, entries[-1].at_ms)
        wasted.append(first_ms if job.won_by_second else second_ms)
    return EndFigures(
        waited_ms=waited_ms,
        ran_ms=ran_ms,
        wasted_ms=sum(wasted),
        tries=job.tries,
        hand_backs=len(backs),
        losses=job.worker_losses,
        life=job.reopened,
        worker=(job.worker_name or job.worker_id) if claims else None,
    )


@dataclass(frozen=True, slots=True)
class OfKnownJob(Transition):
    """The base class of a transition whose job was read before."""

    job: Job

    @property
    def job_id(self) -> str:
        return self.job.job_id
