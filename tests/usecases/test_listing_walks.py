"""A walk over READY jobs lists each that stayed READY exactly once, whatever changes between its pages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tests.harness.usecases.listing import list_jobs
from tidegate.domain.job import HistoryEntry, Job, JobInput
from tidegate.domain.lanes import key_lane, share_lane, type_lane
from tidegate.domain.states import State
from tidegate.domain.transitions import DispatchIfReady, HoldIfReady, PassOverIfReady, Stamp

POOL = "lambda"
SHARDS = 3
LANES = [key_lane("a", 1), key_lane("b", 2), type_lane("t"), "key:1:new"]
ACTS = ("hold", "hold", "hold", "dispatch", "pass over", "submit", "share")


class Walk:
    """The READY jobs of one deployment, listed page by page while they change."""

    def __init__(self, jobs: int, *, same_rank: bool = False) -> None:
        self.world = MemoryWorld(shards=SHARDS, now_ms=NOW_MS)
        self.services, _ = memory_services(SETTINGS, self.world)
        self.made = 0
        self.found: list[str] = []
        for _ in range(jobs):
            self.submit(same_rank=same_rank)
        self.throughout = set(self.world.jobs)

    def submit(self, *, share: str = "", same_rank: bool = False) -> None:
        number = self.made
        self.made += 1
        at_ms = NOW_MS if same_rank else NOW_MS + number % 7
        if share:
            self.services.lanes.note(POOL, share_lane(share), now_ms=NOW_MS)
        self.world.put_new(
            Job(
                # They belong to several workflows, with the same index in each, so only the ids order those of one
                # time.
                job_id=f"S{number % 5}.{number // 5}" if not same_rank else f"T{number}.0",
                state=State.READY,
                type="tidegate.noop",
                pool=POOL,
                priority=100 + (0 if same_rank else number % 3),
                created_at_ms=at_ms,
                ready_at_ms=at_ms,
                share=share,
                input=JobInput({}),
                history=(HistoryEntry(at_ms, State.READY, 0, "submit"),),
            )
        )

    def hold(self, job: Job, lane: str) -> None:
        self.services.lanes.note(POOL, lane, now_ms=NOW_MS)
        self.services.jobs.apply(HoldIfReady(job.job_id, POOL, lane))

    def act(self, kind: str, choice: int) -> None:
        ready = [job for job in self.world.jobs.values() if job.state is State.READY]
        job = ready[choice % len(ready)]
        if kind == "hold":
            self.hold(job, LANES[choice % len(LANES)])
        elif kind == "pass over":
            self.services.jobs.apply(PassOverIfReady(job))
        elif kind == "dispatch" and len(ready) > 1:
            self.services.jobs.apply(DispatchIfReady(job.job_id, POOL, Stamp(NOW_MS, "dispatcher")))
            self.throughout.discard(job.job_id)
        elif kind == "submit":
            self.submit()
        else:
            self.submit(share=f"s{choice % 3}")

    def page(self, cursor: str | None, limit: int) -> str | None:
        page = list_jobs(self.services, State.READY, pool=None, cursor=cursor, limit=limit)
        assert len(page.jobs) <= limit
        self.found += [job.job_id for job in page.jobs]
        return page.cursor

    def check(self) -> None:
        assert len(set(self.found)) == len(self.found), "listed twice"
        assert self.throughout <= set(self.found), "missed"


@given(
    st.integers(1, 40),
    st.integers(1, 9),
    st.lists(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 10_000)), max_size=8), max_size=12),
)
def test_each_job_that_is_ready_throughout_is_listed_exactly_once(
    jobs: int, limit: int, acts: list[list[tuple[str, int]]]
) -> None:
    walk = Walk(jobs)
    cursor = walk.page(None, limit)
    for between in acts:
        if cursor is None:
            break
        for kind, choice in between:
            walk.act(kind, choice)
        cursor = walk.page(cursor, limit)
    while cursor is not None:
        cursor = walk.page(cursor, limit)
    walk.check()


def test_jobs_that_are_all_held_back_after_the_first_page_are_all_listed() -> None:
    walk = Walk(120)
    cursor = walk.page(None, 10)
    for job in list(walk.world.jobs.values()):
        walk.hold(job, key_lane("late", 1))
    while cursor is not None:
        cursor = walk.page(cursor, 10)
    walk.check()
    assert len(walk.found) == 120


@pytest.mark.parametrize("limit", [1, 7, 200])
def test_many_jobs_of_one_rank_are_each_listed_once_while_they_change(limit: int) -> None:
    walk = Walk(60, same_rank=True)
    cursor, turn = walk.page(None, limit), 0
    while cursor is not None:
        for job in list(walk.world.jobs.values())[turn::7]:
            walk.hold(job, LANES[turn % len(LANES)])
        cursor, turn = walk.page(cursor, limit), turn + 1
    walk.check()


@pytest.mark.parametrize("state", [State.PENDING, State.FAILED])
def test_pools_and_shards_that_come_while_a_group_is_walked_are_listed_too(state: State) -> None:
    world = MemoryWorld(shards=2, now_ms=NOW_MS)
    pools = dict(SETTINGS.pools)
    first = replace(SETTINGS, pools={POOL: pools[POOL]})
    services, _ = memory_services(first, world)

    def put(pool: str, number: int) -> str:
        job_id = f"{pool}-{number}"
        world.put_new(
            Job(
                job_id=job_id,
                state=state,
                type="tidegate.noop",
                pool=pool,
                priority=100,
                created_at_ms=NOW_MS,
                finished_at_ms=NOW_MS,
                input=JobInput({}),
            )
        )
        return job_id

    made = {put(POOL, number) for number in range(20)}
    page = list_jobs(services, state, pool=None, cursor=None, limit=7)
    found = [job.job_id for job in page.jobs]
    world.shards = 5  # a deployment raises the number of shards, and adds a pool
    made |= {put("ecs", number) for number in range(20)}
    late = {put(POOL, number) for number in range(20, 60)}
    # Jobs that reach a shard after the walk passed it were not READY throughout.
    made |= {job_id for job_id in late if world.index_key(world.jobs[job_id])[2] >= 2}
    services = replace(services, settings=SETTINGS)
    while page.cursor is not None:
        page = list_jobs(services, state, pool=None, cursor=page.cursor, limit=7)
        found += [job.job_id for job in page.jobs]
    assert made <= set(found)
    assert len(set(found)) == len(found)
    assert services.index.shards == 5


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "key:1:new"),
        ("", type_lane("new")),
        (key_lane("a", 1), type_lane("t")),
        (type_lane("t"), key_lane("a", 1)),
        (type_lane("t"), "key:1:new"),
        (key_lane("a", 1), type_lane("new")),
    ],
)
def test_a_job_that_changes_lanes_in_the_middle_of_a_page_is_listed(before: str, after: str) -> None:
    at, happened = 0, True
    while happened:
        walk = Walk(20)
        jobs = list(walk.world.jobs.values())
        for job in jobs[:10]:
            walk.hold(job, key_lane("a", 1) if before.startswith("type") else type_lane("t"))
        if before:
            walk.hold(jobs[-1], before)
        happened, left = False, at

        def hold_in_between(_request: str, walk: Walk = walk, job: Job = jobs[-1]) -> None:
            nonlocal happened, left
            if left == 0:
                happened, walk.world.on_request = True, lambda _request: None
                walk.hold(job, after)
            left -= 1

        walk.world.on_request = hold_in_between
        cursor = walk.page(None, 200)
        walk.world.on_request = lambda _request: None
        while cursor is not None:
            cursor = walk.page(cursor, 200)
        walk.check()
        at += 1
    assert at > 5
