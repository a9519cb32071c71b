"""The cases of transitions of a job that was handed over. See transition_cases."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.domain.job_samples import ASKED, NOW_MS, RUNNING, SAMPLES, ended
from tests.harness.domain.worker_cases import (
    FAILURE,
    NO_CANCEL,
    NONE,
    STAMP,
    WorkerCase,
)
from tidegate.domain.job import Job, Progress
from tidegate.domain.outside import Outside
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    BeginIfAttemptHolds,
    CancelIfGraceOver,
    ClaimAgainIfLeaseExpired,
    Ending,
    FinishIfAttemptHolds,
    FinishIfLeaseExpired,
    FinishIfOutside,
    FinishIfOutsideExpired,
    HandBackIfAttemptHolds,
    HandOverIfAttemptHolds,
    HeartbeatIfAttemptHolds,
    HeartbeatIfOutside,
    ReadyIfLeaseExpired,
    RequestCancelIfRunning,
    RetryIfAttemptHolds,
    RetryIfOutside,
    RetryIfOutsideExpired,
    Transition,
)

GIVEN = Outside(2, "digest", NOW_MS, lease_ms=60_000, until_ms=NOW_MS + 600_000)
OVER = replace(GIVEN, until_ms=None)
AWAY = replace(RUNNING, outside=GIVEN, lease_expires_at_ms=NOW_MS + 60_000)
SILENT = replace(AWAY, lease_expires_at_ms=NOW_MS - 1)
EARLIER = replace(RUNNING, outside=replace(OVER, attempt=1, digest="earlier"))
TOKEN_BROKEN = {
    "is in a worker": RUNNING,
    "is in a worker after an earlier hand-over": replace(RUNNING, outside=replace(OVER, attempt=1)),
    "was handed over by another token": replace(AWAY, outside=replace(GIVEN, digest="other")),
    "was handed over at another attempt": replace(AWAY, attempt=3, outside=replace(GIVEN, attempt=3)),
    **{
        f"is {state}": replace(job, attempt=2, outside=OVER, lease_expires_at_ms=None)
        for state, job in SAMPLES.items()
        if state is not State.RUNNING
    },
}
HOLDS_LEASE = {
    **TOKEN_BROKEN,
    "holds its lease": AWAY,
    "holds its lease to this very instant": replace(AWAY, lease_expires_at_ms=NOW_MS),
}


def _hand_overs() -> list[WorkerCase]:
    over = HandOverIfAttemptHolds(RUNNING, 2, GIVEN)
    refused = {**NO_CANCEL, "was handed over before": AWAY}
    told = replace(over, progress=Progress(0.0, "waits"), began_at_ms=NOW_MS - 3)
    return [
        (over, RUNNING, AWAY, refused),
        (told, RUNNING, replace(AWAY, progress=Progress(0.0, "waits"), began_at_ms=NOW_MS - 3), NONE),
        (replace(over, job=EARLIER), EARLIER, AWAY, NONE),
    ]


def _beats() -> list[WorkerCase]:
    beat = HeartbeatIfOutside(AWAY, GIVEN, NOW_MS + 90_000)
    beaten = replace(AWAY, lease_expires_at_ms=NOW_MS + 90_000, outside=replace(GIVEN, beats=1))
    told = replace(beat, progress=Progress(0.7, "nearly"))
    return [
        (beat, AWAY, beaten, TOKEN_BROKEN),
        (beat, beaten, replace(beaten, outside=replace(GIVEN, beats=2)), NONE),
        # Late, but before the reaper: no other attempt holds the job.
        (beat, SILENT, beaten, NONE),
        (told, AWAY, replace(beaten, progress=Progress(0.7, "nearly")), NONE),
    ]


def _ends() -> list[WorkerCase]:
    def finish(job: Job, ending: Ending) -> FinishIfOutside:
        return FinishIfOutside(job, GIVEN, replace(ending, expires_at_s=7), STAMP)

    def over(job: Job, state: State, tries: int = 0) -> Job:
        failure = None if state is State.SUCCEEDED else FAILURE
        return replace(ended(job, state, failure), outside=OVER, tries=tries)

    retry = RetryIfOutside(AWAY, GIVEN, NOW_MS + 500, FAILURE, STAMP)
    taken_back = RetryIfOutsideExpired(SILENT, GIVEN, NOW_MS + 500, FAILURE, STAMP)
    scheduled = replace(
        RUNNING,
        state=State.SCHEDULED,
        due_at_ms=NOW_MS + 500,
        failure=FAILURE,
        lease_expires_at_ms=None,
        tries=1,
        outside=OVER,
    )
    failed = Ending(State.FAILED, failure=FAILURE, expires_at_s=7)
    beaten = replace(AWAY, outside=replace(GIVEN, beats=4))
    return [
        (
            finish(AWAY, Ending(State.SUCCEEDED, result={"rows": 1})),
            AWAY,
            replace(over(AWAY, State.SUCCEEDED), result={"rows": 1}),
            TOKEN_BROKEN,
        ),
        (finish(AWAY, Ending(State.SUCCEEDED)), beaten, over(beaten, State.SUCCEEDED), NONE),
        (finish(AWAY, failed), AWAY, over(AWAY, State.FAILED, 1), TOKEN_BROKEN),
        (
            finish(AWAY, Ending(State.CANCELLED, failure=FAILURE)),
            AWAY,
            over(AWAY, State.CANCELLED),
            TOKEN_BROKEN,
        ),
        (finish(SILENT, failed), SILENT, over(SILENT, State.FAILED, 1), NONE),
        (retry, AWAY, scheduled, TOKEN_BROKEN),
        (taken_back, SILENT, scheduled, HOLDS_LEASE),
        (
            FinishIfOutsideExpired(SILENT, GIVEN, failed, STAMP),
            SILENT,
            over(SILENT, State.FAILED, 1),
            HOLDS_LEASE,
        ),
        (
            FinishIfOutsideExpired(SILENT, GIVEN, replace(failed, state=State.TIMED_OUT), STAMP),
            SILENT,
            over(SILENT, State.TIMED_OUT, 1),
            NONE,
        ),
    ]


OUTSIDE_CASES = [*_hand_overs(), *_beats(), *_ends()]

_ENDING = Ending(State.CANCELLED, failure=FAILURE, expires_at_s=7)
_ASKED_OUTSIDE = replace(SILENT, cancel_requested_at_ms=ASKED.cancel_requested_at_ms)

_TWICE = replace(RUNNING, may_run_twice=True)

REFUSED_HERE: list[tuple[Transition, Job]] = [
    (HandOverIfAttemptHolds(_TWICE, 2, GIVEN), _TWICE),
    (HeartbeatIfAttemptHolds(RUNNING, 2, NOW_MS + 1, None), AWAY),
    (BeginIfAttemptHolds(RUNNING, 2, NOW_MS), AWAY),
    (FinishIfAttemptHolds(RUNNING, 2, _ENDING, STAMP), AWAY),
    (RetryIfAttemptHolds(RUNNING, 2, NOW_MS + 500, FAILURE, STAMP), AWAY),
    (HandBackIfAttemptHolds(RUNNING, 2, STAMP), AWAY),
    (ReadyIfLeaseExpired(SILENT, 2, STAMP), SILENT),
    (FinishIfLeaseExpired(SILENT, 2, _ENDING, STAMP), SILENT),
    (ClaimAgainIfLeaseExpired(SILENT, 2, "w2", NOW_MS + 1, STAMP), SILENT),
    (RequestCancelIfRunning(RUNNING, STAMP), AWAY),
    (CancelIfGraceOver(_ASKED_OUTSIDE, 1_000, _ENDING, STAMP), _ASKED_OUTSIDE),
]
"""Transitions of a worker, or on a job in a worker: each is refused for the job beside it, which is outside.

The first is the hand-over of a job that may run twice at once.
"""
