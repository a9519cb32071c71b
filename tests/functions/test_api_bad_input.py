"""Requests that the API refuses: the status, the named field, and nothing written."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from typing import Any

import pytest

from tests.harness.functions.api_calls import UNKNOWN_ID, Api, read_event
from tidegate.domain import limits
from tidegate.domain.dependency import DependencyType

NOOP = {"type": "tidegate.noop"}
INVALID = "urn:tidegate:problem:invalid-request"


@pytest.fixture
def api() -> Api:
    return Api()


def edge(**fields: object) -> dict[str, object]:
    """Makes a job with one dependency."""
    return {**NOOP, "depends_on": [fields]}


def workflow(*jobs: dict[str, Any], **fields: object) -> dict[str, object]:
    """Makes a workflow. Jobs without a key get the keys a, b, c."""
    return {"jobs": [{"key": key, **NOOP, **job} for key, job in zip("abcdef", jobs, strict=False)], **fields}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/jobs", None),
        ("/v1/jobs", ""),
        ("/v1/jobs", "{"),
        ("/v1/jobs", '{"type": "tidegate.noop",}'),
        ("/v1/jobs", '{"type": "tidegate.noop", "parameters": {"x": NaN}}'),
        ("/v1/jobs", '{"type": "tidegate.noop", "parameters": {"x": "\\ud800"}}'),
        ("/v1/jobs", "\ud800"),
        ("/v1/jobs", '{"parameters": ' + "[" * 5_000 + "]" * 5_000 + "}"),
        ("/v1/jobs", '{"priority": ' + "9" * 10_000 + "}"),
        ("/v1/workflows", "jobs: []"),
    ],
)
def test_a_body_that_is_no_json_is_400(api: Api, path: str, body: str | None) -> None:
    before = api.contents()
    answer = api.call("POST", path, body)
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["type"] == "urn:tidegate:problem:malformed-body"
    assert answer.body["detail"]
    assert api.contents() == before


@pytest.mark.parametrize("body", ["%%%", base64.b64encode(b"\xff\xfe{").decode()])
def test_base64_that_holds_no_text_is_400(api: Api, body: str) -> None:
    answer = api.send({**read_event("api-submit-job"), "body": body, "isBase64Encoded": True})
    assert answer.status == 400
    assert not api.world.jobs


@pytest.mark.parametrize(
    ("path", "body", "field", "said"),
    [
        # no object at all
        ("jobs", [], "", "must be an object"),
        ("workflows", None, "", "must be an object"),
        ("workflows", {"jobs": {}}, "jobs", "must be a list"),
        ("workflows", {"jobs": []}, "jobs", "must not be empty"),
        ("workflows", {"name": "x"}, "jobs", "is required"),
        ("workflows", {"jobs": [1]}, "jobs[0]", "must be an object"),
        # fields of the wrong type or beyond their limit
        ("jobs", {}, "type", "is required"),
        ("jobs", {**NOOP, "name": "two\nlines"}, "name", "must not hold control characters"),
        ("jobs", {**NOOP, "priorty": 5}, "priorty", "not a known field"),
        ("jobs", {**NOOP, "priority": 0}, "priority", "at least 1"),
        ("jobs", {**NOOP, "priority": 1_001}, "priority", "at most 1,000"),
        ("jobs", {**NOOP, "priority": "5"}, "priority", "whole number"),
        ("jobs", {**NOOP, "priority": True}, "priority", "whole number"),
        ("jobs", {**NOOP, "name": "x" * 257}, "name", "at most 256 characters"),
        ("jobs", {**NOOP, "name": ""}, "name", "must not be empty"),
        ("jobs", {**NOOP, "parameters": [1]}, "parameters", "must be an object"),
        ("jobs", {**NOOP, "tags": {"a": 1}}, "tags.a", "must be a string"),
        ("jobs", {**NOOP, "tags": {"a" * 129: "b"}}, f"tags.{'a' * 64}", "name that must have at most 128"),
        ("jobs", {**NOOP, "tags": {f"t{i}": "x" for i in range(21)}}, "tags", "has 21 entries; at most 20"),
        ("jobs", {**NOOP, "requires": ["x"] * 11}, "requires", "has 11 entries; at most 10"),
        ("jobs", {**NOOP, "estimated_duration_seconds": "1"}, "estimated_duration_seconds", "must be a number"),
        ("jobs", {**NOOP, "timeout_seconds": 0}, "timeout_seconds", "at least 1"),
        ("jobs", {**NOOP, "timeout_seconds": 43_201}, "timeout_seconds", "at most 43,200"),
        ("jobs", {**NOOP, "timeout_seconds": 841}, "timeout_seconds", "at most 840 seconds"),
        ("jobs", {**NOOP, "max_retries": 26}, "max_retries", "at most 25"),
        ("jobs", {**NOOP, "retry": {"backoff_seconds": -1}}, "retry.backoff_seconds", "at least 0"),
        ("jobs", {**NOOP, "retry": None}, "retry", "must be an object"),
        ("workflows", workflow({}, priority=0), "priority", "at least 1"),
        ("workflows", workflow({}, critical_path_weight=-0.1), "critical_path_weight", "at least 0"),
        ("workflows", workflow({}, critical_path_weight=1_000.1), "critical_path_weight", "at most 1,000"),
        ("workflows", workflow({}, critical_path_weight="1"), "critical_path_weight", "must be a number"),
        ("workflows", workflow({"critical_path_weight": 1}), "jobs[0].critical_path_weight", "not a known field"),
        ("jobs", {**NOOP, "critical_path_weight": 1}, "critical_path_weight", "not a known field"),
        ("workflows", workflow({}, {}, {}, {"priority": 1_001}), "jobs[3].priority", "at most 1,000"),
        ("jobs", {**NOOP, "share": {"name": "a", "weight": 0}}, "share.weight", "at least 1"),
        ("workflows", workflow({}, share={"name": "a", "weight": 0}), "share.weight", "at least 1"),
        ("jobs", {**NOOP, "share": {"name": ""}}, "share.name", "must not be empty"),
        ("jobs", {**NOOP, "share": {"name": "a b"}}, "share.name", "letters, digits, dots, hyphens and"),
        ("jobs", {**NOOP, "concurrency_key": "k", "concurrency_limit": 0}, "concurrency_limit", "at least 1"),
        ("jobs", {**NOOP, "concurrency_limit": 2}, "concurrency_limit", "requires concurrency_key"),
        # times
        ("jobs", {**NOOP, "not_before": "tomorrow"}, "not_before", "2026-12-01T06:00:00Z"),
        ("jobs", {**NOOP, "not_before": "2026-12-01T06:00:00"}, "not_before", "with a zone"),
        ("jobs", {**NOOP, "not_before": "2026-02-30T06:00:00Z"}, "not_before", "with a zone"),
        ("jobs", {**NOOP, "not_before": "1700000000"}, "not_before", "with a zone"),
        ("jobs", {**NOOP, "not_before": 1_700_000_000}, "not_before", "with a zone"),
        ("jobs", {**NOOP, "not_before": "1969-12-31T23:59:59Z"}, "not_before", "from 1970"),
        ("jobs", {**NOOP, "not_before": "2028-12-01T06:00:00Z"}, "not_before", "366 days"),
        ("jobs", {**NOOP, "finish_by": "2026-12-01"}, "finish_by", "with a zone"),
        ("jobs", {**NOOP, "finish_by": "2026-11-30T23:59:59Z"}, "finish_by", "has passed"),
        ("jobs", {**NOOP, "finish_by": "2028-12-01T06:00:00Z"}, "finish_by", "400 days"),
        (
            "jobs",
            {**NOOP, "not_before": "2026-12-02T06:00:00Z", "finish_by": "2026-12-02T06:00:00Z"},
            "finish_by",
            "not after not_before",
        ),
        ("workflows", workflow({}, finish_by="2026-11-30T23:59:59Z"), "finish_by", "has passed"),
        ("workflows", workflow({"finish_by": "2026-11-30T23:59:59Z"}), "jobs[0].finish_by", "has passed"),
        # dependencies
        ("jobs", edge(job_id=UNKNOWN_ID, type="MUST"), "depends_on[0].type", "'CONDITIONAL'"),
        ("jobs", edge(), "depends_on[0]", "exactly one of key"),
        ("jobs", edge(key="a", job_id=UNKNOWN_ID), "depends_on[0]", "exactly one of key"),
        ("jobs", edge(key="a"), "depends_on[0].key", "by job_id"),
        ("jobs", edge(job_id=UNKNOWN_ID), "depends_on[0].job_id", "there is no job"),
        ("jobs", {**NOOP, "depends_on": ["a"]}, "depends_on[0]", "must be an object"),
        ("jobs", {**NOOP, "depends_on": [{"job_id": "x"}] * 2_001}, "depends_on", "has 2,001 entries"),
        ("workflows", workflow({}, edge(key="z")), "jobs[1].depends_on[0].key", "no job with key 'z'"),
        ("workflows", workflow(edge(key="a")), "jobs[0].depends_on[0].key", "depend on itself"),
        ("workflows", workflow({}, {}, {"key": "a"}), "jobs[2].key", "already the key of jobs[0]"),
        ("workflows", {"jobs": [NOOP]}, "jobs[0].key", "is required"),
        ("workflows", workflow({}, edge(key="a", condition="true")), "jobs[1].depends_on[0].condition", "only for"),
        # errors that only the deployment can find
        ("jobs", {"type": "no.such"}, "type", "unknown job type 'no.such'; types are"),
        ("jobs", {**NOOP, "pool": "moon"}, "pool", "unknown pool 'moon'; pools are ecs, lambda"),
        ("jobs", {**NOOP, "requires": ["fpga"]}, "requires", "no pool offers fpga"),
        ("jobs", {**NOOP, "parameters": {"x": 1}}, "parameters.x", "not a parameter of this job type"),
        ("jobs", {**NOOP, "parameters": {"x": "y" * 300_000}}, "parameters", "300,008 bytes; at most 262,144"),
    ],
)  # fmt: skip
def test_a_bad_request_is_422_and_names_its_field(
    api: Api, path: str, body: object, field: str, said: str
) -> None:
    before = api.contents()
    answer = api.call("POST", f"/v1/{path}", json.dumps(body))
    assert answer.status == 422, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["type"] == INVALID
    assert said in answer.message(field)
    assert answer.body["detail"].startswith(field or answer.message(field))
    assert api.contents() == before


def test_a_cycle_is_refused_with_its_path(api: Api) -> None:
    body = workflow({}, edge(key="d"), edge(key="b"), edge(key="c"))
    answer = api.call("POST", "/v1/workflows", body)
    assert answer.status == 422
    (error,) = answer.body["errors"]
    path = error["message"].partition("cycle: ")[2].split(" -> ")
    assert path[0] == path[-1]
    assert set(path) == {"b", "c", "d"}
    upstream = {"b": "d", "c": "b", "d": "c"}
    assert all(upstream[one] == other or upstream[other] == one for one, other in pairwise(path))
    assert not api.world.submissions


def test_an_expression_that_does_not_compile_is_refused(api: Api) -> None:
    for condition in ("1 +", "upstream.result >", "other.name == 1", "x" * 1_001, ""):
        body = workflow({}, edge(key="a", type="CONDITIONAL", condition=condition))
        answer = api.call("POST", "/v1/workflows", body)
        assert answer.status == 422, condition
        assert answer.fields == ["jobs[1].depends_on[0].condition"]
        assert not api.world.submissions


def test_a_conditional_dependency_needs_its_expression(api: Api) -> None:
    answer = api.call("POST", "/v1/workflows", workflow({}, edge(key="a", type="CONDITIONAL")))
    assert answer.status == 422
    assert "is required" in answer.message("jobs[1].depends_on[0].condition")


def test_every_type_of_dependency_is_named(api: Api) -> None:
    message = api.call("POST", "/v1/jobs", edge(job_id=UNKNOWN_ID, type="must_start")).message(
        "depends_on[0].type"
    )
    assert all(kind in message for kind in DependencyType)


def test_too_many_jobs_are_refused_and_as_many_as_allowed_are_read(api: Api) -> None:
    jobs = [{"key": str(index), **NOOP} for index in range(10_001)]
    answer = api.call("POST", "/v1/workflows", {"jobs": jobs})
    assert answer.status == 422
    assert answer.message("jobs") == "has 10,001 entries; at most 10,000 are allowed"
    assert not api.world.jobs
    assert not api.world.submissions
    assert api.call("POST", "/v1/workflows", {"jobs": jobs[:-1]}).status == 201
    assert len(api.world.jobs) == 10_000


def test_a_number_beyond_all_bounds_is_named(api: Api) -> None:
    answer = api.call("POST", "/v1/jobs", '{"type": "tidegate.noop", "parameters": {"x": [1, -1e999]}}')
    assert answer.status == 422
    assert "too large" in answer.message("parameters.x[1]")


def test_a_body_beyond_the_platforms_limit_is_413(api: Api) -> None:
    """A body travels as a JSON string, so characters that are escaped there count twice."""
    for name in ("x" * (6 * 1024 * 1024), '"' * (2 * 1024 * 1024)):
        answer = api.call("POST", "/v1/jobs", {**NOOP, "name": name})
        assert answer.status == 413
        assert answer.body["type"] == "urn:tidegate:problem:body-too-large"
        assert "at most 6,225,920 are allowed: submit the work as several workflows" in answer.body["detail"]
    assert not api.world.jobs
    # A body of the largest allowed size is read, and refused for its contents.
    assert api.call("POST", "/v1/jobs", {**NOOP, "name": "x" * (limits.MAX_BODY_BYTES - 64)}).status == 422


def test_all_that_is_wrong_is_named_at_once(api: Api) -> None:
    body = workflow({"priority": 0, "max_retries": 26}, {"pool": ""}, {}, {"type": 5})
    answer = api.call("POST", "/v1/workflows", body)
    assert answer.fields == ["jobs[0].priority", "jobs[0].max_retries", "jobs[1].pool", "jobs[3].type"]
    assert answer.body["detail"] == "jobs[0].priority: must be at least 1 (and 3 more)"


@pytest.mark.parametrize(
    ("path", "body", "at_most"),
    [
        ("workflows", {"jobs": [{"priority": 0}] * 5_000}, 50),
        ("workflows", {"jobs": [1] * 5_000}, 50),
        ("workflows", {"jobs": [{**NOOP, "parameters": {"x": float("inf")}}] * 100}, 50),
        ("jobs", {**NOOP, "depends_on": [{"key": 1}] * 2_000}, 50),
        ("workflows", {f"x{i}": 1 for i in range(10_000)}, 10),
        ("workflows", {"jobs": [{f"x{i}": 1 for i in range(10_000)}]}, 10),
        ("jobs", {**NOOP, "depends_on": [{f"x{i}": 1 for i in range(10_000)}]}, 10),
        ("jobs", {**NOOP, "retry": {f"x{i}": 1 for i in range(10_000)}}, 10),
    ],
)
def test_a_body_full_of_faults_is_answered_with_the_first_few(
    api: Api, path: str, body: object, at_most: int
) -> None:
    answer = api.call("POST", f"/v1/{path}", json.dumps(body).replace("Infinity", "1e999"))
    assert answer.status == 422
    assert 1 <= len(answer.fields) <= at_most


def test_the_same_key_with_another_body_is_409(api: Api) -> None:
    for path, body in (("jobs", NOOP), ("workflows", workflow({}))):
        assert api.call("POST", f"/v1/{path}", body, key=path).status == 201
        before = api.contents()
        answer = api.call("POST", f"/v1/{path}", {**body, "name": "other"}, key=path)
        assert answer.status == 409
        assert answer.body["type"] == "urn:tidegate:problem:idempotency-conflict"
        assert api.contents() == before


@pytest.mark.parametrize("key", ["", "k" * 129])
def test_an_idempotency_key_has_1_to_128_characters(api: Api, key: str) -> None:
    for path, body in (("jobs", NOOP), ("workflows", workflow({}))):
        answer = api.call("POST", f"/v1/{path}", body, key=key)
        assert (answer.status, answer.fields) == (422, ["Idempotency-Key"])
    assert not api.world.jobs
