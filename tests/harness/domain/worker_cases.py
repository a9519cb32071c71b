"""The cases of transitions that a worker makes with a job that it has claimed. See transition_cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from tests.harness.domain.job_samples import (
    AHEAD,
    ASKED,
    NOW_MS,
    ORPHANED,
    RUNNING,
    ended,
    made_ready,
    others,
)
from tidegate.domain import limits
from tidegate.domain.job import HistoryEntry, Job, JobFailure, Progress
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    BeginIfAttemptHolds,
    Ending,
    FinishIfAttemptHolds,
    HandBackIfAttemptHolds,
    HeartbeatIfAttemptHolds,
    RetryIfAttemptHolds,
    Stamp,
    Transition,
)

STAMP = Stamp(NOW_MS, "tester", "because")
FAILURE = JobFailure("broken", "it broke")
CANCELLED = Ending(State.CANCELLED, failure=FAILURE, expires_at_s=7)
ATTEMPT_BROKEN = {
    "has a later attempt": replace(RUNNING, attempt=3),
    "has an earlier attempt": replace(RUNNING, attempt=1),
    **others(State.RUNNING),
}
NO_CANCEL = {**ATTEMPT_BROKEN, "has cancellation asked for": ASKED}
NONE: Mapping[str, Job] = MappingProxyType({})
BEGAN = replace(RUNNING, began_at_ms=NOW_MS - 4)
BEGAN_LATER = replace(RUNNING, began_at_ms=NOW_MS - 3)

WorkerCase = tuple[Transition, Job, Job, Mapping[str, Job]]


def _often_interrupted() -> Job:
    """Makes a running job whose history is full of give-backs, each by another worker under its own attempt."""
    rounds = range(1, limits.MAX_INTERRUPTIONS_KEPT + 1)
    history = [HistoryEntry(NOW_MS - 500, State.QUEUED, 0, "dispatcher")]
    for number in rounds:
        history += [
            HistoryEntry(NOW_MS - 400 + number, State.RUNNING, number, f"w{number}"),
            HistoryEntry(NOW_MS - 300 + number, State.READY, number, f"w{number}"),
            HistoryEntry(NOW_MS - 200 + number, State.QUEUED, number, "dispatcher"),
        ]
    attempt = len(rounds) + 1
    history.append(HistoryEntry(NOW_MS - 100, State.RUNNING, attempt, "tester"))
    return replace(RUNNING, attempt=attempt, history=tuple(history))


def _beats() -> list[WorkerCase]:
    beat = HeartbeatIfAttemptHolds(RUNNING, 2, NOW_MS + 60_000, Progress(0.9))
    silent = replace(beat, progress=None)
    extended = replace(RUNNING, lease_expires_at_ms=NOW_MS + 60_000)
    begin = BeginIfAttemptHolds(RUNNING, 2, NOW_MS - 3)
    return [
        (beat, RUNNING, replace(extended, progress=Progress(0.9)), ATTEMPT_BROKEN),
        (silent, RUNNING, extended, ATTEMPT_BROKEN),
        (silent, BEGAN, replace(extended, began_at_ms=NOW_MS - 4), NONE),
        (replace(silent, began_at_ms=NOW_MS - 3), RUNNING, replace(extended, began_at_ms=NOW_MS - 3), NONE),
        (begin, RUNNING, BEGAN_LATER, ATTEMPT_BROKEN),
        (begin, BEGAN, BEGAN_LATER, NONE),
    ]


def _finishes() -> list[WorkerCase]:
    def finish(job: Job, ending: Ending) -> FinishIfAttemptHolds:
        return FinishIfAttemptHolds(job, 2, replace(ending, expires_at_s=7), STAMP)

    succeeded = ended(RUNNING, State.SUCCEEDED)
    waited = Ending(State.SUCCEEDED, began_at_ms=NOW_MS - 3)
    return [
        (
            finish(RUNNING, Ending(State.SUCCEEDED, result={"rows": 1})),
            RUNNING,
            replace(succeeded, result={"rows": 1}),
            ATTEMPT_BROKEN,
        ),
        (
            finish(RUNNING, Ending(State.SUCCEEDED, result_overflow=True)),
            RUNNING,
            replace(succeeded, result_overflow=True),
            NONE,
        ),
        (
            finish(RUNNING, waited),
            RUNNING,
            replace(succeeded, started_at_ms=NOW_MS - 3, began_at_ms=NOW_MS - 3),
            NONE,
        ),
        *(
            (
                finish(RUNNING, Ending(state, failure=FAILURE)),
                RUNNING,
                replace(ended(RUNNING, state, FAILURE), tries=tries),
                ATTEMPT_BROKEN,
            )
            for state, tries in ((State.FAILED, 1), (State.TIMED_OUT, 1), (State.CANCELLED, 0))
        ),
        # A worker that was slow but is not counted as lost may still finish: no other worker holds the attempt.
        (finish(ORPHANED, CANCELLED), ORPHANED, ended(ORPHANED, State.CANCELLED, FAILURE), NONE),
    ]


def _others_follow() -> list[WorkerCase]:
    retry = RetryIfAttemptHolds(RUNNING, 2, NOW_MS + 500, FAILURE, STAMP)
    scheduled = replace(
        RUNNING,
        state=State.SCHEDULED,
        due_at_ms=NOW_MS + 500,
        failure=FAILURE,
        lease_expires_at_ms=None,
        tries=1,
    )
    often = _often_interrupted()
    return [
        (retry, RUNNING, scheduled, NO_CANCEL),
        (retry, BEGAN, replace(scheduled, began_at_ms=NOW_MS - 4), NONE),
        (replace(retry, began_at_ms=NOW_MS - 3), RUNNING, replace(scheduled, began_at_ms=NOW_MS - 3), NONE),
        (HandBackIfAttemptHolds(RUNNING, 2, STAMP), RUNNING, made_ready(RUNNING), NO_CANCEL),
        (HandBackIfAttemptHolds(BEGAN, 2, STAMP), BEGAN, made_ready(BEGAN), NONE),
        (HandBackIfAttemptHolds(RUNNING, 2, STAMP, NOW_MS - 4), RUNNING, made_ready(BEGAN), NONE),
        (HandBackIfAttemptHolds(AHEAD, 2, STAMP), AHEAD, made_ready(AHEAD, NOW_MS + 8), NONE),
        (HandBackIfAttemptHolds(often, often.attempt, STAMP), often, made_ready(often), NONE),
    ]


WORKER_CASES = [*_beats(), *_finishes(), *_others_follow()]
