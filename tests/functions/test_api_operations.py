"""Pools, job types, and the rules that operators set, over the API."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.harness.functions.api_calls import NOW, NOW_MS, Api
from tidegate.domain.rules import TypeRule
from tidegate.domain.states import Group
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.jobs.context import JobContext
from tidegate.jobs.registry import Parameters, Registry
from tidegate.usecases.read import status

ANN = {"by": "ann@example.com", "at": NOW}
TYPE = "tidegate.noop"


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_pool_is_shown_with_what_it_offers_and_has_to_do(api: Api) -> None:
    for _ in range(3):
        api.submit()
    api.run(api.submit())
    answer = api.call("GET", "/v1/pools/lambda")
    assert answer.status == 200
    assert answer.body == {
        "name": "lambda",
        "deployed": True,
        "kind": "function",
        "capabilities": [],
        "tags": {"compute": "lambda"},
        "max_timeout_seconds": 840,
        "window": 2.0,
        "capacity": 2,
        "workers": 0,
        "ready": {"count": 3, "more": False},
        "held": {"count": 0, "more": False},
        "active": {"count": 1, "more": False},
        "limited": {},
        "fault": "",
        "paused": False,
        "changes": {"paused": None},
    }


def test_the_capacity_of_a_process_pool_is_that_of_its_live_workers(api: Api) -> None:
    for number, beat_ms in enumerate((NOW_MS, NOW_MS - 1_000, NOW_MS - 3_600_000)):
        worker = begin(WorkerSpec("ecs", f"w{number}", "host", 4), f"session-{number}", beat_ms)
        api.services.workers.register_if_free(worker, silent_since_ms=0)
    pool = api.call("GET", "/v1/pools/ecs").body
    assert (pool["kind"], pool["workers"], pool["capacity"]) == ("process", 2, 8)
    assert pool["capabilities"] == ["gpu"]


def test_a_pool_says_what_its_workers_lack_and_why_one_can_begin_nothing(api: Api) -> None:
    one, two, three = (begin(WorkerSpec("ecs", f"w{n}", "host", 4), f"s-{n}", NOW_MS) for n in range(3))
    for worker in (
        one,
        replace(two, lacking=("tidegate.noop", "tidegate.sleep")),
        replace(three, fault="process-not-started: no memory", lacking=("tidegate.noop",)),
    ):
        api.services.workers.register_if_free(worker, silent_since_ms=0)
    pool = api.call("GET", "/v1/pools/ecs").body
    assert (pool["capacity"], pool["workers"]) == (8, 3)
    assert pool["limited"] == {"tidegate.noop": 4, "tidegate.sleep": 4}
    assert pool["fault"] == "process-not-started: no memory"
    shown = api.call("GET", "/v1/workers/ecs/w2").body
    assert (shown["lacking"], shown["fault"]) == (["tidegate.noop"], "process-not-started: no memory")


def test_counts_are_bounded_and_say_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "MAX_COUNTED_JOBS", 2)
    for wanted in ((1, False), (2, False), (2, True)):
        api.submit()
        ready = api.call("GET", "/v1/pools/lambda").body["ready"]
        assert (ready["count"], ready["more"]) == wanted


def test_pools_and_types_are_listed_by_name(api: Api) -> None:
    pools = api.call("GET", "/v1/pools").body["pools"]
    assert [pool["name"] for pool in pools] == ["ecs", "lambda"]
    assert pools[1] == api.call("GET", "/v1/pools/lambda").body
    types = api.call("GET", "/v1/types").body["types"]
    assert [each["type"] for each in types] == list(api.services.registry.types())
    (noop,) = [each for each in types if each["type"] == TYPE]
    whole = api.call("GET", f"/v1/types/{TYPE}").body
    assert noop == {name: value for name, value in whole.items() if name != "parameters_schema"}
    assert noop == {
        "type": TYPE,
        "description": "Does nothing and succeeds.",
        "deployed": True,
        "source": "deployed",
        "announced": None,
        "second_attempt": False,
        "paused": False,
        "max_running": None,
        "changes": {"paused": None, "max_running": None},
    }


def test_a_pool_is_paused_and_resumed_under_the_callers_name(api: Api) -> None:
    paused = api.call("POST", "/v1/pools/ecs/pause")
    assert paused.status == 200
    assert (paused.body["paused"], paused.body["changes"]) == (True, {"paused": ANN})
    assert api.call("GET", "/v1/pools/ecs").body == paused.body
    assert not api.call("GET", "/v1/pools/lambda").body["paused"]
    assert api.call("POST", "/v1/pools/ecs/pause").body == paused.body
    resumed = api.call("POST", "/v1/pools/ecs/resume").body
    assert (resumed["paused"], resumed["changes"]) == (False, {"paused": ANN})
    assert api.call("POST", "/v1/pools/ecs/resume").body == resumed
    assert api.services.rules.load().paused_pools == frozenset()


def test_a_type_is_paused_resumed_and_limited(api: Api) -> None:
    paused = api.call("POST", f"/v1/types/{TYPE}/pause").body
    assert (paused["type"], paused["paused"], paused["changes"]["paused"]) == (TYPE, True, ANN)
    limited = api.call("PUT", f"/v1/types/{TYPE}/limit", {"max_running": 3}).body
    assert limited == {**paused, "max_running": 3, "changes": {"paused": ANN, "max_running": ANN}}
    assert api.call("GET", f"/v1/types/{TYPE}").body == limited
    assert api.services.rules.load().types == {TYPE: TypeRule(True, 3)}
    assert api.call("POST", f"/v1/types/{TYPE}/resume").body == {**limited, "paused": False}
    assert api.call("PUT", f"/v1/types/{TYPE}/limit", {"max_running": None}).body["max_running"] is None
    assert api.services.rules.load().types == {}


def test_a_type_says_whether_a_straggler_of_it_may_get_a_second_attempt(api: Api) -> None:
    registry = Registry()

    @registry.job("twice", second_attempt=True)
    def _run(parameters: Parameters, context: JobContext) -> None: ...

    services = replace(api.services, registry=registry)
    api.deps = replace(api.deps, services=services)
    listed = api.call("GET", "/v1/types").body["types"]
    assert [(each["type"], each["second_attempt"]) for each in listed] == [("twice", True)]
    assert api.call("GET", "/v1/types/twice").body["second_attempt"] is True


@pytest.mark.parametrize(
    ("method", "path", "field", "known"),
    [
        ("GET", "/v1/pools/{}", "pool", "ecs, lambda"),
        ("POST", "/v1/pools/{}/pause", "pool", "ecs, lambda"),
        ("POST", "/v1/pools/{}/resume", "pool", "ecs, lambda"),
        ("GET", "/v1/types/{}", "type", TYPE),
        ("POST", "/v1/types/{}/pause", "type", TYPE),
        ("POST", "/v1/types/{}/resume", "type", TYPE),
        ("PUT", "/v1/types/{}/limit", "type", TYPE),
    ],
)
@pytest.mark.parametrize("name", ["nobody.knows.it", "x" * 3_000])
def test_an_unknown_name_is_404_with_the_known_ones(
    api: Api, method: str, path: str, field: str, known: str, name: str
) -> None:
    answer = api.call(method, path.format(name), {"max_running": 1} if method == "PUT" else None)
    assert answer.status == 404
    assert answer.body["type"] == "urn:tidegate:problem:not-found"
    assert f"unknown {field} '{name[:64]}'; {field}s are " in answer.message(field)
    assert known in answer.message(field)
    # A name that may be a removed pool's is looked up, with a bounded number of requests. Only the trail is written.
    asked = api.world.requests
    assert asked.keys() <= {
        "count", "load_rules", "load_cursor", "list_lanes", "page_workers", "ask_audit", "conclude_audit"
    }  # fmt: skip
    assert asked["count"] <= (len(Group) + 1) * api.services.index.shards


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"max_running": 0}, "must be at least 1"),
        ({"max_running": 101}, "must be at most 100"),
        ({"max_running": "3"}, "must be a whole number"),
        ({"max_running": 2.5}, "must be a whole number"),
        ({"max_running": True}, "must be a whole number"),
        ({}, "is required"),
    ],
)
def test_a_limit_that_is_none_is_refused_and_nothing_is_written(
    api: Api, body: dict[str, Any], message: str
) -> None:
    answer = api.call("PUT", f"/v1/types/{TYPE}/limit", body)
    assert answer.status == 422
    assert answer.message("max_running") == message
    assert not api.world.rules


@pytest.mark.parametrize(
    ("body", "status_code"),
    [(None, 400), ("{", 400), ("[]", 422), (json.dumps({"max_running": 3, "max_runing": 2}), 422)],
)
def test_a_body_that_is_no_limit_is_refused(api: Api, body: str | None, status_code: int) -> None:
    assert api.call("PUT", f"/v1/types/{TYPE}/limit", body).status == status_code
    assert not api.world.rules


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/pools", "GET"),
        ("DELETE", "/v1/pools/ecs", "GET"),
        ("GET", "/v1/pools/ecs/pause", "POST"),
        ("PUT", "/v1/pools/ecs/resume", "POST"),
        ("POST", "/v1/types", "GET"),
        ("PUT", f"/v1/types/{TYPE}", "GET"),
        ("GET", f"/v1/types/{TYPE}/pause", "POST"),
        ("GET", f"/v1/types/{TYPE}/resume", "POST"),
        ("POST", f"/v1/types/{TYPE}/limit", "PUT"),
    ],
)
def test_other_methods_are_405(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api.call(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


def test_a_rule_of_what_is_not_deployed_any_more_is_seen_and_taken_off(api: Api) -> None:
    rules = api.services.rules
    rules.set_pool_paused("old", True, actor="ann", now_ms=NOW_MS)
    rules.set_type_limit("old.type", 1, actor="ann", now_ms=NOW_MS)
    pool = api.call("GET", "/v1/pools/old").body
    assert (pool["deployed"], pool["kind"], pool["paused"], pool["capacity"]) == (False, None, True, 0)
    assert "old" in [each["name"] for each in api.call("GET", "/v1/pools").body["pools"]]
    assert api.call("POST", "/v1/pools/old/pause").status == 404
    assert api.call("POST", "/v1/pools/old/resume").body["paused"] is False
    found = api.call("GET", "/v1/types/old.type").body
    assert (found["deployed"], found["second_attempt"], found["max_running"]) == (False, None, 1)
    assert api.call("PUT", "/v1/types/old.type/limit", {"max_running": 2}).status == 404
    assert api.call("PUT", "/v1/types/old.type/limit", {"max_running": None}).body["max_running"] is None
    assert "old.type" not in [each["type"] for each in api.call("GET", "/v1/types").body["types"]]
