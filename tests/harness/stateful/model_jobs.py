"""The model's jobs, the edges between them, and the happenings that runs count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tidegate.domain.dependency import DependencyType as Kind
from tidegate.domain.states import State

ENDED = {State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.SKIPPED}
BAD_ENDS = ENDED - {State.SUCCEEDED}
MOST_LOSSES = 5
ON_SUCCESS, ON_FAILURE = "upstream.status == 'SUCCEEDED'", "upstream.status != 'SUCCEEDED'"


@dataclass(frozen=True)
class Edge:
    upstream: str
    kind: Kind
    condition: str | None = None

    def verdict(self, upstream: ModelJob) -> bool | None:
        """Says whether the upstream as it is satisfies the edge. None while that is open."""
        if self.kind is Kind.MUST_START and (upstream.started or upstream.state is State.SUCCEEDED):
            return True
        if upstream.state not in ENDED:
            return None
        if self.kind is Kind.CONDITIONAL:
            return (self.condition == ON_SUCCESS) is (upstream.state is State.SUCCEEDED)
        return self.kind is Kind.MUST_COMPLETE or (
            self.kind is Kind.MUST_SUCCEED and upstream.state is State.SUCCEEDED
        )


@dataclass
class ModelJob:
    job_id: str
    priority: int
    max_retries: int
    created_at: int
    edges: Sequence[Edge] = ()
    state: State = State.PENDING
    attempt: int = 0
    tries: int = 0
    losses: int = 0
    started: bool = False  # as far as the model was told
    reopened: int = 0
    waiting: set[int] = field(default_factory=set)
    ready_at: int = 0
    due_at: int = 0
    queued_at: int = 0
    sent_at: int = 0
    finished_at: int = 0
    lease_until: int = 0
    first_lease_until: int = 0  # as set by its claim
    cancel_asked_at: int | None = None
    skipped_for: str | None = None
    not_taken: bool = False  # skipped on a branch that a condition decided against
    undeliverable: bool = False
    dispatches: int = 0  # in a row, since its last claim or reopening
    given_up: int = 0  # of these, by the queue
    leaves_skipped: bool = False
    on_hold: bool = False
    # Of the latest hand-over. `outside` ends with the attempt.
    outside: bool = False
    outside_lease_ms: int = 0
    outside_until: int = 0

    @property
    def runs_in_worker(self) -> bool:
        return self.state is State.RUNNING and not self.outside

    @property
    def retries_left(self) -> bool:
        return self.tries < self.max_retries

    @property
    def may_lose_its_worker(self) -> bool:
        return self.losses < MOST_LOSSES - 1


class Happening(StrEnum):
    """The happenings that make the comparison worthwhile. Each must occur now and then, and the test counts them."""

    CLAIMED = "a message's job is claimed"
    CLAIMED_AGAIN = "the job of a lost worker is claimed by its message"
    STALE_MESSAGE = "a message of an earlier attempt meets a QUEUED job"
    DOUBLED_MESSAGE = "a message meets a job that runs"
    LATE_MESSAGE = "a message meets a job that has ended"
    BEATEN = "a heartbeat extends a lease"
    BEAT_CANCEL = "a heartbeat hears of a cancellation"
    BEAT_FENCED = "a heartbeat meets a later attempt that runs"
    OUTCOME = "an outcome is accepted"
    RETRY = "a failure is to be tried again"
    CANCELLED_INSTEAD = "a failure is not tried again, for cancellation was asked for"
    OUTCOME_FENCED = "an outcome meets a later attempt that runs"
    OUTCOME_LATE = "an outcome meets a job that does not run"
    RESENT = "a message is sent again"
    RECLAIMED = "a lost worker's job is READY again"
    LOST_AT_LAST = "a worker is lost as the last that a job may lose"
    HANDED_BACK = "a job is handed back while its code runs"
    UNBEGUN = "a job is handed back before its code began"
    STARTED = "the start of a job is told at once, for others wait for it"
    STARTED_BY_BEAT = "a heartbeat brings the start of a job"
    STARTED_AT_END = "the end of an attempt brings the start of a job"
    FORCED = "a cancellation is forced"
    TAKEN_BACK = "a job that no worker took is taken back"
    GIVEN_UP = "a queue gives a message up"
    UNDELIVERABLE = "a queue gives the messages of dispatch after dispatch up"
    SKIPPED = "a job is skipped"
    REOPENED = "a job that failed itself is opened"
    REOPENED_SKIPPED = "a job that was skipped is opened"
    REDRIVEN = "a job that was undeliverable is opened"
    RERUN = "a job that succeeded is run again"
    WAITS_ANEW = "a job that waits begins to wait anew, because an upstream is rerun"
    ENDED_BY_HAND = "a job that waits is ended by hand"
    CORRECTED = "the end of a job is corrected by hand"
    PUT_ON_HOLD = "a READY job is put on hold"
    RELEASED_ON_HOLD = "a job on hold is satisfied by its upstreams"
    OFF_HOLD = "a job is taken off hold and becomes READY"
    HANDED_OVER = "an attempt is handed over"
    NOT_HANDED_OVER = "an attempt is cancelled in place of being handed over"
    ENDED_OUTSIDE = "the outside ends a job"
    RETRIED_OUTSIDE = "a failure outside is to be tried again"
    BEATEN_OUTSIDE = "a heartbeat from outside extends a lease"
    TOO_LATE_OUTSIDE = "the outside tells of an attempt that has ended"
    SILENT_OUTSIDE = "nothing is heard from outside"
    TIMED_OUT_OUTSIDE = "the time outside is over"
    CANCELLED_OUTSIDE = "a job outside is cancelled"
    APPROVED = "an approval is given"
    REJECTED = "an approval is refused"
    KEPT_BY_BEAT = "a lease that was extended outlives the time that it had"
