"""A write that was sent twice meets the effect of its first try, while other actors may have changed the job since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.test_transition_failures import CODEC, REFUSED, answer, standing
from tests.harness.contract.jobs import new_job
from tests.harness.contract.script import Script
from tests.harness.contract.stores import NOW_MS, POOL, Stores
from tests.harness.domain.job_samples import READY
from tests.harness.domain.transition_case import Case
from tests.harness.domain.transition_cases import CASES
from tidegate.domain import limits
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    CancelIfInState,
    ClaimIfQueued,
    DispatchIfReady,
    Ending,
    HandBackIfAttemptHolds,
    PassOverIfReady,
    ReopenIfEnded,
    ResendIfStillQueued,
    Stamp,
    TakeBackIfStillQueued,
    Transition,
    TransitionRefused,
)
from tidegate.ports import TransitionOutcome

STAMP = Stamp(NOW_MS + 1_000, "tester")
COMPANION = DispatchIfReady("companion", POOL, STAMP)
CANCELLED = Ending(State.CANCELLED, expires_at_s=NOW_MS)
DONE: dict[str, Any] = {"Item": CODEC.whole_item(COMPANION.apply(new_job("companion")))}
# Valid for any actor's job until another actor takes the job over.
OWNED = ("ClaimIfQueued", "ClaimAgainIfLeaseExpired")
CHANGED = [replace(case, after=case.transition.apply(case.job)) for case in CASES]
LINED = [case for case in CHANGED if len(case.after.history) > len(case.job.history)]
TOLD = [case for case in LINED if type(case.transition).__name__ not in OWNED]
CLAIMS = [case for case in LINED if type(case.transition).__name__ in OWNED]


def by(job: Job, state: State, actor: str = "another", **changes: Any) -> Job:
    """Returns the job after a transition by another actor."""
    entry = HistoryEntry(STAMP.now_ms + 5, state, changes.get("attempt", job.attempt), actor)
    return replace(job, state=state, history=(*job.history, entry), **changes)


def sent_twice(stores: Stores, script: Script, transition: Transition, stands: Job) -> TransitionOutcome:
    """Returns the outcome of a transition that was sent twice, when the second request finds the job as `stands`."""
    script.answers(answer(REFUSED, DONE, retries=1), standing(stands))
    outcome, companion = stores.jobs.apply_all([transition, COMPANION])
    assert isinstance(companion, Job)
    return outcome


@pytest.mark.parametrize("case", LINED, ids=str)
def test_its_own_effect_is_a_success(scripted: Stores, script: Script, case: Case) -> None:
    assert sent_twice(scripted, script, case.transition, case.after) == case.after


@pytest.mark.parametrize("case", TOLD, ids=str)
def test_its_own_effect_is_a_success_though_another_changed_the_job_since(
    scripted: Stores, script: Script, case: Case
) -> None:
    later = by(by(case.after, State.RUNNING, attempt=case.after.attempt + 1), State.CANCELLED)
    assert sent_twice(scripted, script, case.transition, later) == later


@pytest.mark.parametrize("case", CLAIMS, ids=str)
@pytest.mark.parametrize("taken", [State.READY, State.RUNNING, State.FAILED])
def test_a_claim_that_was_lost_since_is_refused(
    scripted: Stores, script: Script, case: Case, taken: State
) -> None:
    attempt = case.after.attempt + (taken is State.RUNNING)
    later = by(case.after, taken, attempt=attempt, worker_id="another")
    outcome = sent_twice(scripted, script, case.transition, later)
    assert isinstance(outcome, TransitionRefused)
    assert outcome.job == later


def test_a_claim_holds_though_cancellation_was_asked_for_since(scripted: Stores, script: Script) -> None:
    queued = DispatchIfReady("S", POOL, STAMP).apply(new_job("S"))
    claim = ClaimIfQueued("S", 0, "me", NOW_MS + 90_000, Stamp(NOW_MS + 2_000, "me"))
    asked = replace(claim.apply(queued), cancel_requested_at_ms=NOW_MS + 2_001, cancel_requested_by="ann")
    assert sent_twice(scripted, script, claim, asked) == asked


@pytest.mark.parametrize("case", TOLD, ids=str)
def test_an_earlier_line_that_reads_the_same_is_not_its_effect(
    scripted: Stores, script: Script, case: Case
) -> None:
    """A use case stamps all of its transitions with one time, so a job may have made the same transition before."""
    if isinstance(case.transition, DispatchIfReady):
        before = by(case.after, State.READY)
        knows: Transition = replace(case.transition, ready_at_ms=before.ready_at_ms)
    else:
        before = case.after
        knows = replace(case.transition, job=case.after)  # type: ignore[call-arg]  # every such transition has one
    later = by(before, State.CANCELLED)
    if case.after.is_terminal and not isinstance(case.transition, DispatchIfReady):
        later = replace(later, state=case.after.state)
    assert isinstance(sent_twice(scripted, script, knows, later), TransitionRefused)


def test_a_dispatch_of_an_earlier_readiness_is_not_its_effect(scripted: Stores, script: Script) -> None:
    ready = new_job("S", ready_at_ms=NOW_MS)
    transition = DispatchIfReady("S", POOL, STAMP, NOW_MS)
    again = by(transition.apply(ready), State.READY, ready_at_ms=NOW_MS + 9)
    assert isinstance(sent_twice(scripted, script, transition, again), TransitionRefused)


def test_a_message_is_sent_again_once_it_was_noted_and_the_job_still_waits_for_it(
    scripted: Stores, script: Script
) -> None:
    queued = DispatchIfReady("S", POOL, STAMP).apply(new_job("S"))
    transition = ResendIfStillQueued(queued, STAMP.now_ms, replace(STAMP, now_ms=STAMP.now_ms + 60_000))
    noted = transition.apply(queued)
    assert sent_twice(scripted, script, transition, noted) == noted


def test_no_message_is_sent_again_for_a_job_that_was_claimed_since(scripted: Stores, script: Script) -> None:
    queued = DispatchIfReady("S", POOL, STAMP).apply(new_job("S"))
    transition = ResendIfStillQueued(queued, STAMP.now_ms, replace(STAMP, now_ms=STAMP.now_ms + 60_000))
    claimed = by(transition.apply(queued), State.RUNNING, attempt=1)
    assert isinstance(sent_twice(scripted, script, transition, claimed), TransitionRefused)


def test_a_job_that_was_passed_over_is_known_by_when_it_is_ready(scripted: Stores, script: Script) -> None:
    ready = new_job("S", ready_at_ms=NOW_MS)
    transition = PassOverIfReady(ready)
    passed = transition.apply(ready)
    assert sent_twice(scripted, script, transition, passed) == passed


def test_a_reopening_that_shortened_the_history_knows_itself(scripted: Stores, script: Script) -> None:
    job = CancelIfInState(_often_reopened(), CANCELLED, STAMP).apply(_often_reopened())
    reopening = ReopenIfEnded(job, STAMP)
    reopened = reopening.apply(job)
    assert len(reopened.history) < len(job.history)
    outcome = sent_twice(scripted, script, reopening, by(reopened, State.READY))
    assert isinstance(outcome, Job)
    assert outcome.reopened == reopened.reopened


def test_a_cancellation_knows_itself_though_a_reopening_shortened_the_history_since(
    scripted: Stores, script: Script
) -> None:
    job = _often_reopened()
    cancellation = CancelIfInState(job, CANCELLED, STAMP)
    reopened = _reopened(cancellation.apply(job), Stamp(STAMP.now_ms + 5, "another"))
    assert len(reopened.history) == len(job.history)
    assert sent_twice(scripted, script, cancellation, reopened) == reopened


@pytest.mark.parametrize("claimed", [True, False])
@pytest.mark.parametrize("dispatched_since", [True, False])
def test_what_shortened_the_history_on_its_way_to_ready_knows_itself(
    scripted: Stores, script: Script, claimed: bool, dispatched_since: bool
) -> None:
    job = new_job("S")
    for number in range(3 * limits.MAX_DISPATCHES_KEPT):
        back = _back(_dispatched(job, number), number, claimed=claimed)
        job = back.apply(back.job)
    again = _back(_dispatched(job, 900), 900, claimed=claimed)
    job = again.apply(again.job)
    assert len(job.history) <= len(again.job.history) < 3 * limits.MAX_DISPATCHES_KEPT
    stands = _dispatched(job, 1_000) if dispatched_since else job
    assert sent_twice(scripted, script, again, stands) == stands


def _dispatched(job: Job, number: int) -> Job:
    return DispatchIfReady("S", POOL, replace(STAMP, now_ms=STAMP.now_ms + 10 * number)).apply(job)


def _back(job: Job, number: int, *, claimed: bool) -> HandBackIfAttemptHolds | TakeBackIfStillQueued:
    """Makes the give-back of a job that a worker claimed, or the taking back of a job that no worker claimed."""
    later = replace(STAMP, now_ms=STAMP.now_ms + 10 * number + 5)
    if not claimed:
        return TakeBackIfStillQueued(job, job.attempt, job.reopened, later)
    running = ClaimIfQueued("S", job.attempt, STAMP.actor, NOW_MS + 60_000, later).apply(job)
    return HandBackIfAttemptHolds(running, running.attempt, later)


def _often_reopened() -> Job:
    """Makes a job that was cancelled many times and never ran. Its next reopening drops a life of its history."""
    job = replace(READY, history=(HistoryEntry(NOW_MS, State.READY, 0, "submit"),))
    for number in range(2 * limits.MAX_REOPENINGS):
        stamp = Stamp(NOW_MS + number, "eve")
        job = _reopened(CancelIfInState(job, CANCELLED, stamp).apply(job), stamp)
    return job


def _reopened(job: Job, stamp: Stamp) -> Job:
    return ReopenIfEnded(job, stamp).apply(job)
