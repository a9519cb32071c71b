"""Every store applies a job's transitions exactly as the domain does, and refuses exactly those that it refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, RANK_POLICY, Stores
from tests.harness.domain.job_samples import SAMPLES
from tidegate.domain import limits
from tidegate.domain.amendments import Amendment
from tidegate.domain.dependency import Dependency
from tidegate.domain.errors import NotFound
from tidegate.domain.job import NEVER_MS, Job
from tidegate.domain.rank import place_of, rank
from tidegate.domain.states import Group, State
from tidegate.domain.transitions import (
    AmendIfWaiting,
    CancelIfInState,
    ClaimIfQueued,
    DispatchIfReady,
    Ending,
    PassOverIfReady,
    ReadyIfDue,
    ReadyIfWaitingOnlyOn,
    ReleaseIfPending,
    Stamp,
    TakeBackIfStillQueued,
    TransitionRefused,
)
from tidegate.ports import IndexEntry

STAMP = Stamp(NOW_MS + 1_000, "tester")


def test_a_job_on_hold_is_not_ready_when_its_time_has_come(stores: Stores) -> None:
    job = replace(SAMPLES[State.SCHEDULED], on_hold=True)
    stores.jobs.insert_if_absent([job])
    with pytest.raises(TransitionRefused, match="it is on hold"):
        stores.jobs.apply(ReadyIfDue(job, Stamp(NOW_MS + 3_600_000, "tester")))
    assert stores.jobs.get(job.job_id, consistent=True) == job


def test_many_transitions_have_their_outcomes_in_order(stores: Stores) -> None:
    stores.jobs.insert_if_absent([new_job(f"S.{n}") for n in range(40)])
    stores.jobs.apply_all([DispatchIfReady(f"S.{n}", POOL, STAMP) for n in range(0, 40, 2)])
    outcomes = stores.jobs.apply_all([DispatchIfReady(f"S.{n}", POOL, STAMP) for n in range(41)])
    for n, outcome in enumerate(outcomes[:40]):
        assert isinstance(outcome, Job if n % 2 else TransitionRefused)
        job = outcome.job if isinstance(outcome, TransitionRefused) else outcome
        assert isinstance(job, Job)
        assert (job.job_id, job.state) == (f"S.{n}", State.QUEUED)
    assert isinstance(outcomes[40], NotFound)
    assert stores.jobs.apply_all([]) == []


@pytest.mark.parametrize("stores", ["memory", "local"], indirect=True)  # moto's writes are not atomic
def test_of_many_claims_at_once_one_wins(stores: Stores) -> None:
    stores.jobs.insert_if_absent([new_job("S")])
    stores.jobs.apply(DispatchIfReady("S", POOL, STAMP))

    def claim(number: int) -> bool:
        transition = ClaimIfQueued(
            "S", 0, f"worker-{number}", NOW_MS + 60_000, replace(STAMP, actor=f"worker-{number}")
        )
        try:
            return stores.jobs.apply(transition).worker_id == f"worker-{number}"
        except TransitionRefused:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1
    job = stores.jobs.get("S", consistent=True)
    assert job is not None
    assert (job.state, job.attempt) == (State.RUNNING, 1)


def test_a_job_that_waits_on_nothing_more_becomes_ready_and_one_that_waits_does_not(stores: Stores) -> None:
    waiting = new_job("S.2", depends_on=(Dependency("S.0"),))
    stores.jobs.insert_if_absent([waiting])
    transition = ReadyIfWaitingOnlyOn(waiting, frozenset(), STAMP)
    with pytest.raises(TransitionRefused, match=r"waits on \[0\]"):
        stores.jobs.apply(transition)
    stores.jobs.apply(ReleaseIfPending(waiting, {0}))
    assert stores.jobs.apply(transition).state is State.READY


def test_a_job_read_a_while_ago_still_becomes_ready_and_ranks_by_its_present_tries(stores: Stores) -> None:
    seen = replace(new_job("S"), state=State.SCHEDULED, due_at_ms=NOW_MS, ready_at_ms=None)
    stores.jobs.insert_if_absent([replace(seen, attempt=5, tries=2)])
    changed = stores.jobs.apply(ReadyIfDue(seen, STAMP))
    assert (changed.state, changed.attempt, changed.tries) == (State.READY, 5, 2)
    sort = rank(RANK_POLICY, 100, STAMP.now_ms, retries=2, place=place_of("S"))
    assert entries(stores, Group.READY) == [IndexEntry("S", sort)]


def test_a_job_read_before_its_last_attempt_failed_ranks_as_one_that_was_tried(stores: Stores) -> None:
    """A read may be older than the index: here it is older than the write that made the job SCHEDULED."""
    seen = replace(new_job("S"), state=State.RUNNING, attempt=1, lease_expires_at_ms=NOW_MS)
    stores.jobs.insert_if_absent(
        [replace(seen, state=State.SCHEDULED, due_at_ms=NOW_MS, lease_expires_at_ms=None, tries=1)]
    )
    changed = stores.jobs.apply(ReadyIfDue(seen, STAMP))
    assert (changed.state, changed.tries) == (State.READY, 1)
    sort = rank(RANK_POLICY, 100, STAMP.now_ms, retries=1, place=place_of("S"))
    assert entries(stores, Group.READY) == [IndexEntry("S", sort)]


def test_a_job_read_in_its_life_before_ranks_as_one_that_was_not_tried_yet(stores: Stores) -> None:
    seen = replace(
        new_job("S"), state=State.SCHEDULED, due_at_ms=NOW_MS, ready_at_ms=None, attempt=11, tries=11
    )
    stores.jobs.insert_if_absent([replace(seen, reopened=1, tries=0)])
    assert stores.jobs.apply(ReadyIfDue(seen, STAMP)).tries == 0
    assert entries(stores, Group.READY) == [IndexEntry("S", rank(RANK_POLICY, 100, STAMP.now_ms, retries=0))]


@pytest.mark.parametrize("state", [State.PENDING, State.SCHEDULED])
def test_a_job_read_before_it_was_amended_is_ready_with_its_new_values(stores: Stores, state: State) -> None:
    """The reader knows the old priority and the old pool, and neither the rank nor the index may go by them."""
    seen = replace(new_job("S"), state=state, due_at_ms=NOW_MS, ready_at_ms=None)
    stores.jobs.insert_if_absent([seen])
    stores.jobs.apply(AmendIfWaiting(seen, Amendment(priority=900, pool="q"), STAMP))
    transition = (
        ReadyIfDue(seen, STAMP)
        if state is State.SCHEDULED
        else ReadyIfWaitingOnlyOn(seen, frozenset(), STAMP)
    )
    assert (stores.jobs.apply(transition).priority, entries(stores, Group.READY)) == (900, [])
    sort = rank(RANK_POLICY, 900, STAMP.now_ms, retries=0)
    assert entries(stores, Group.READY, "q") == [IndexEntry("S", sort)]


@pytest.mark.parametrize("state", [State.PENDING, State.SCHEDULED])
def test_a_job_read_before_it_was_put_on_hold_stays_on_hold(stores: Stores, state: State) -> None:
    seen = replace(new_job("S"), state=state, due_at_ms=NOW_MS, ready_at_ms=None)
    stores.jobs.insert_if_absent([seen])
    stores.jobs.apply(AmendIfWaiting(seen, Amendment(on_hold=True), STAMP))
    if state is State.SCHEDULED:
        with pytest.raises(TransitionRefused, match="it is on hold"):
            stores.jobs.apply(ReadyIfDue(seen, STAMP))
    else:
        stores.jobs.apply(ReadyIfWaitingOnlyOn(seen, frozenset(), STAMP))
    assert (entries(stores, Group.READY), entries(stores, Group.PENDING)) == ([], [])
    assert entries(stores, Group.SCHEDULED) == [IndexEntry("S", NEVER_MS)]


def test_a_job_amended_while_it_is_ready_has_the_rank_of_its_new_priority(stores: Stores) -> None:
    seen = new_job("S.7")
    stores.jobs.insert_if_absent([seen])
    stores.jobs.apply(AmendIfWaiting(seen, Amendment(priority=900), STAMP))
    assert entries(stores, Group.READY) == [IndexEntry("S.7", rank(RANK_POLICY, 900, NOW_MS, 0, place=7))]
    passed = stores.jobs.apply(PassOverIfReady(seen))
    sort = rank(RANK_POLICY, 900, NOW_MS + 1, 0, place=7, passes=1)
    assert (passed.priority, entries(stores, Group.READY)) == (900, [IndexEntry("S.7", sort)])


def test_a_cancellation_by_an_old_read_leaves_the_index_of_the_new_pool(stores: Stores) -> None:
    seen = new_job("S", depends_on=(Dependency("R"),))
    stores.jobs.insert_if_absent([seen])
    stores.jobs.apply(AmendIfWaiting(seen, Amendment(pool="q"), STAMP))
    stores.jobs.apply(CancelIfInState(seen, Ending(State.CANCELLED, expires_at_s=7), STAMP))
    assert entries(stores, Group.CANCELLED, "q") == [IndexEntry("S", STAMP.now_ms)]
    assert (entries(stores, Group.PENDING, "q"), entries(stores, Group.CANCELLED)) == ([], [])


def test_a_job_dispatched_anew_is_not_taken_back_by_an_old_read(stores: Stores) -> None:
    """Its history is long enough to be shortened, and gained a dispatch since the read."""
    job = new_job("S")
    for number in range(limits.MAX_DISPATCHES_KEPT):
        job = DispatchIfReady("S", POOL, replace(STAMP, now_ms=NOW_MS + 10 * number)).apply(job)
        job = TakeBackIfStillQueued(job, 0, 0, replace(STAMP, now_ms=NOW_MS + 10 * number + 5)).apply(job)
    seen = DispatchIfReady("S", POOL, replace(STAMP, now_ms=NOW_MS + 500)).apply(job)
    again = TakeBackIfStillQueued(seen, 0, 0, replace(STAMP, now_ms=NOW_MS + 600)).apply(seen)
    standing = DispatchIfReady("S", POOL, replace(STAMP, now_ms=NOW_MS + 700)).apply(again)
    stores.jobs.insert_if_absent([standing])
    late = TakeBackIfStillQueued(seen, 0, 0, replace(STAMP, now_ms=NOW_MS + 800))
    with pytest.raises(TransitionRefused, match="it is READY since"):
        stores.jobs.apply(late)
    assert stores.jobs.get("S", consistent=True) == standing


def entries(stores: Stores, group: Group, pool: str = POOL) -> list[IndexEntry]:
    return [
        entry
        for shard in range(stores.index.shards)
        for entry in stores.index.page(pool, group, shard, limit=100).entries
    ]
