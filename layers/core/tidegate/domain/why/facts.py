"""The facts that can hold a job, and the changes that remove them.

Each fact holds the job by itself: as long as it stands, the job does not start, whatever becomes of the others. So no
fact of an answer can be left out, and the job starts once the changes of all of them are made. The one fact of a job
that runs is that it is a straggler: it holds nothing, and says why the job has not ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Plain = None | bool | int | float | str | tuple["Plain", ...] | Mapping[str, "Plain"]
"""A value of a fact's evidence. Names that end in `_at_ms` hold milliseconds since the epoch."""


class Code(StrEnum):
    """The kind of a fact."""

    SUBMISSION_UNFINISHED = "submission-unfinished"
    UPSTREAM = "upstream"
    UPSTREAMS_LEFT_OUT = "upstreams-left-out"
    RELEASE_DUE = "release-due"
    NOT_BEFORE = "not-before"
    BACKOFF = "backoff"
    ON_HOLD = "on-hold"
    POOL_REMOVED = "pool-removed"
    POOL_PAUSED = "pool-paused"
    TYPE_PAUSED = "type-paused"
    TYPE_LIMIT = "type-limit"
    KEY_LIMIT = "key-limit"
    NO_WORKER = "no-worker"
    NO_WORKER_WITH_TYPE = "no-worker-with-type"
    WINDOW_FULL = "window-full"
    SHARE_TURN = "share-turn"
    SLOTS_TAKEN = "slots-taken"
    DISPATCH_DUE = "dispatch-due"
    CLAIM_DUE = "claim-due"
    STRAGGLER = "straggler"


class Action(StrEnum):
    """The kind of a change."""

    WAIT_FOR_SUBMISSION = "wait-for-submission"
    WAIT_FOR_UPSTREAM = "wait-for-upstream"
    RETRY_UPSTREAM = "retry-upstream"
    CANCEL = "cancel"
    WAIT_UNTIL = "wait-until"
    UNHOLD = "unhold"
    DEPLOY_POOL = "deploy-pool"
    RESUME_POOL = "resume-pool"
    RESUME_TYPE = "resume-type"
    LIMIT_TYPE = "limit-type"
    END_JOBS = "end-jobs"
    ADD_SLOTS = "add-slots"
    WAIT_FOR_DISPATCHER = "wait-for-dispatcher"
    WAIT_FOR_WORKER = "wait-for-worker"
    WAIT_FOR_ATTEMPT = "wait-for-attempt"
    CANCEL_AND_RETRY = "cancel-and-retry"


@dataclass(frozen=True, slots=True)
class Change:
    """The least change that removes one fact. `sentence` says it to people.

    Only the fields that the action needs are set. `job_ids` are jobs that have to end (END_JOBS), or the one upstream
    to wait for or to retry. `number` is the new limit of a type (None takes the limit off), or how many slots to add.
    `type` is a type that the added slots must be able to run. `at_ms` is in milliseconds since the epoch.
    """

    action: Action
    sentence: str
    pool: str | None = None
    type: str | None = None
    job_ids: tuple[str, ...] = ()
    number: int | None = None
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact that holds a job. `message` says it to people, `evidence` holds the values that it was read from."""

    code: Code
    message: str
    change: Change
    evidence: Mapping[str, Plain] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Why:
    """The answer: the facts in the order in which their changes are best made, and one sentence.

    `is_whole` is False where not everything that could hold the job was read, because there was more than one answer
    may read. The numbers of the facts are then the least that are needed.
    """

    facts: tuple[Fact, ...]
    sentence: str
    is_whole: bool = True
