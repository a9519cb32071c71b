"""Jobs of targets are submitted like any others, to pools of worker processes alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dev.simulator.memory.seeded import function_pool
from tests.harness.functions.api_calls import Api
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.adapters.executors.json_schema import compile_schema
from tidegate.adapters.system import SystemStopwatch
from tidegate.domain.pools import Pool, PoolKind
from tidegate.jobs.registry import Registry
from tidegate.jobs.targets.file import register_targets
from tidegate.jobs.targets.support import TargetSupport
from tidegate.ports import Assignment, OutcomeKind, Signal

FILE = """
version: 1
targets:
  reports.render:
    command: ["true"]
    description: Renders a report.
    parameters:
      additionalProperties: false
      required: [report]
      properties: {report: {type: string, pattern: "^[a-z]+$"}, pages: {type: integer, minimum: 1}}
"""
FITTING = {"report": "year"}


def process_pool(name: str, *capabilities: str) -> Pool:
    return Pool(
        name,
        f"memory:{name}",
        PoolKind.PROCESS,
        max_timeout_seconds=3_600,
        capabilities=frozenset(capabilities),
    )


FUNCTION = replace(function_pool("lambda", 4), capabilities=frozenset({"gpu"}))


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    (tmp_path / "targets.yaml").write_text(FILE)
    registry = Registry()
    assert not list(register_targets(tmp_path, registry, TargetSupport(compile_schema)))
    return registry


def _api(registry: Registry, *pools: Pool) -> Api:
    api = Api()
    settings = replace(
        api.services.settings, pools={pool.name: pool for pool in pools}, default_pool=pools[0].name
    )
    api.services = replace(api.services, registry=registry, settings=settings)
    api.deps = replace(api.deps, services=api.services, describe=registry.described)
    return api


def _pool_of(api: Api, body: Mapping[str, object]) -> str:
    """Submits a job; returns the pool that it is in."""
    answer = api.call("POST", "/v1/jobs", body)
    assert answer.status == 201
    job = api.world.jobs[answer.body["job_id"]]
    assert not job.pool_open, "nobody may choose another pool later"
    return job.pool


def test_a_target_goes_to_a_pool_of_worker_processes_though_the_default_is_a_function(
    registry: Registry,
) -> None:
    api = _api(registry, FUNCTION, process_pool("ecs"), process_pool("zoo"))
    body: dict[str, object] = {"type": "reports.render", "parameters": FITTING}
    assert _pool_of(api, body) == "ecs"
    assert _pool_of(api, {**body, "pool": "zoo"}) == "zoo"


def test_the_default_is_kept_where_it_is_a_pool_of_worker_processes(registry: Registry) -> None:
    api = _api(registry, process_pool("zoo"), process_pool("ecs"))
    assert _pool_of(api, {"type": "reports.render", "parameters": FITTING}) == "zoo"


def test_what_a_target_requires_never_leads_it_to_a_function(registry: Registry) -> None:
    """The dispatcher chooses among several pools when a job becomes READY, and it has no job code to ask."""
    body = {"type": "reports.render", "parameters": FITTING, "requires": ["gpu"]}
    api = _api(registry, FUNCTION, process_pool("ecs", "gpu"), process_pool("zoo", "gpu"))
    assert _pool_of(api, body) == "ecs"
    refused = _api(registry, FUNCTION, process_pool("ecs")).call("POST", "/v1/jobs", body)
    assert (refused.status, refused.fields) == (422, ["requires"])


@pytest.mark.parametrize("workflow", [False, True])
def test_a_pool_of_a_function_is_refused_by_name_and_nothing_is_written(
    registry: Registry, workflow: bool
) -> None:
    api = _api(registry, FUNCTION, process_pool("ecs"))
    job = {"type": "reports.render", "parameters": FITTING, "pool": "lambda"}
    answer = (
        api.call("POST", "/v1/workflows", {"jobs": [{"key": "a", **job}]})
        if workflow
        else api.call("POST", "/v1/jobs", job)
    )
    field = "jobs[0].pool" if workflow else "pool"
    assert (answer.status, answer.fields) == (422, [field])
    said = answer.message(field)
    assert "pool 'lambda' is served by a function, whose code can't run a target" in said
    assert said.endswith("pool of worker processes: ecs")
    assert not api.world.jobs


def test_a_deployment_without_worker_processes_says_so(registry: Registry) -> None:
    answer = _api(registry, FUNCTION).call(
        "POST", "/v1/jobs", {"type": "reports.render", "parameters": FITTING}
    )
    assert (answer.status, answer.fields) == (422, ["type"])
    assert "this deployment has none" in answer.message("type")


def test_a_waiting_job_of_a_target_can_not_be_given_to_a_function(registry: Registry) -> None:
    api = _api(registry, FUNCTION, process_pool("ecs"), process_pool("zoo"))
    job_id = api.call("POST", "/v1/jobs", {"type": "reports.render", "parameters": FITTING}).body["job_id"]
    refused = api.call("PATCH", f"/v1/jobs/{job_id}", {"pool": "lambda"})
    assert (refused.status, refused.fields) == (422, ["pool"])
    assert api.call("PATCH", f"/v1/jobs/{job_id}", {"pool": "zoo"}).status == 200


def test_parameters_are_checked_by_the_schema_before_anything_is_written(registry: Registry) -> None:
    api = _api(registry, process_pool("ecs"))
    answer = api.call(
        "POST",
        "/v1/jobs",
        {"type": "reports.render", "parameters": {"report": "Year 1", "pages": 0, "page": 1}},
    )
    assert answer.status == 422
    assert sorted(answer.fields) == ["parameters.page", "parameters.pages", "parameters.report"]
    assert "did you mean 'pages'?" in answer.message("parameters.page")
    assert not api.world.jobs


def test_a_target_is_described_with_its_schema(registry: Registry) -> None:
    found = _api(registry, process_pool("ecs")).call("GET", "/v1/types/reports.render").body
    assert found["description"] == "Renders a report."
    assert found["parameters_schema"]["required"] == ["report"]


def test_the_worker_function_fails_a_target_for_good_and_runs_nothing(registry: Registry) -> None:
    """A job may have been submitted before its type became a target."""
    executor = InlineExecutor(registry, SystemStopwatch(), heartbeat_seconds=15)
    job = Assignment("01JD.7", 1, "reports.render", FITTING, timeout_ms=60_000)
    outcome = executor.execute(job, lambda _progress: Signal.GO_ON)
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "needs-process", False)
