"""Pools, requirements and timeouts that the API refuses, with the field, the pool and a fix in the message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.functions.api_calls import Api

NOOP = {"type": "tidegate.noop"}
LACKS = "pool 'lambda' does not offer gpu; it offers nothing special"
TOGETHER = "no pool offers fpga, gpu together; ecs offers gpu; lambda offers nothing special"
TOO_LONG = (
    "is 841; pool 'lambda' can run a job for at most 840 seconds; pools that can run it for so long: ecs"
)


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.mark.parametrize(
    ("job", "field", "message"),
    [
        ({"pool": "lambda", "requires": ["gpu"]}, "requires", LACKS),
        ({"requires": ["gpu", "fpga"]}, "requires", TOGETHER),
        (
            {"pool": "ecs", "requires": ["fpga", "arm"]},
            "requires",
            "pool 'ecs' does not offer arm, fpga; it offers gpu",
        ),
        ({"pool": "moon"}, "pool", "unknown pool 'moon'; pools are ecs, lambda"),
        ({"timeout_seconds": 841}, "timeout_seconds", TOO_LONG),
        ({"pool": "lambda", "timeout_seconds": 841}, "timeout_seconds", TOO_LONG),
    ],
)
def test_a_job_that_no_pool_can_run_is_refused(
    api: Api, job: dict[str, Any], field: str, message: str
) -> None:
    before = api.contents()
    for path, body, prefix in (
        ("/v1/jobs", {**NOOP, **job}, ""),
        ("/v1/workflows", {"jobs": [{"key": "a", **NOOP}, {"key": "b", **NOOP, **job}]}, "jobs[1]."),
    ):
        answer = api.call("POST", path, body)
        assert answer.status == 422
        assert answer.fields == [prefix + field]
        assert answer.message(prefix + field) == message
    assert api.contents() == before


def test_the_pool_of_a_workflow_must_offer_what_its_jobs_require(api: Api) -> None:
    jobs = [
        {"key": "a", **NOOP, "requires": ["gpu"]},
        {"key": "b", **NOOP, "requires": ["gpu"], "pool": "ecs"},
    ]
    answer = api.call("POST", "/v1/workflows", {"pool": "lambda", "jobs": jobs})
    assert answer.status == 422
    assert (answer.fields, answer.message("jobs[0].requires")) == (["jobs[0].requires"], LACKS)
    assert not api.world.jobs


def test_no_other_pool_is_named_where_none_could_run_it(api: Api) -> None:
    answer = api.call("POST", "/v1/jobs", {**NOOP, "timeout_seconds": 43_201})
    assert answer.message("timeout_seconds") == "must be at most 43,200"


def test_what_is_required_brings_a_job_to_the_pool_that_offers_it(api: Api) -> None:
    assert api.job(api.submit(requires=["gpu"], timeout_seconds=841)).pool == "ecs"


def test_jobs_of_an_unknown_pool_are_not_listed(api: Api) -> None:
    answer = api.call("GET", "/v1/jobs", query={"state": "READY", "pool": "moon"})
    assert answer.status == 422
    assert answer.fields == ["pool"]
