"""An idempotency key names one submission, either a job or a workflow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.functions.api_calls import Api
from tidegate.domain.submission import Phase

JOB = {"type": "tidegate.noop"}
WORKFLOW = {"jobs": [{"key": "a", "type": "tidegate.noop"}]}
CALLS = {"job": ("/v1/jobs", JOB), "workflow": ("/v1/workflows", WORKFLOW)}


@pytest.mark.parametrize(("first", "second"), [("job", "workflow"), ("workflow", "job")])
def test_a_key_of_a_job_is_none_of_a_workflow(first: str, second: str) -> None:
    api = Api()
    accepted = api.call("POST", *CALLS[first], key="nightly")
    assert accepted.status == 201
    before = api.contents()
    answer = api.call("POST", *CALLS[second], key="nightly")
    assert (answer.status, answer.body["type"]) == (409, "urn:tidegate:problem:idempotency-conflict")
    assert f"used before for a {first} ({accepted.body[f'{first}_id']})" in answer.body["detail"]
    assert api.contents() == before
    assert api.call("POST", *CALLS[first], key="nightly").status == 200, "the first answer holds"
    assert api.call("POST", *CALLS[second], key="other").status == 201


def test_the_key_of_a_workflow_that_was_given_up_is_free() -> None:
    api = Api()
    workflow_id = api.call("POST", *CALLS["workflow"], key="nightly").body["workflow_id"]
    submission = api.world.submissions[workflow_id]
    api.world.submissions[workflow_id] = replace(submission, phase=Phase.REMOVED)
    assert api.call("POST", *CALLS["job"], key="nightly").status == 201
