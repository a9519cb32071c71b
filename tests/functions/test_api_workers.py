"""The routes of worker processes."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from tests.harness.functions.api_calls import NOW, NOW_MS, SETTINGS, UNKNOWN_ID, Api
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.workers import Totals, Worker, WorkerSpec, WorkerState, begin
from tidegate.usecases.pools.capacity import pool_capacity

SESSION = "01KBC7RV8M5B6W2Y3Q7RVXN4C1"


@pytest.fixture
def api() -> Api:
    return Api()


def put(api: Api, worker_id: str, state: WorkerState = WorkerState.ACTIVE, *, pool: str = "ecs") -> Worker:
    spec = WorkerSpec(
        pool, worker_id, "host-a", 4, name="nightly", capabilities=frozenset({"gpu"}), tags={"team": "data"}
    )
    worker = replace(begin(spec, SESSION, NOW_MS), state=state, running=1, totals=Totals(9, 5, 2, 1))
    api.world.workers[(pool, worker_id)] = worker
    return worker


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_worker_reads_back_in_the_words_of_the_api(api: Api) -> None:
    put(api, "w-1")
    answer = api.call("GET", "/v1/workers/ecs/w-1")
    assert answer.status == 200
    assert answer.body == {
        "worker_id": "w-1",
        "pool": "ecs",
        "session_id": SESSION,
        "name": "nightly",
        "host": "host-a",
        "state": "ACTIVE",
        "live": True,
        "slots": 4,
        "running": 1,
        "claimed": 9,
        "succeeded": 5,
        "failed": 2,
        "handed_back": 1,
        "all_sessions": {
            "since": NOW,
            "sessions": 1,
            "claimed": 9,
            "succeeded": 5,
            "failed": 2,
            "handed_back": 1,
            "lost": 0,
        },
        "response_seconds": None,
        "lacking": [],
        "fault": None,
        "capabilities": ["gpu"],
        "tags": {"team": "data"},
        "started_at": NOW,
        "heartbeat_at": NOW,
        "heartbeat_age_seconds": 0.0,
        "drain_requested_at": None,
        "drain_requested_by": None,
        "clock_off_seconds": 0.0,
    }


def test_a_worker_tells_its_response_time_the_age_of_its_heartbeat_and_all_its_sessions(api: Api) -> None:
    ended = put(api, "w-1", WorkerState.LOST)
    again = replace(
        begin(ended.spec, UNKNOWN_ID, NOW_MS - 2_500, standing=ended),
        totals=Totals(4, 3, 0, 0),
        response_ms=12,
    )
    api.world.workers[("ecs", "w-1")] = again
    body = api.call("GET", "/v1/workers/ecs/w-1").body
    assert (body["response_seconds"], body["heartbeat_age_seconds"]) == (0.012, 2.5)
    assert body["all_sessions"] == {
        "since": NOW,
        "sessions": 2,
        "claimed": 13,
        "succeeded": 8,
        "failed": 2,
        "handed_back": 1,
        "lost": 1,
    }


def test_counts_are_listed_by_worker(api: Api) -> None:
    for number in range(3):
        put(api, f"w-{number}")
    listed = api.call("GET", "/v1/workers", query={"pool": "ecs"}).body["workers"]
    counted = [(each["worker_id"], each["running"], each["succeeded"], each["failed"]) for each in listed]
    assert counted == [(f"w-{number}", 1, 5, 2) for number in range(3)]


def test_a_worker_that_fell_silent_is_not_live_whatever_its_state(api: Api) -> None:
    worker = put(api, "w-1")
    silence_ms = SETTINGS.worker_silence_seconds * 1_000
    api.world.workers[("ecs", "w-1")] = replace(worker, heartbeat_at_ms=NOW_MS - silence_ms - 1)
    body = api.call("GET", "/v1/workers/ecs/w-1").body
    assert (body["state"], body["live"]) == ("ACTIVE", False)


def test_workers_are_listed_by_pool_and_id_page_after_page(api: Api) -> None:
    pools = {**SETTINGS.pools, "hosts": Pool("hosts", "", PoolKind.PROCESS, 60)}
    services = replace(api.services, settings=replace(SETTINGS, pools=pools))
    api.deps = replace(api.deps, services=services)
    for number in range(3):
        put(api, f"w-{number}", pool="hosts")
        put(api, f"w-{number}")
    found, query = [], {"limit": "2"}
    for _ in range(6):
        body = api.call("GET", "/v1/workers", query=query).body
        assert len(body["workers"]) <= 2
        found += [(worker["pool"], worker["worker_id"]) for worker in body["workers"]]
        if body["cursor"] is None:
            break
        query["cursor"] = body["cursor"]
    assert found == [(pool, f"w-{number}") for pool in ("ecs", "hosts") for number in range(3)]


def test_a_listing_is_of_one_pool_and_one_state_where_asked(api: Api) -> None:
    for state in WorkerState:
        put(api, state.lower(), state)
    everything = api.call("GET", "/v1/workers").body["workers"]
    assert [worker["state"] for worker in everything] == sorted(WorkerState)
    lost = api.call("GET", "/v1/workers", query={"state": "LOST", "pool": "ecs"}).body
    assert [worker["worker_id"] for worker in lost["workers"]] == ["lost"]
    assert api.call("GET", "/v1/workers", query={"pool": "lambda"}).body == {"workers": [], "cursor": None}


def test_the_few_that_are_wanted_are_found_among_many_in_few_reads(api: Api) -> None:
    wanted = ["w-0150", "w-0450", "w-0451"]
    for number in range(500):
        name = f"w-{number:04d}"
        put(api, name, WorkerState.ACTIVE if name in wanted else WorkerState.INACTIVE)
    query = {"state": "ACTIVE", "limit": "2"}
    first = api.call("GET", "/v1/workers", query=query).body
    rest = api.call("GET", "/v1/workers", query={**query, "cursor": first["cursor"]}).body
    assert [[worker["worker_id"] for worker in page["workers"]] for page in (first, rest)] == [
        wanted[:2],
        wanted[2:],
    ]
    assert rest["cursor"] is None
    assert api.world.requests["page_workers"] == 4


def test_a_listing_reads_a_bounded_number_and_says_where_to_go_on(api: Api) -> None:
    for number in range(2_001):
        put(api, f"w-{number:04d}", WorkerState.ACTIVE if number == 2_000 else WorkerState.LOST)
    first = api.call("GET", "/v1/workers", query={"state": "ACTIVE"}).body
    assert first["workers"] == []
    rest = api.call("GET", "/v1/workers", query={"state": "ACTIVE", "cursor": first["cursor"]}).body
    assert [worker["worker_id"] for worker in rest["workers"]] == ["w-2000"]
    assert rest["cursor"] is None


@pytest.mark.parametrize("state", ["", "active", "RUNNING"])
def test_a_state_that_is_none_is_422_and_all_are_named(api: Api, state: str) -> None:
    answer = api.call("GET", "/v1/workers", query={"state": state})
    assert answer.status == 422
    assert all(each in answer.message("state") for each in WorkerState)


def test_a_pool_that_is_none_is_422(api: Api) -> None:
    answer = api.call("GET", "/v1/workers", query={"pool": "moon"})
    assert (answer.status, answer.message("pool")) == (422, "unknown pool 'moon'; pools are ecs, lambda")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten"])
def test_a_page_size_out_of_bounds_is_422(api: Api, limit: str) -> None:
    assert api.call("GET", "/v1/workers", query={"limit": limit}).fields == ["limit"]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "ü",
        encoded(5),
        encoded([]),
        encoded(["ecs"]),
        encoded(["moon", None]),
        encoded(["lambda", None]),
        encoded(["ecs", 5]),
        encoded(["ecs", "a b"]),
        encoded([["ecs"], None]),
        encoded(["ecs", "x" * 129]),
    ],
)
def test_a_cursor_that_is_none_is_422(api: Api, cursor: str) -> None:
    answer = api.call("GET", "/v1/workers", query={"cursor": cursor})
    assert (answer.status, answer.fields) == (422, ["cursor"])


@pytest.mark.parametrize("path", ["/v1/workers/ecs/{}", "/v1/workers/{}/w-1", "/v1/workers/ecs/{}/drain"])
@pytest.mark.parametrize("unknown", ["w-9", "a b", "x" * 3_000])
def test_a_worker_that_is_none_is_404(api: Api, path: str, unknown: str) -> None:
    put(api, "w-1")
    answer = api.call("POST" if path.endswith("drain") else "GET", path.format(unknown))
    assert (answer.status, answer.body["type"]) == (404, "urn:tidegate:problem:not-found")
    assert len(answer.body["detail"]) < 200


def test_a_drain_takes_the_slots_away_at_once_and_twice_is_as_good_as_once(api: Api) -> None:
    put(api, "w-1")
    pool = SETTINGS.pools["ecs"]
    assert pool_capacity(api.services, pool, NOW_MS) == 4
    first = api.call("POST", "/v1/workers/ecs/w-1/drain")
    assert (first.status, first.body["state"], first.body["drain_requested_at"]) == (202, "DRAINING", NOW)
    assert first.body["drain_requested_by"] == "ann@example.com"
    assert pool_capacity(api.services, pool, NOW_MS) == 0
    second = api.call("POST", "/v1/workers/ecs/w-1/drain")
    assert (second.status, second.body) == (202, first.body)


@pytest.mark.parametrize("state", [WorkerState.INACTIVE, WorkerState.LOST])
def test_a_worker_that_is_gone_has_nothing_to_drain(api: Api, state: WorkerState) -> None:
    before = put(api, "w-1", state)
    answer = api.call("POST", "/v1/workers/ecs/w-1/drain")
    assert (answer.status, answer.body["type"]) == (409, "urn:tidegate:problem:worker-gone")
    assert f"worker w-1 is {state}" in answer.body["detail"]
    assert api.world.workers[("ecs", "w-1")] == before


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/workers", "GET"),
        ("DELETE", "/v1/workers/ecs/w-1", "GET"),
        ("GET", "/v1/workers/ecs/w-1/drain", "POST"),
    ],
)
def test_other_methods_are_405(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api.call(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("query", [{"limit": "200"}, {"limit": "200", "order": "seen"}])
def test_a_page_of_workers_with_long_texts_fits_an_answer(api: Api, query: dict[str, str]) -> None:
    tags = {f"{number:03}" + "\U0001f30a" * 125: "\U0001f30a" * 128 for number in range(20)}
    for number in range(200):
        worker = put(api, f"w-{number}")
        api.world.workers["ecs", f"w-{number}"] = replace(worker, spec=replace(worker.spec, tags=tags))
    answer = api.call("GET", "/v1/workers", query=query)
    assert answer.status == 200
    assert 0 < len(answer.body["workers"]) < 200
    assert answer.carried_bytes < 6_100_000
