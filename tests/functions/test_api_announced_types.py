"""Types that only worker processes have, over the API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.harness.determined import StandingClock
from tests.harness.functions.api_calls import NOW, NOW_MS, Api
from tests.harness.usecases.announcing import RENDER, RENDER_SCHEMA, announced_in, announcement_of
from tidegate.domain.announcements import FADES_AFTER_MS, DescribedType
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.jobs.registry import Registry


@pytest.fixture
def api() -> Api:
    made = Api()
    deployed = made.services.registry
    assert isinstance(deployed, Registry)
    announced = announced_in(made.services, deployed, made.deps.clock)
    made.services = replace(made.services, registry=deployed.beside(announced))
    made.deps = replace(made.deps, services=made.services, announced=announced.find)
    made.services.announcements.announce_if_later(announcement_of(RENDER, NOW_MS))
    return made


def test_an_announced_type_is_shown_with_its_source_and_its_schema(api: Api) -> None:
    answer = api.call("GET", "/v1/types/reports.render")
    assert answer.status == 200
    assert answer.body == {
        "type": "reports.render",
        "description": "Renders a report.",
        "deployed": True,
        "source": "announced",
        "announced": {
            "pool": "ecs",
            "worker_id": "worker-1",
            "at": NOW,
            "seen_at": NOW,
            "fades_at": "2026-12-15T08:00:00.000Z",
            "live_workers": 0,
        },
        "second_attempt": True,
        "paused": False,
        "max_running": None,
        "changes": {"paused": None, "max_running": None},
        "parameters_schema": dict(RENDER_SCHEMA),
    }


def join(api: Api, worker_id: str, **changes: Any) -> None:
    """Lets a worker join the pool of the announced type."""
    worker = begin(WorkerSpec("ecs", worker_id, "host", 2), worker_id, NOW_MS)
    api.services.workers.register_if_free(replace(worker, **changes), silent_since_ms=NOW_MS)


def test_live_workers_that_lack_the_type_are_not_counted(api: Api) -> None:
    join(api, "has")
    join(api, "has-too")
    join(api, "lacks", lacking=(RENDER.type,))
    join(api, "broken", fault="no job code")
    join(api, "silent", heartbeat_at_ms=NOW_MS - 3_600_000)
    listed = {each["type"]: each for each in api.call("GET", "/v1/types").body["types"]}
    assert listed[RENDER.type]["announced"]["live_workers"] == 2
    assert api.call("GET", f"/v1/types/{RENDER.type}").body["announced"]["live_workers"] == 2


def test_the_workers_of_a_pool_are_read_once_for_all_its_types(api: Api) -> None:
    join(api, "has")
    for number in range(20):
        one = announcement_of(DescribedType(f"type{number}"), NOW_MS, pool="gone" if number % 2 else "ecs")
        api.services.announcements.announce_if_later(one)
    listed: list[str] = []
    api.world.on_request = listed.append
    types = {each["type"]: each["announced"] for each in api.call("GET", "/v1/types").body["types"]}
    assert (types["type0"]["live_workers"], types["type1"]["live_workers"]) == (1, 0)
    assert listed.count("list_live_workers") == 1, listed


def test_why_says_when_a_type_without_workers_was_last_announced(api: Api) -> None:
    job_id = api.call("POST", "/v1/jobs", {"type": RENDER.type, "parameters": {"rows": 3}}).body["job_id"]
    (fact,) = api.call("GET", f"/v1/jobs/{job_id}/why").body["facts"]
    assert fact["code"] == "no-worker"
    assert fact["message"].endswith(
        f" Type {RENDER.type} was last announced less than a minute ago, at {NOW[:19]}Z; "
        "no worker has told of it since."
    )
    assert fact["evidence"]["announced_at"] == NOW


def test_why_of_a_deployed_type_reads_no_announcement(api: Api) -> None:
    job_id = api.submit(requires=["gpu"])
    before = api.world.requests["load_announced_types"]
    (fact,) = api.call("GET", f"/v1/jobs/{job_id}/why").body["facts"]
    assert (fact["code"], "announced_at" in fact["evidence"]) == ("no-worker", False)
    assert api.world.requests["load_announced_types"] == before


def test_all_types_are_listed_by_name_each_with_its_source(api: Api) -> None:
    types = {each["type"]: each for each in api.call("GET", "/v1/types").body["types"]}
    assert list(types) == sorted(types)
    assert types["reports.render"]["source"] == "announced"
    noop = types["tidegate.noop"]
    assert (noop["source"], noop["announced"], noop["deployed"]) == ("deployed", None, True)


def test_a_job_of_an_announced_type_is_accepted_and_goes_to_its_pool(api: Api) -> None:
    answer = api.call("POST", "/v1/jobs", {"type": "reports.render", "parameters": {"rows": 3}})
    assert answer.status == 201, answer.body
    assert api.world.jobs[answer.body["job_id"]].pool == "ecs"


def test_a_workflow_may_mix_announced_and_deployed_types(api: Api) -> None:
    jobs: list[dict[str, object]] = [
        {"key": "a", "type": "tidegate.noop"},
        {"key": "b", "type": "reports.render", "parameters": {"rows": 0}, "depends_on": [{"key": "a"}]},
    ]
    answer = api.call("POST", "/v1/workflows", {"name": "w", "jobs": jobs})
    assert answer.status == 422
    assert answer.message("jobs[1].parameters.rows") == "Input should be greater than or equal to 1"
    assert not api.world.jobs
    jobs[1]["parameters"] = {"rows": 1}
    assert api.call("POST", "/v1/workflows", {"name": "w", "jobs": jobs}).status == 201


def test_the_pool_of_a_workflow_is_refused_where_it_lacks_the_type(api: Api) -> None:
    jobs = [{"key": "b", "type": "reports.render", "parameters": {"rows": 1}}]
    answer = api.call("POST", "/v1/workflows", {"name": "w", "pool": "lambda", "jobs": jobs})
    assert "whose code lacks 'reports.render'" in answer.message("jobs[0].pool")


def test_rules_can_be_set_for_an_announced_type(api: Api) -> None:
    answer = api.call("PUT", "/v1/types/reports.render/limit", {"max_running": 2})
    assert (answer.status, answer.body["max_running"], answer.body["source"]) == (200, 2, "announced")
    assert api.call("POST", "/v1/types/reports.render/pause").body["paused"]


def test_a_rule_of_a_type_that_faded_stays(api: Api) -> None:
    api.call("POST", "/v1/types/reports.render/pause")
    later = replace(api.deps, clock=StandingClock(NOW_MS + FADES_AFTER_MS))
    deployed = Api().services.registry
    assert isinstance(deployed, Registry)
    announced = announced_in(api.services, deployed, later.clock)
    services = replace(api.services, registry=deployed.beside(announced))
    api.deps = replace(later, services=services, announced=announced.find)
    body = api.call("GET", "/v1/types/reports.render").body
    assert (body["deployed"], body["source"], body["announced"], body["paused"]) == (False, None, None, True)
    assert api.call("POST", "/v1/jobs", {"type": "reports.render", "parameters": {"rows": 1}}).status == 422


@pytest.mark.parametrize("schema", ["no JSON", '{"type":"nothing"}', '{"$ref":"#"}', '{"pattern":"(a+)+$"}'])
def test_a_hostile_description_takes_no_other_type_with_it(api: Api, schema: str) -> None:
    bad = DescribedType("bad.type", "", schema)
    api.services.announcements.announce_if_later(announcement_of(bad, NOW_MS))
    assert api.call("GET", "/v1/types").status == 200
    assert api.call("GET", "/v1/types/bad.type").status == 200
    answer = api.call("POST", "/v1/jobs", {"type": "bad.type", "parameters": {"a": "a" * 1_000}})
    assert answer.status in (201, 422)
    assert api.call("POST", "/v1/jobs", {"type": "reports.render", "parameters": {"rows": 1}}).status == 201


def test_what_a_caller_sends_is_never_an_announcement(api: Api) -> None:
    before = dict(api.world.announced)
    for body in (
        {"type": "mine.type"},
        {"type": "types#announced"},
        {"type": "reports.render", "announced": {}},
    ):
        assert api.call("POST", "/v1/jobs", body).status == 422
    assert api.call("PUT", "/v1/types/reports.render", {"description": "x"}).status in (404, 405)
    assert api.world.announced == before
