"""For every transition class: a job that it changes, the changed job, and jobs that break its conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.harness.domain.amendment_cases import AMENDMENTS
from tests.harness.domain.job_samples import (
    ASKED,
    NOW_MS,
    ORPHANED,
    PENDING,
    QUEUED,
    READY,
    RUNNING,
    SAMPLES,
    SCHEDULED,
    ended,
    made_ready,
    others,
)
from tests.harness.domain.outside_cases import OUTSIDE_CASES
from tests.harness.domain.reopen_cases import REOPENINGS
from tests.harness.domain.second_cases import SECOND_CASES
from tests.harness.domain.transition_case import Case
from tests.harness.domain.worker_cases import CANCELLED, FAILURE, STAMP, WORKER_CASES
from tidegate.domain import limits
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.seats import Seat
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    CancelIfGraceOver,
    CancelIfInState,
    ClaimAgainIfLeaseExpired,
    ClaimIfQueued,
    DispatchIfReady,
    Ending,
    FailIfStillQueued,
    FinishIfLeaseExpired,
    HoldIfReady,
    KeepIfEnded,
    MarkUnlessDispatched,
    NoteDependents,
    NoteJudgementIfOpen,
    PassOverIfReady,
    ReadyIfDue,
    ReadyIfLeaseExpired,
    ReadyIfWaitingOnlyOn,
    ReleaseIfPending,
    RequestCancelIfRunning,
    ResendIfStillQueued,
    SkipIfPending,
    TakeBackIfStillQueued,
)
from tidegate.domain.verdicts import FinishVerdict, Judgement

LEASE_BROKEN = {
    "holds its lease": RUNNING,
    "holds its lease to this very instant": replace(RUNNING, lease_expires_at_ms=NOW_MS),
    "has no lease": replace(RUNNING, lease_expires_at_ms=None),
    "was claimed again": replace(ORPHANED, attempt=3),
    **others(State.RUNNING, lease_expires_at_ms=NOW_MS - 1),
}
EARLY = replace(PENDING, not_before_ms=NOW_MS + 1)
DUE = replace(PENDING, not_before_ms=NOW_MS)
ON_HOLD = replace(PENDING, on_hold=True)
REOPENED = {"was reopened": replace(PENDING, reopened=1)}
SUCCEEDED = SAMPLES[State.SUCCEEDED]
FAILED_STATES = (State.FAILED, State.TIMED_OUT, State.CANCELLED)
SKIPPED = Ending(State.SKIPPED, failure=FAILURE, expires_at_s=7)


def _release_cases() -> list[Case]:
    both = frozenset({0, 2})
    waits = {
        "waits on less": replace(PENDING, waiting_on=frozenset({0})),
        "waits on more": replace(PENDING, waiting_on=frozenset({0, 1, 2})),
        **others(State.PENDING, waiting_on=both),
        **REOPENED,
    }
    release = ReleaseIfPending(PENDING, frozenset({0, 7}))
    changed = replace(PENDING, waiting_on=frozenset({2}))
    ready = ReadyIfWaitingOnlyOn(PENDING, both, STAMP)
    early = ReadyIfWaitingOnlyOn(EARLY, both, STAMP)
    waiting = replace(EARLY, state=State.SCHEDULED, waiting_on=frozenset(), due_at_ms=NOW_MS + 1)
    on_hold = replace(ON_HOLD, state=State.SCHEDULED, waiting_on=frozenset(), due_at_ms=NOW_MS)
    return [
        Case(release, PENDING, changed, {**others(State.PENDING), **REOPENED}),
        Case(release, changed, changed),
        Case(ready, PENDING, made_ready(PENDING), waits),
        Case(ReadyIfWaitingOnlyOn(DUE, both, STAMP), DUE, made_ready(DUE), waits),
        Case(ReadyIfWaitingOnlyOn(DUE, both, STAMP, "q"), DUE, replace(made_ready(DUE), pool="q"), waits),
        Case(early, EARLY, waiting, waits),
        Case(ReadyIfWaitingOnlyOn(ON_HOLD, both, STAMP), ON_HOLD, on_hold, waits),
        Case(
            SkipIfPending(PENDING, 0, SKIPPED, STAMP),
            PENDING,
            ended(PENDING, State.SKIPPED, FAILURE),
            {**others(State.PENDING, waiting_on=both), **REOPENED, "waits on that no longer": changed},
        ),
    ]


def _dispatch_cases() -> list[Case]:
    due = {
        "is due later": replace(SCHEDULED, due_at_ms=NOW_MS + 1),
        "has no due time": replace(SCHEDULED, due_at_ms=None),
        "was put on hold": replace(SCHEDULED, on_hold=True, amended=1),
        **others(State.SCHEDULED, due_at_ms=NOW_MS),
    }
    queued = replace(READY, state=State.QUEUED, queued_at_ms=NOW_MS, sent_at_ms=NOW_MS)
    elsewhere = {"is in another pool": replace(READY, pool="q"), **others(State.READY)}
    since = {"became READY again": replace(READY, ready_at_ms=NOW_MS), **others(State.READY)}
    resent = {
        "was sent again": replace(QUEUED, sent_at_ms=NOW_MS - 1),
        "was never sent": replace(QUEUED, sent_at_ms=None),
        **others(State.QUEUED),
    }
    return [
        Case(ReadyIfDue(SCHEDULED, STAMP), SCHEDULED, made_ready(SCHEDULED), due),
        Case(ReadyIfDue(SCHEDULED, STAMP, "q"), SCHEDULED, replace(made_ready(SCHEDULED), pool="q"), due),
        Case(DispatchIfReady(READY.job_id, "p", STAMP), READY, queued, elsewhere),
        Case(DispatchIfReady(READY.job_id, "p", STAMP), replace(READY, held_in="key:1:k"), queued),
        Case(DispatchIfReady(READY.job_id, "p", STAMP, READY.ready_at_ms), READY, queued, since),
        Case(PassOverIfReady(READY), READY, replace(READY, ready_at_ms=NOW_MS - 7_999), since),
        Case(HoldIfReady(READY.job_id, "p", "type:t"), READY, replace(READY, held_in="type:t"), elsewhere),
        Case(
            ResendIfStillQueued(QUEUED, NOW_MS - 7_000, STAMP),
            QUEUED,
            replace(QUEUED, sent_at_ms=NOW_MS),
            resent,
        ),
    ]


def _claim_cases() -> list[Case]:
    claim = ClaimIfQueued("S.1", 1, "w2", NOW_MS + 60_000, STAMP, seat=Seat("two", "host-2"))
    held: dict[str, Any] = {
        "state": State.RUNNING,
        "worker_id": "w2",
        "worker_name": "two",
        "worker_host": "host-2",
        "started_at_ms": NOW_MS,
        "lease_expires_at_ms": NOW_MS + 60_000,
        "progress": None,
    }
    refused = {
        "was claimed before": replace(QUEUED, attempt=2),
        "was claimed less often": replace(QUEUED, attempt=0),
        "was orphaned by this claim": ORPHANED,
        **others(State.QUEUED, attempt=1),
    }
    again = ClaimAgainIfLeaseExpired(ORPHANED, 2, "w2", NOW_MS + 60_000, STAMP, Seat("two", "host-2"))
    not_again = {
        "runs under its lease": RUNNING,
        "runs under its lease to this very instant": replace(RUNNING, lease_expires_at_ms=NOW_MS),
        "runs without a lease": replace(RUNNING, lease_expires_at_ms=None),
        "was reopened since": replace(ORPHANED, reopened=1),
        "was orphaned by a later claim": replace(ORPHANED, attempt=3),
        "was orphaned by an earlier claim": replace(ORPHANED, attempt=1),
        "was orphaned as often as a job may be": replace(
            ORPHANED, worker_losses=limits.MAX_WORKER_LOSSES - 1
        ),
        "was orphaned with cancellation asked for": replace(ORPHANED, cancel_requested_at_ms=NOW_MS),
        **others(State.RUNNING, attempt=2, lease_expires_at_ms=NOW_MS - 1),
    }
    no_retries = replace(ORPHANED, tries=4, worker_losses=2, retry=RetryPolicy(max_retries=0))
    return [
        Case(claim, QUEUED, replace(QUEUED, attempt=2, **held), refused),
        Case(again, ORPHANED, replace(ORPHANED, attempt=3, worker_losses=1, **held), not_again),
        Case(again, no_retries, replace(no_retries, attempt=3, worker_losses=3, **held)),
    ]


def _repair_cases() -> list[Case]:
    asked = replace(ORPHANED, cancel_requested_at_ms=NOW_MS)
    failed = Ending(State.FAILED, failure=FAILURE, expires_at_s=7)
    again = replace(QUEUED, reopened=2)
    claims = {
        "was claimed before": replace(QUEUED, attempt=2),
        "was claimed less often": replace(QUEUED, attempt=0),
        "was reopened": again,
        "was dispatched anew": replace(QUEUED, ready_at_ms=NOW_MS + 77),
        **others(State.QUEUED),
    }
    undelivered = ended(QUEUED, State.FAILED, FAILURE)
    return [
        Case(FailIfStillQueued(QUEUED, 1, 0, failed, STAMP), QUEUED, undelivered, claims),
        Case(FailIfStillQueued(again, 1, 2, failed, STAMP), again, ended(again, State.FAILED, FAILURE)),
        Case(TakeBackIfStillQueued(QUEUED, 1, 0, STAMP), QUEUED, made_ready(QUEUED), claims),
        Case(TakeBackIfStillQueued(again, 1, 2, STAMP), again, made_ready(again)),
        Case(
            TakeBackIfStillQueued(QUEUED, 1, 0, STAMP, "q"),
            QUEUED,
            replace(made_ready(QUEUED), pool="q"),
            claims,
        ),
        Case(
            ReadyIfLeaseExpired(ORPHANED, 2, STAMP),
            ORPHANED,
            replace(made_ready(ORPHANED), worker_losses=1),
            {**LEASE_BROKEN, "has cancellation asked for": asked},
        ),
        Case(
            FinishIfLeaseExpired(ORPHANED, 2, failed, STAMP),
            ORPHANED,
            replace(ended(ORPHANED, State.FAILED, FAILURE), worker_losses=1),
            LEASE_BROKEN,
        ),
        Case(
            FinishIfLeaseExpired(asked, 2, CANCELLED, STAMP),
            asked,
            replace(ended(asked, State.CANCELLED, FAILURE), worker_losses=1),
        ),
    ]


def _mark_cases() -> list[Case]:
    marked = [
        Case(
            MarkUnlessDispatched(job, ending, STAMP),
            job,
            ended(job, ending.state, ending.failure),
            {
                "was reopened": replace(job, reopened=job.reopened + 1),
                "is QUEUED": QUEUED,
                "is RUNNING": RUNNING,
                "has succeeded": SUCCEEDED,
            },
        )
        for ending in (Ending(State.SUCCEEDED, expires_at_s=7), SKIPPED)
        for job in (PENDING, SCHEDULED, READY, *(SAMPLES[state] for state in FAILED_STATES))
    ]
    skipped = SAMPLES[State.SKIPPED]
    done = Ending(State.SUCCEEDED, expires_at_s=7)
    marked.append(
        Case(MarkUnlessDispatched(skipped, done, STAMP), skipped, ended(skipped, State.SUCCEEDED, None))
    )
    return marked


def _cancel_cases() -> list[Case]:
    at_once = [
        Case(
            CancelIfInState(job, CANCELLED, STAMP),
            job,
            ended(job, State.CANCELLED, FAILURE),
            {
                "was reopened": replace(job, reopened=2),
                "became ready again": replace(job, ready_at_ms=NOW_MS + 77),
                **others(job.state),
            },
        )
        for job in (PENDING, SCHEDULED, READY, QUEUED)
    ]
    asked_now = replace(RUNNING, cancel_requested_at_ms=NOW_MS, cancel_requested_by=STAMP.actor)
    request = RequestCancelIfRunning(RUNNING, STAMP)
    grace = {
        "was asked later": replace(ASKED, cancel_requested_at_ms=NOW_MS - 29_999),
        "was not asked": RUNNING,
        **others(State.RUNNING, cancel_requested_at_ms=NOW_MS - 30_000),
    }
    note = NoteDependents("S.1", watch_start=True)
    quiet = NoteDependents("S.1", watch_start=False)
    noted = replace(READY, dependents_overflow=True, watch_start=True)
    held = replace(READY, held_in="key:1:k")
    return [
        *at_once,
        Case(CancelIfInState(held, CANCELLED, STAMP), held, ended(READY, State.CANCELLED, FAILURE)),
        Case(request, RUNNING, asked_now, others(State.RUNNING)),
        Case(request, ASKED, ASKED),
        Case(
            CancelIfGraceOver(ASKED, 30_000, CANCELLED, STAMP),
            ASKED,
            ended(ASKED, State.CANCELLED, FAILURE),
            grace,
        ),
        Case(note, READY, noted),
        Case(note, SUCCEEDED, replace(SUCCEEDED, dependents_overflow=True, watch_start=True)),
        Case(quiet, READY, replace(READY, dependents_overflow=True)),
        Case(quiet, noted, noted),
    ]


def _keep_cases() -> list[Case]:
    ended = replace(SUCCEEDED, expires_at_s=7)
    changed = {
        "was reopened since": replace(ended, reopened=ended.reopened + 1),
        "is kept for longer already": replace(ended, expires_at_s=8),
        "is open": replace(READY, reopened=ended.reopened, expires_at_s=7),
    }
    twice = replace(ended, reopened=2)
    timed = replace(RUNNING, finish_by_ms=9)
    on_course = Judgement(3, FinishVerdict.ON_COURSE, 0.75)
    late = Judgement(5, FinishVerdict.AT_RISK, 0.25)
    known = replace(READY, reopened=1, finish_by_ms=9, judgements=(on_course,))
    judged_meanwhile = {"has another judgement": replace(timed, judgements=(on_course,))}
    return [
        Case(
            NoteJudgementIfOpen(timed, late),
            timed,
            replace(timed, judgements=(late,)),
            {
                "has another time": replace(timed, finish_by_ms=8),
                "has no time any more": RUNNING,
                "was reopened since": replace(timed, reopened=1),
                "has ended": replace(SUCCEEDED, finish_by_ms=9),
                **judged_meanwhile,
            },
        ),
        Case(
            NoteJudgementIfOpen(known, late),
            known,
            replace(known, judgements=(on_course, late)),
            {"has no judgement": replace(known, judgements=())},
        ),
        Case(KeepIfEnded(ended, 9), ended, replace(ended, expires_at_s=9), changed),
        Case(KeepIfEnded(twice, 9), twice, replace(twice, expires_at_s=9), {"is in its first life": ended}),
    ]


CASES = [
    *_release_cases(),
    *_dispatch_cases(),
    *_claim_cases(),
    *(Case(*worked) for worked in (*WORKER_CASES, *SECOND_CASES, *OUTSIDE_CASES)),
    *_repair_cases(),
    *_cancel_cases(),
    *_mark_cases(),
    *_keep_cases(),
    *(Case(*reopening) for reopening in REOPENINGS),
    *AMENDMENTS,
]
OF_EACH_KIND = list({type(case.transition): case.transition for case in CASES}.values())
