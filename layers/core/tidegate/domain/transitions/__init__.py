"""Every transition of a job: one class for each, with its condition in its name.

A transition is a value, so that a store can carry out one or many. `apply` is the rule itself, from one Job to the
next; it raises TransitionRefused where the condition does not hold. The in-memory store calls `apply`. The DynamoDB
store writes the same condition and change as one conditional write. One contract suite tests both stores.

A field named `job` holds the job as it was last read. A transition takes from it only what never changes (id, `retry`)
and what the condition then checks. The time of a transition comes from the clock of its process.
Where the job's latest step, as it was read, is later, the transition gets the time of that step.
"""

from tidegate.domain.transitions.amended import AmendIfWaiting
from tidegate.domain.transitions.base import (
    Ending,
    OfKnownJob,
    Stamp,
    Transition,
    TransitionRefused,
    after_latest,
    ending_after_latest,
    figures_of_end,
    next_ready_at_ms,
    when_ready,
)
from tidegate.domain.transitions.ended import DISPATCHED, ReopenIfEnded, RerunUnlessDispatched
from tidegate.domain.transitions.judged import NoteJudgementIfOpen
from tidegate.domain.transitions.kept import KeepIfEnded
from tidegate.domain.transitions.marked import MarkUnlessDispatched
from tidegate.domain.transitions.outside import (
    FinishIfOutside,
    FinishIfOutsideExpired,
    HandOverIfAttemptHolds,
    HeartbeatIfOutside,
    RetryIfOutside,
    RetryIfOutsideExpired,
)
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
from tidegate.domain.transitions.second import (
    ClaimSecondIfOffered,
    EndSecondIfHolds,
    FinishSecondIfHolds,
    HeartbeatSecondIfHolds,
    OfferSecondIfFirst,
    won,
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
    "DISPATCHED",
    "AmendIfWaiting",
    "BeginIfAttemptHolds",
    "CancelIfGraceOver",
    "CancelIfInState",
    "ClaimAgainIfLeaseExpired",
    "ClaimIfQueued",
    "ClaimSecondIfOffered",
    "DispatchIfReady",
    "EndSecondIfHolds",
    "Ending",
    "FailIfStillQueued",
    "FinishIfAttemptHolds",
    "FinishIfLeaseExpired",
    "FinishIfOutside",
    "FinishIfOutsideExpired",
    "FinishSecondIfHolds",
    "HandBackIfAttemptHolds",
    "HandOverIfAttemptHolds",
    "HeartbeatIfAttemptHolds",
    "HeartbeatIfOutside",
    "HeartbeatSecondIfHolds",
    "HoldIfReady",
    "KeepIfEnded",
    "MarkUnlessDispatched",
    "NoteDependents",
    "NoteJudgementIfOpen",
    "OfKnownJob",
    "OfferSecondIfFirst",
    "PassOverIfReady",
    "ReadyIfDue",
    "ReadyIfLeaseExpired",
    "ReadyIfWaitingOnlyOn",
    "ReleaseIfPending",
    "ReopenIfEnded",
    "RequestCancelIfRunning",
    "RerunUnlessDispatched",
    "ResendIfStillQueued",
    "RetryIfAttemptHolds",
    "RetryIfOutside",
    "RetryIfOutsideExpired",
    "SkipIfPending",
    "Stamp",
    "TakeBackIfStillQueued",
    "Transition",
    "TransitionRefused",
    "after_latest",
    "ending_after_latest",
    "figures_of_end",
    "next_ready_at_ms",
    "when_ready",
    "won",
]
