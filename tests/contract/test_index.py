"""The entries that every job index shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, RANK_POLICY, SHARDS, Stores
from tests.harness.domain.transition_case import Case
from tests.harness.domain.transition_cases import CASES
from tests.harness.domain.worker_cases import STAMP
from tidegate.domain.job import Job
from tidegate.domain.lanes import MAIN, is_sharded, key_lane, share_lane
from tidegate.domain.rank import place_of, rank, ready_at_of
from tidegate.domain.states import Group, State
from tidegate.domain.traits import Traits
from tidegate.domain.transitions import DispatchIfReady, HoldIfReady
from tidegate.ports import IndexEntry

Place = tuple[str, Group, str]  # pool, group, lane
LANES = (MAIN, share_lane("data"), "type:t", "key:1:k")


def expected_sort(job: Job) -> int | None:
    """Returns the sort value of an entry, as the port defines it."""
    group = job.group
    if group is Group.READY:
        boost = job.critical_path_boost_millipoints
        place = place_of(job.job_id)
        ready_at_ms = job.ready_at_ms or 0
        return rank(RANK_POLICY, job.priority, ready_at_ms, job.tries, boost, place=place, passes=job.passes)
    if group is Group.PENDING:
        return job.created_at_ms
    moments = {
        Group.ACTIVE: job.queued_at_ms,
        Group.OUTSIDE: job.lease_expires_at_ms,
        Group.SCHEDULED: job.wakes_at_ms,
    }
    return moments.get(group, job.finished_at_ms)


def whole_index(stores: Stores) -> dict[Place, list[IndexEntry]]:
    """Returns every entry of the cases' pools and lanes, by pool, group and lane."""
    return {
        (pool, group, lane): entries
        for pool in (POOL, "q")
        for group in Group
        for lane in (LANES if group is Group.READY else (MAIN,))
        if (entries := entries_of(stores, pool, group, lane))
    }


def entries_of(stores: Stores, pool: str, group: Group, lane: str = MAIN) -> list[IndexEntry]:
    pages = stores.index.first_pages(pool, group, limit=100, lanes=[lane])
    assert set(pages) == {(lane, shard) for shard in range(SHARDS if is_sharded(lane) else 1)}
    return [entry for page in pages.values() for entry in page.entries]


@pytest.mark.parametrize("stores", ["memory", "local"], indirect=True)  # each test asks sixty queries
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_job_stands_in_the_group_of_its_new_state_alone_under_its_sort_value(
    stores: Stores, case: Case
) -> None:
    stores.jobs.insert_if_absent([case.job])
    job = stores.jobs.apply(case.transition)
    group = job.group
    place = (job.pool, group, job.lane if group is Group.READY else MAIN)
    assert whole_index(stores) == {place: [IndexEntry(job.job_id, expected_sort(job) or 0)]}


def test_an_entry_brings_what_the_dispatcher_goes_by(stores: Stores) -> None:
    plain = new_job("S.0")
    special = new_job("S.1", share="data", concurrency_key="customer 7", concurrency_limit=3)
    stores.jobs.insert_if_absent([plain, special])
    assert [entry.traits for entry in entries_of(stores, POOL, Group.READY)] == [Traits("text.count")]
    lane = share_lane("data")
    (entry,) = entries_of(stores, POOL, Group.READY, lane)
    assert entry.traits == special.traits == Traits("text.count", "data", "customer 7", 3)
    stores.jobs.apply(DispatchIfReady("S.1", POOL, STAMP))
    (active,) = entries_of(stores, POOL, Group.ACTIVE)
    assert active.traits == special.traits


def test_a_job_that_is_held_back_stands_in_that_lane_alone_and_keeps_its_rank(stores: Stores) -> None:
    jobs = [new_job(f"S.{n}", share="data" if n % 2 else "", ready_at_ms=NOW_MS + n) for n in range(8)]
    stores.jobs.insert_if_absent(jobs)
    lane = key_lane("k", 1)
    for job in jobs:
        stores.jobs.apply(HoldIfReady(job.job_id, POOL, lane))
    assert (
        entries_of(stores, POOL, Group.READY)
        == entries_of(stores, POOL, Group.READY, share_lane("data"))
        == []
    )
    held = stores.index.page(POOL, Group.READY, 0, limit=5, descending=True, lane=lane)
    assert [entry.sort for entry in held.entries] == [expected_sort(job) for job in jobs[:5]]
    rest = stores.index.page(POOL, Group.READY, 0, limit=5, descending=True, lane=lane, after=held.next)
    assert [entry.job_id for entry in rest.entries] == [job.job_id for job in jobs[5:]]
    assert rest.next is None


def test_a_page_is_sorted_both_ways_and_goes_on_where_it_ended(stores: Stores) -> None:
    jobs = [new_job(f"S.{n}", priority=1 + n % 5, ready_at_ms=NOW_MS + n) for n in range(60)]
    stores.jobs.insert_if_absent(jobs)
    seen: list[IndexEntry] = []
    for shard in range(SHARDS):
        upwards = walk(stores, shard, descending=False)
        assert upwards == sorted(upwards, key=lambda entry: entry.sort)
        assert walk(stores, shard, descending=True) == upwards[::-1]
        seen.extend(upwards)
    assert {entry.job_id: entry.sort for entry in seen} == {job.job_id: expected_sort(job) for job in jobs}


def walk(stores: Stores, shard: int, *, descending: bool) -> list[IndexEntry]:
    walked: list[IndexEntry] = []
    page = stores.index.page(POOL, Group.READY, shard, limit=7, descending=descending)
    for _ in range(60):
        assert len(page.entries) <= 7
        walked.extend(page.entries)
        if page.next is None:
            return walked
        page = stores.index.page(POOL, Group.READY, shard, limit=7, descending=descending, after=page.next)
    raise AssertionError("the pages do not end")


def test_a_page_goes_on_after_an_entry_that_has_left(stores: Stores) -> None:
    jobs = [new_job(f"S.{n}", ready_at_ms=NOW_MS - n) for n in range(30)]
    stores.jobs.insert_if_absent(jobs)
    whole = walk(stores, 0, descending=False)
    stores.jobs.unstage([whole[1].job_id])
    rest = stores.index.page(POOL, Group.READY, 0, limit=50, after=whole[1])
    assert list(rest.entries) == whole[2:]
    assert rest.next is None


def test_a_page_holds_nothing_beyond_its_bound(stores: Stores) -> None:
    due = [
        replace(new_job(f"S.{n}"), state=State.SCHEDULED, ready_at_ms=None, due_at_ms=NOW_MS + n)
        for n in range(20)
    ]
    stores.jobs.insert_if_absent(due)
    found = [
        entry.sort
        for shard in range(SHARDS)
        for entry in stores.index.page(POOL, Group.SCHEDULED, shard, limit=50, up_to=NOW_MS + 4).entries
    ]
    assert sorted(found) == [NOW_MS + n for n in range(5)]


def test_a_page_may_be_asked_for_behind_its_bound(stores: Stores) -> None:
    """A walk may have stopped behind the entries that are due by now.

    AWS refuses a start outside of the key condition.
    """
    due = [
        replace(new_job(f"S.{n}"), state=State.SCHEDULED, ready_at_ms=None, due_at_ms=NOW_MS + n)
        for n in range(20)
    ]
    stores.jobs.insert_if_absent(due)
    for shard in range(SHARDS):
        whole = stores.index.page(POOL, Group.SCHEDULED, shard, limit=50).entries
        bound = whole[1].sort
        upwards = stores.index.page(POOL, Group.SCHEDULED, shard, limit=50, after=whole[2], up_to=bound)
        assert (upwards.entries, upwards.next) == ((), None)
        downwards = stores.index.page(
            POOL, Group.SCHEDULED, shard, limit=50, descending=True, after=whole[-1], up_to=bound
        )
        assert downwards.entries == (whole[1], whole[0])


def test_counting_stops_at_its_bound(stores: Stores) -> None:
    stores.jobs.insert_if_absent([new_job(f"S.{n}") for n in range(25)])
    stores.jobs.insert_if_absent([new_job("other", pool="q")])
    assert stores.index.count(POOL, Group.READY, at_most=1_000) == 25
    assert stores.index.count(POOL, Group.READY, at_most=25) == 25
    assert stores.index.count(POOL, Group.READY, at_most=10) == 10
    assert stores.index.count(POOL, Group.ACTIVE, at_most=10) == 0
    assert stores.index.count("q", Group.READY, at_most=10) == 1
    assert stores.index.count(POOL, Group.READY, at_most=0) == 0


def test_ranks_are_the_highest_of_each_shard_and_as_many_as_there_are(stores: Stores) -> None:
    jobs = [new_job(f"S.{n}", priority=1 + n, share="data" if n % 5 == 0 else None) for n in range(25)]
    stores.jobs.insert_if_absent(jobs)
    stores.jobs.insert_if_absent([new_job("other", pool="q"), new_job("held", state=State.PENDING)])
    lanes = (MAIN, share_lane("data"))
    pages = stores.index.first_pages(POOL, Group.READY, limit=100, descending=True, lanes=lanes)
    whole = [[entry.sort for entry in page.entries] for page in pages.values()]
    assert sum(map(len, whole)) == 25
    assert sorted(stores.index.ranks(POOL, at_most=1_000, lanes=lanes)) == sorted(
        rank for ranks in whole for rank in ranks
    )
    assert sorted(stores.index.ranks(POOL, at_most=2, lanes=lanes)) == sorted(
        rank for ranks in whole for rank in ranks[:2]
    )
    assert sorted(ready_at_of(rank) for rank in stores.index.ranks(POOL, at_most=30)) == sorted(
        job.ready_at_ms or 0 for job in jobs if not job.share
    )
    assert list(stores.index.ranks("none", at_most=30)) == []
