"""A caller makes up the cursor of a listing: no page costs more than the bound, whatever it holds."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator

import pytest

from tests.functions.api_calls import NOW_MS, SETTINGS
from tidegate.adapters.memory_world import MemoryWorld
from tidegate.bootstrap import Services, memory_services
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.job import Job, JobInput
from tidegate.domain.states import State
from tidegate.usecases.listing import STREAMS_PER_ROUND
from tidegate.usecases.query import list_jobs

SHARDS = 2
LANES = 300
MAINS = SHARDS * len(SETTINGS.pools)
URL_CHARACTERS = 9_000  # of the 10,240 bytes that the gateway takes for the request's line and headers


def _cursor(*streams: list[object], group: str = "READY", later: object = None) -> str:
    packed = zlib.compress(json.dumps([group, later, *streams]).encode())
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld(shards=SHARDS, now_ms=NOW_MS)


@pytest.fixture
def services(world: MemoryWorld) -> Services:
    return memory_services(SETTINGS, world)[0]


def _queries(world: MemoryWorld) -> int:
    return world.requests["page"]


def _with_lanes(services: Services, world: MemoryWorld, name: str) -> set[str]:
    """A job in each of many lanes, and some in the main one; returns the ids of all."""
    made = set()
    for number in range(LANES):
        lane = f"key:1:{name}{number}"
        services.lanes.note("lambda", lane, now_ms=NOW_MS)
        made.add(_put(world, f"held-{number}", held_in=lane))
    return made | {_put(world, f"main-{number}") for number in range(5)}


def _put(world: MemoryWorld, job_id: str, held_in: str = "") -> str:
    job = Job(
        job_id=job_id,
        state=State.READY,
        type="tidegate.noop",
        pool="lambda",
        priority=100,
        created_at_ms=NOW_MS,
        ready_at_ms=NOW_MS,
        held_in=held_in,
        input=JobInput({}),
    )
    world.put_new(job)
    return job_id


def test_a_cursor_of_420_lanes_is_refused_and_costs_no_query(services: Services, world: MemoryWorld) -> None:
    forged = _cursor(*(["lambda", f"share:s{number}", 0] for number in range(420)))
    with pytest.raises(InvalidRequest) as refused:
        list_jobs(services, State.READY, pool=None, cursor=forged, limit=1)
    assert [violation.field for violation in refused.value.violations] == ["cursor"]
    assert _queries(world) == 0


def test_the_most_that_a_forged_cursor_costs_is_a_round(services: Services, world: MemoryWorld) -> None:
    most = _cursor(*(["lambda", f"share:s{number}", 0] for number in range(STREAMS_PER_ROUND)))
    page = list_jobs(services, State.READY, pool=None, cursor=most, limit=200)
    assert (page.jobs, page.cursor) == ((), None)
    assert _queries(world) == STREAMS_PER_ROUND


def test_lanes_are_refused_where_a_group_has_none(services: Services, world: MemoryWorld) -> None:
    forged = _cursor(["lambda", "share:a", 0], group="FAILED")
    with pytest.raises(InvalidRequest):
        list_jobs(services, State.FAILED, pool=None, cursor=forged, limit=1)
    assert _queries(world) == 0


def test_a_cursor_that_unpacks_to_very_much_is_refused(services: Services) -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b"[" + b" " * 10_000_000 + b"]")).decode()
    with pytest.raises(InvalidRequest):
        list_jobs(services, State.READY, pool=None, cursor=bomb, limit=1)


def _pages(services: Services, world: MemoryWorld, limit: int) -> Iterator[tuple[list[str], int, int]]:
    """The ids of each page, how many queries it took, and how long the cursor to the next is."""
    cursor = None
    for _ in range(2_000):
        before = _queries(world)
        page = list_jobs(services, State.READY, pool=None, cursor=cursor, limit=limit)
        cursor = page.cursor
        yield [job.job_id for job in page.jobs], _queries(world) - before, len(cursor or "")
        if cursor is None:
            return
    pytest.fail("the listing goes on for ever")


@pytest.mark.parametrize("name", ["k", "é" * 100], ids=["short", "long"])
@pytest.mark.parametrize("limit", [7, 200])
def test_lanes_that_callers_make_neither_hide_a_job_nor_cost_a_page_more(
    services: Services, world: MemoryWorld, name: str, limit: int
) -> None:
    made = _with_lanes(services, world, name)
    pages = list(_pages(services, world, limit))
    found = [job_id for ids, _, _ in pages for job_id in ids]
    assert len(found) == len(made)
    assert set(found) == made
    assert max(queries for _, queries, _ in pages) <= max(STREAMS_PER_ROUND, MAINS)
    assert max(length for _, _, length in pages) <= URL_CHARACTERS
