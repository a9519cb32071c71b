"""What the API takes and refuses so that the store can hold it."""

from __future__ import annotations

import pytest

from tests.functions.api_calls import Api
from tests.functions.test_api_bad_input import workflow


@pytest.fixture
def api() -> Api:
    return Api()


def test_conditions_that_are_too_large_together_are_refused(api: Api) -> None:
    before = api.contents()
    long = "upstream.status == '" + "x" * 900 + "'"
    edges = [
        {"key": "a", "type": "CONDITIONAL", "condition": f"{long} || {place} > 1"} for place in range(40)
    ]
    answer = api.call("POST", "/v1/workflows", workflow({}, {"depends_on": edges}))
    assert answer.status == 422
    assert "at most 32,768" in answer.message("jobs[1].depends_on")
    assert api.contents() == before


def test_an_estimate_too_near_to_0_to_be_stored_is_0(api: Api) -> None:
    job_id = api.submit(estimated_duration_seconds=1e-200)
    assert api.job(job_id).estimated_duration_seconds == 0.0
