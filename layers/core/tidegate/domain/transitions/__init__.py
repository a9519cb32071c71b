"""Every move of a job: one class per transition, its condition in its name.

A transition is a value, so that stores may carry out one or many. `apply` is the rule itself, from one Job to the
next; it raises TransitionRefused where the condition does not hold. The in-memory store calls `apply`; the DynamoDB
store says the same as one conditional write; one contract suite holds both to it.

Fields named `job` hold the job as it was last read: only what never changes (id, pool, priority, not_before, retry)
is taken from it, everything that can change is checked by the condition. A transition is dated by the clock of its
process, or at the job's latest step as it was read where that is later.
"""

from tidegate.domain.transitions.base import (
    Ending,
    OfKnownJob,
    Stamp,
    Transition,
    after_latest,
    ending_after_latest,
    next_ready_at_ms,
    when_ready,
)
from tidegate.domain.transitions.ended import ReopenIfEnded
from tidegate.domain.transitions.kept import KeepIfEnded
from tidegate.domain.transitions.running import (
    BeginIfAttemptHolds,
    CancelIfGraceOver,
    ClaimAgainIfLeaseExpired,
    ClaimIfQueued,
    FinishIfAttemptHolds,
    FinishIfLeaseExpired,
    HandBackIfAttemptHolds,
    HeartbeatIfAttemptHolds,
    ReadyIfLeaseExpired,
    RequestCancelIfRunning,
    RetryIfAttemptHolds,
)
from tidegate.domain.transitions.waiting import (
    CANCELLABLE_AT_ONCE,
    CancelIfInState,
    DispatchIfReady,
    FailIfStillQueued,
    HoldIfReady,
    NoteDependents,
    PassOverIfReady,
    ReadyIfDue,
    ReadyIfWaitingOnlyOn,
    ReleaseIfPending,
    ResendIfStillQueued,
    SkipIfPending,
    TakeBackIfStillQueued,
)

__all__ = [
    "CANCELLABLE_AT_ONCE",
    "BeginIfAttemptHolds",
    "CancelIfGraceOver",
    "CancelIfInState",
    "ClaimAgainIfLeaseExpired",
    "ClaimIfQueued",
    "DispatchIfReady",
    "Ending",
    "FailIfStillQueued",
    "FinishIfAttemptHolds",
    "FinishIfLeaseExpired",
    "HandBackIfAttemptHolds",
    "HeartbeatIfAttemptHolds",
    "HoldIfReady",
    "KeepIfEnded",
    "NoteDependents",
    "OfKnownJob",
    "PassOverIfReady",
    "ReadyIfDue",
    "ReadyIfLeaseExpired",
    "ReadyIfWaitingOnlyOn",
    "ReleaseIfPending",
    "ReopenIfEnded",
    "RequestCancelIfRunning",
    "ResendIfStillQueued",
    "RetryIfAttemptHolds",
    "SkipIfPending",
    "Stamp",
    "TakeBackIfStillQueued",
    "Transition",
    "after_latest",
    "ending_after_latest",
    "next_ready_at_ms",
    "when_ready",
]
