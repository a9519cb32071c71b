"""A sample job in every state, around one instant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tidegate.domain import limits
from tidegate.domain.job import HistoryEntry, Job, JobFailure, Progress
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import TERMINAL, State

NOW_MS = 1_700_000_000_000

PENDING = Job(
    job_id="S.1",
    state=State.PENDING,
    type="t",
    pool="p",
    priority=100,
    critical_path_boost_millipoints=2_500,
    created_at_ms=NOW_MS - 9_000,
    waiting_on=frozenset({0, 2}),
    retry=RetryPolicy(max_retries=3),
)
SCHEDULED = replace(PENDING, state=State.SCHEDULED, waiting_on=frozenset(), due_at_ms=NOW_MS)
READY = replace(SCHEDULED, state=State.READY, due_at_ms=None, ready_at_ms=NOW_MS - 8_000)
QUEUED = replace(READY, state=State.QUEUED, attempt=1, queued_at_ms=NOW_MS - 7_000, sent_at_ms=NOW_MS - 7_000)
RUNNING = replace(
    QUEUED,
    state=State.RUNNING,
    attempt=2,
    worker_id="w",
    worker_name="one",
    worker_host="host-1",
    started_at_ms=NOW_MS - 6_000,
    lease_expires_at_ms=NOW_MS + 1,
    progress=Progress(0.5, "half"),
)
ORPHANED = replace(RUNNING, lease_expires_at_ms=NOW_MS - 1)
ASKED = replace(RUNNING, cancel_requested_at_ms=NOW_MS - 30_000, cancel_requested_by="ann")
AHEAD = replace(RUNNING, ready_at_ms=NOW_MS + 7)  # by the clock of the actor that made it READY
ENDED = replace(RUNNING, lease_expires_at_ms=None, finished_at_ms=NOW_MS - 1)

SAMPLES = {
    State.PENDING: PENDING,
    State.SCHEDULED: SCHEDULED,
    State.READY: READY,
    State.QUEUED: QUEUED,
    State.RUNNING: RUNNING,
    **{state: replace(ENDED, state=state) for state in sorted(TERMINAL)},
}


def worn_out(job: Job) -> Job:
    """Makes an ended job that ran once in its first life and once after each allowed reopening."""
    lives = range(limits.MAX_REOPENINGS + 1)
    history = [
        HistoryEntry(NOW_MS - 99_000 + life, state, life + (state is not State.PENDING), "w")
        for life in lives
        for state in (State.PENDING, State.READY, State.QUEUED, State.RUNNING, job.state)
    ]
    return replace(
        job,
        reopened=limits.MAX_REOPENINGS,
        attempt=len(lives),
        history=tuple(history),
    )


def others(*allowed: State, **changes: Any) -> dict[str, Job]:
    """Returns a job in each other state, with the other fields that the condition asks for unchanged."""
    return {f"is {state}": replace(job, **changes) for state, job in SAMPLES.items() if state not in allowed}


def ended(job: Job, state: State, failure: JobFailure | None = None) -> Job:
    return replace(
        job,
        state=state,
        failure=failure,
        finished_at_ms=NOW_MS,
        expires_at_s=7,
        lease_expires_at_ms=None,
        due_at_ms=None,
        waiting_on=frozenset(),
    )


def made_ready(job: Job, ready_at_ms: int = NOW_MS) -> Job:
    return replace(
        job,
        state=State.READY,
        ready_at_ms=ready_at_ms,
        due_at_ms=None,
        lease_expires_at_ms=None,
        waiting_on=frozenset(),
    )
