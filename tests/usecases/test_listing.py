"""Listings over several pools and shards: every job once and in order, for pages of any size."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tests.harness.usecases.listing import list_jobs
from tidegate.bootstrap import Services
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.job import Job, JobInput
from tidegate.domain.states import State

SHARDS = 3
PER_POOL = 20
LISTED = [State.PENDING, State.SCHEDULED, State.READY, State.QUEUED, State.FAILED]


def _job(pool: str, state: State, number: int) -> Job:
    at_ms = NOW_MS + number // 2  # two of each pool at the same moment
    return Job(
        job_id=f"{pool}-{state}-{number}",
        state=state,
        type="tidegate.noop",
        pool=pool,
        priority=1 + number // 3,
        created_at_ms=at_ms,
        due_at_ms=at_ms,
        ready_at_ms=NOW_MS,
        queued_at_ms=at_ms,
        finished_at_ms=at_ms,
        input=JobInput({}),
    )


@pytest.fixture(scope="module")
def services() -> Services:
    """Makes jobs of every listed state, and of RUNNING, which shares its part of the index with QUEUED."""
    services, world = memory_services(SETTINGS, MemoryWorld(shards=SHARDS, now_ms=NOW_MS))
    for pool in SETTINGS.pools:
        for state in (*LISTED, State.RUNNING):
            for number in range(PER_POOL):
                world.put_new(_job(pool, state, number))
    used = {shard for (_, _, shard, _), entries in world.index.items() if entries}
    assert used == set(range(SHARDS))
    return services


def pages(services: Services, state: State, pool: str | None, limit: int) -> Iterator[tuple[Job, ...]]:
    """Returns all pages of a listing. Fails if it does not come to an end."""
    cursor = None
    for _ in range(10 * PER_POOL):
        page = list_jobs(services, state, pool=pool, cursor=cursor, limit=limit)
        yield page.jobs
        cursor = page.cursor
        if cursor is None:
            return
    pytest.fail("the listing goes on for ever")


@pytest.mark.parametrize("state", LISTED)
@pytest.mark.parametrize("pool", [None, "ecs"])
@pytest.mark.parametrize("limit", [1, 3, 7, 200])
def test_every_job_is_listed_once_and_in_order(
    services: Services, state: State, pool: str | None, limit: int
) -> None:
    found: list[Job] = []
    for page in pages(services, state, pool, limit):
        assert len(page) <= limit
        found += page
    expected = {
        f"{name}-{state}-{number}"
        for name in SETTINGS.pools
        if pool in (None, name)
        for number in range(PER_POOL)
    }
    assert sorted(job.job_id for job in found) == sorted(expected)
    if state is State.READY:
        order = [-job.priority for job in found]
    else:
        order = [-job.created_at_ms if state is State.FAILED else job.created_at_ms for job in found]
    assert order == sorted(order)


def test_a_cursor_holds_for_its_own_listing_only(services: Services) -> None:
    cursor = list_jobs(services, State.READY, pool=None, cursor=None, limit=1).cursor
    for state, pool in ((State.FAILED, None), (State.READY, "ecs")):
        with pytest.raises(InvalidRequest) as refused:
            list_jobs(services, state, pool=pool, cursor=cursor, limit=1)
        assert [violation.field for violation in refused.value.violations] == ["cursor"]
