"""The model's jobs and the edges between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tidegate.domain.dependency import DependencyType as Kind
from tidegate.domain.states import State

ENDED = {State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.SKIPPED}
ON_SUCCESS, ON_FAILURE = "upstream.status == 'SUCCEEDED'", "upstream.status != 'SUCCEEDED'"


@dataclass(frozen=True)
class Edge:
    upstream: str
    kind: Kind
    condition: str | None = None

    def verdict(self, upstream: ModelJob) -> bool | None:
        """Whether the upstream, as it stands, satisfies the edge; None while that is open."""
        if self.kind is Kind.MUST_START and (upstream.attempt > 0 or upstream.state is State.RUNNING):
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
    attempts_before: int = 0
    reopened: int = 0
    waiting: set[int] = field(default_factory=set)
    ready_at: int = 0
    due_at: int = 0
    queued_at: int = 0
    sent_at: int = 0
    finished_at: int = 0
    lease_until: int = 0
    cancel_asked_at: int | None = None
    skipped_for: str | None = None
    undeliverable: bool = False
    leaves_skipped: bool = False

    @property
    def attempts_left(self) -> bool:
        return self.attempt - self.attempts_before <= self.max_retries
