"""A refusal says in which state the job was found, in words that an operator can act on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.domain.job_samples import (
    ASKED,
    NOW_MS,
    ORPHANED,
    PENDING,
    QUEUED,
    READY,
    RUNNING,
    SCHEDULED,
    worn_out,
)
from tests.harness.domain.reopen_cases import ENDED_BADLY
from tests.harness.domain.worker_cases import CANCELLED, STAMP
from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    CancelIfGraceOver,
    CancelIfInState,
    ClaimAgainIfLeaseExpired,
    ClaimIfQueued,
    DispatchIfReady,
    FailIfStillQueued,
    FinishIfAttemptHolds,
    HandBackIfAttemptHolds,
    HoldIfReady,
    KeepIfEnded,
    PassOverIfReady,
    ReadyIfDue,
    ReadyIfLeaseExpired,
    ReadyIfWaitingOnlyOn,
    ReleaseIfPending,
    ReopenIfEnded,
    ResendIfStillQueued,
    SkipIfPending,
    TakeBackIfStillQueued,
    Transition,
    TransitionRefused,
)

CLAIM_AGAIN = ClaimAgainIfLeaseExpired(ORPHANED, 2, "w2", NOW_MS + 60_000, STAMP)
FAILED = replace(ENDED_BADLY, state=State.FAILED)
REOPEN = ReopenIfEnded(FAILED, STAMP)
MOST = limits.MAX_REOPENINGS
WORN_OUT = worn_out(FAILED)


@pytest.mark.parametrize(
    ("transition", "job", "why"),
    [
        (ReleaseIfPending(PENDING, {0}), READY, "it is READY, not PENDING"),
        (
            ReleaseIfPending(PENDING, {0}),
            replace(PENDING, reopened=2),
            "it was reopened 2 times by now, not 0",
        ),
        (SkipIfPending(PENDING, 1, CANCELLED, STAMP), PENDING, "it waits on [0, 2]"),
        (ReadyIfWaitingOnlyOn(PENDING, {0}, STAMP), PENDING, "it waits on [0, 2]"),
        (ReadyIfDue(SCHEDULED, STAMP), replace(SCHEDULED, due_at_ms=NOW_MS + 1), "its time has not come"),
        (DispatchIfReady("S.1", "q", STAMP), READY, "it is in pool p, not q"),
        (
            DispatchIfReady("S.1", "p", STAMP, NOW_MS),
            READY,
            f"it is READY since {NOW_MS - 8_000}, not since {NOW_MS}",
        ),
        (HoldIfReady("S.1", "q", "type:t"), READY, "it is in pool p, not q"),
        (
            PassOverIfReady(READY),
            replace(READY, ready_at_ms=NOW_MS),
            "it became READY again since it was read",
        ),
        (ResendIfStillQueued(QUEUED, NOW_MS, STAMP), QUEUED, "it was sent again meanwhile"),
        (FailIfStillQueued(QUEUED, 4, 0, CANCELLED, STAMP), QUEUED, "it was claimed 1 times, not 4"),
        (TakeBackIfStillQueued(QUEUED, 4, 0, STAMP), QUEUED, "it was claimed 1 times, not 4"),
        (ClaimIfQueued("S.1", 4, "w2", NOW_MS, STAMP), QUEUED, "it is QUEUED at attempt 1"),
        (CLAIM_AGAIN, RUNNING, "its lease has not ended"),
        (
            CLAIM_AGAIN,
            replace(ORPHANED, worker_losses=limits.MAX_WORKER_LOSSES - 1),
            "it has lost as many workers as a job may lose",
        ),
        (CLAIM_AGAIN, replace(ORPHANED, cancel_requested_at_ms=NOW_MS), "cancellation was asked for"),
        (ReadyIfLeaseExpired(RUNNING, 2, STAMP), RUNNING, "its lease has not ended"),
        (HandBackIfAttemptHolds(ASKED, 2, STAMP), ASKED, "cancellation was asked for"),
        (
            FinishIfAttemptHolds(RUNNING, 3, CANCELLED, STAMP),
            RUNNING,
            "it is RUNNING at attempt 2, the write is for attempt 3",
        ),
        (CancelIfGraceOver(ASKED, 30_001, CANCELLED, STAMP), ASKED, "its grace is not over"),
        (CancelIfInState(READY, CANCELLED, STAMP), RUNNING, "it is RUNNING"),
        (CancelIfInState(READY, CANCELLED, STAMP), QUEUED, "it is QUEUED, not READY"),
        (
            CancelIfInState(READY, CANCELLED, STAMP),
            replace(READY, ready_at_ms=9),
            f"it is READY since 9, not since {READY.ready_at_ms}",
        ),
        (KeepIfEnded(FAILED, 9), RUNNING, "it is RUNNING"),
        (
            KeepIfEnded(FAILED, 9),
            replace(FAILED, expires_at_s=8),
            f"it is kept until 8 by now, not {FAILED.expires_at_s}",
        ),
        (REOPEN, RUNNING, "it is RUNNING"),
        (REOPEN, replace(FAILED, attempt=3), "it is at attempt 3"),
        (ReopenIfEnded(WORN_OUT, STAMP), WORN_OUT, f"it ran again after {MOST} reopenings, the most allowed"),
    ],
)
def test_a_refusal_says_how_the_job_was_found(transition: Transition, job: Job, why: str) -> None:
    with pytest.raises(TransitionRefused) as refused:
        transition.apply(job)
    assert refused.value.job is job
    assert str(refused.value) == f"{transition.name} refused for job S.1: {why}"


def test_a_reopened_job_has_lost_the_result_of_its_earlier_life() -> None:
    job = replace(FAILED, result={"rows": 1})
    assert ReopenIfEnded(job, STAMP).apply(job).result is None
