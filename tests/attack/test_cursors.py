"""A caller invents the cursor of a listing: no page costs more than the bound, whatever the cursor holds."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tests.harness.usecases.listing import list_jobs
from tidegate.bootstrap import Services
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.job import Job, JobInput
from tidegate.domain.job_query import JobQuery, Order
from tidegate.domain.states import State
from tidegate.usecases.read import cursors
from tidegate.usecases.read.find_jobs import At, find_jobs, listing_of
from tidegate.usecases.read.ready_listing import STREAMS_PER_PAGE

SHARDS = 2
LANES = 1_300
MAINS = SHARDS * len(SETTINGS.pools)
URL_CHARACTERS = 9_000  # of the 10,240 bytes that the gateway takes for the request's line and headers


def _cursor(services: Services, state: State, *place: object) -> str:
    """Returns a cursor of the listing of all jobs in a state that continues at an invented place."""
    genuine = cursors.read_packed(listing_of(services, JobQuery(states=(state,))).cursor_of(At()))
    packed = zlib.compress(json.dumps([*genuine[:2], place, genuine[3]]).encode())
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
    """Creates a job in each of many lanes, and some in the main one. Returns the ids of all."""
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


FORGED: dict[str, tuple[State, tuple[object, ...]]] = {
    "a place of streams": (State.READY, (SHARDS, ["lambda"])),
    "a place of ranks": (State.FAILED, (None, None)),
    "streams where there are none": (
        State.READY,
        (None, None, *(["lambda", f"share:s{number}", 0] for number in range(420))),
    ),
    "a lane of no pool": (State.READY, (["nowhere", "key:1:k"], None)),
    "half a character": (State.READY, (["lambda", "\ud800"], None)),
    "a very long lane": (State.READY, (["lambda", "k" * 257], None)),
    "no number": (State.READY, (None, None, "1e9", "S.0")),
    "too large a number": (State.READY, (None, None, "9" * 39, "S.0")),
    "no id": (State.READY, (None, None, "1", "")),
    "lanes where a group has none": (State.FAILED, (SHARDS, ["lambda"], ["lambda", "share:a", 0])),
    "a shard that there is not": (State.FAILED, (SHARDS, ["lambda"], ["lambda", SHARDS, 0])),
    "a group that there is not": (State.FAILED, (SHARDS, ["lambda"], ["lambda", 0, 1])),
    "a stream twice": (State.FAILED, (SHARDS, ["lambda"], ["lambda", 0, 0], ["lambda", 0, 0])),
    "shards that are no number": (State.FAILED, (True, ["lambda"])),
    "pools that are none": (State.FAILED, (SHARDS, [["lambda"]])),
    "no list": (State.FAILED, ()),
    "an object as a lane": (State.READY, ({"a": 1}, None)),
    "a text as a lane": (State.READY, ("abc", None)),
    "a lane without a name": (State.READY, (["lambda", None], None)),
    "an end in no pool": (State.READY, (None, ["moon", ""])),
    "a number that is no text": (State.READY, (None, None, 5, "S.0")),
    "a number with a mark in it": (State.READY, (None, None, "1_0", "S.0")),
    "a number in other digits": (State.READY, (None, None, "\u0663", "S.0")),
    "an id that is no text": (State.READY, (None, None, "1", 7)),
    "a very long id": (State.READY, (None, None, "1", "J" * 3_000)),
    "an id of half a character": (State.READY, (None, None, "1", "\ud800")),
    "too many parts": (State.READY, (None, None, "1", "S.0", "x")),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_cursor_is_refused_and_costs_no_query(
    services: Services, world: MemoryWorld, forged: str
) -> None:
    state, plain = FORGED[forged]
    with pytest.raises(InvalidRequest) as refused:
        list_jobs(services, state, pool=None, cursor=_cursor(services, state, *plain), limit=1)
    assert [violation.field for violation in refused.value.violations] == ["cursor"]
    # The names of earlier pools at most; one time is the forger's own.
    assert dict(world.requests) in ({}, {"load_cursor": 1}, {"load_cursor": 2})


def test_the_most_that_a_forged_cursor_costs_is_a_page(services: Services, world: MemoryWorld) -> None:
    """A round that ends at the last of very many lanes reads two streams at most."""
    for number in range(3 * STREAMS_PER_PAGE):
        services.lanes.note("lambda", f"key:1:k{number:05}", now_ms=NOW_MS)
    before = _queries(world)
    all_of_them = _cursor(services, State.READY, None, ["lambda", "key:1:k00000"])
    page = list_jobs(services, State.READY, pool=None, cursor=all_of_them, limit=200)
    assert page.jobs == ()
    assert _queries(world) - before <= 2 * STREAMS_PER_PAGE


def test_a_cursor_that_unpacks_to_very_much_is_refused(services: Services) -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b"[" + b" " * 10_000_000 + b"]")).decode()
    with pytest.raises(InvalidRequest):
        list_jobs(services, State.READY, pool=None, cursor=bomb, limit=1)


def _pages(services: Services, world: MemoryWorld, limit: int) -> Iterator[tuple[list[str], int, int]]:
    """Returns the ids of each page, the number of queries for it, and the length of the cursor to the next page."""
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
@pytest.mark.parametrize("limit", [60, 200])
def test_lanes_that_callers_make_neither_hide_a_job_nor_cost_a_page_more(
    services: Services, world: MemoryWorld, name: str, limit: int
) -> None:
    made = _with_lanes(services, world, name)
    pages = list(_pages(services, world, limit))
    found = [job_id for ids, _, _ in pages for job_id in ids]
    assert len(found) == len(made)
    assert set(found) == made
    assert max(queries for _, queries, _ in pages) <= max(STREAMS_PER_PAGE, MAINS)
    assert max(length for _, _, length in pages) <= URL_CHARACTERS


def test_a_forged_window_is_refused(services: Services) -> None:
    query = JobQuery(states=(State.FAILED,), order=Order.PRIORITY)
    listing = listing_of(services, query)
    for window in ([None, 1, "2", "id"], [None, 1, 2], [5, 1, 2, "id"], [[SHARDS], 1, 2, "id"], "window"):
        genuine = cursors.read_packed(listing.cursor_of(At(0)))
        with pytest.raises(InvalidRequest):
            find_jobs(
                services,
                query,
                cursor=cursors.packed([*genuine[:3], window]),
                limit=1,
                now_ms=NOW_MS,
            )


@pytest.mark.parametrize("section", [-1, 1, True, "0", None])
def test_a_section_that_there_is_not_is_refused(services: Services, section: object) -> None:
    query = JobQuery(states=(State.FAILED,))
    digest, *_ = cursors.read_packed(listing_of(services, query).cursor_of(At()))
    with pytest.raises(InvalidRequest):
        find_jobs(
            services, query, cursor=cursors.packed([digest, section, None, None]), limit=1, now_ms=NOW_MS
        )
