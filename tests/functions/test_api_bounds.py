"""Bounds of the API that keep every accepted request within the store's limits."""

from __future__ import annotations

import pytest

from tests.functions.test_api_bad_input import workflow
from tests.harness.functions.api_calls import Api


@pytest.fixture
def api() -> Api:
    return Api()


def test_conditions_that_are_too_large_together_are_refused(api: Api) -> None:
    before = api.contents()
    long = "upstream.reason == '" + "x" * 900 + "'"
    edges = [
        {"key": "a", "type": "CONDITIONAL", "condition": f"{long} || {place} > 1"} for place in range(40)
    ]
    answer = api.call("POST", "/v1/workflows", workflow({}, {"depends_on": edges}))
    assert answer.status == 422
    assert "at most 32,768" in answer.message("jobs[1].depends_on")
    assert api.contents() == before


def test_a_description_has_at_most_500_characters(api: Api) -> None:
    before = api.contents()
    answer = api.call("POST", "/v1/jobs", {"type": "tidegate.noop", "description": "ü" * 501})
    assert answer.status == 422
    assert answer.message("description") == "must have at most 500 characters"
    assert api.contents() == before
    assert api.job(api.submit(description="ü" * 500)).description == "ü" * 500


def test_an_estimate_too_near_to_0_to_be_stored_is_0(api: Api) -> None:
    job_id = api.submit(estimated_duration_seconds=1e-200)
    assert api.job(job_id).estimated_duration_seconds == 0.0


def test_a_workflow_of_more_conditions_than_can_be_compiled_in_time_is_refused(api: Api) -> None:
    before = api.contents()
    long = "upstream.reason == '" + "x" * 900 + "'"
    answer = api.call("POST", "/v1/workflows", _many([f"{long} || {number} > 1" for number in range(600)]))
    assert answer.status == 422
    assert "at most 524,288" in answer.message("jobs")
    assert api.contents() == before


def test_the_same_condition_on_every_job_is_compiled_once(api: Api) -> None:
    long = "upstream.reason == '" + "x" * 900 + "'"
    assert api.call("POST", "/v1/workflows", _many([long] * 600)).status == 201


def _many(conditions: list[str]) -> dict[str, object]:
    """Makes a workflow of a root, and of a job for each condition on it."""
    noop = {"type": "tidegate.noop"}
    edges = [{"key": "root", "type": "CONDITIONAL", "condition": condition} for condition in conditions]
    jobs = [{"key": f"k{place}", **noop, "depends_on": [edge]} for place, edge in enumerate(edges)]
    return {"jobs": [{"key": "root", **noop}, *jobs]}
