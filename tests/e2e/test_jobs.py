"""Single jobs through the deployed functions: run, fail, time out, cancel; and refusals that write nothing."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.looks import becomes, becomes_one_of, job_state
from tidegate.domain import limits
from tidegate_cli.target import local_target
from tidegate_devstack import StackInfo


def _wait_for(home: Path, job_id: str, states: set[str]) -> dict[str, Any]:
    becomes_one_of(job_state(home, job_id), states)
    return tidegate_json(home, "jobs", "get", job_id)


def _submit(home: Path, **job: Any) -> str:
    job_id: str = tidegate_json(home, "submit", "-", stdin=json.dumps(job))["job_id"]
    return job_id


def test_a_job_runs_in_the_function(stack: StackInfo, stack_home: Path) -> None:
    job_id = _submit(stack_home, type="tidegate.noop", priority=700)
    job = _wait_for(stack_home, job_id, {"SUCCEEDED"})
    assert job["worker"].startswith("lambda-")
    assert [entry["state"] for entry in job["history"]] == ["READY", "QUEUED", "RUNNING", "SUCCEEDED"]
    assert job["attempt"] == 1
    listed = tidegate_json(stack_home, "jobs", "list", "--state", "SUCCEEDED")
    assert job_id in {one["job_id"] for one in listed["jobs"]}


def test_code_that_never_yields_is_stopped_at_its_timeout(stack: StackInfo, stack_home: Path) -> None:
    job_id = _submit(
        stack_home, type="tidegate.sleep", parameters={"seconds": 600}, timeout_seconds=1, max_retries=0
    )
    job = _wait_for(stack_home, job_id, {"TIMED_OUT"})
    assert job["error"]["code"] == "timed-out"
    assert job["actual_duration_seconds"] >= 1


def test_a_running_job_is_cancelled(stack: StackInfo, stack_home: Path) -> None:
    job_id = _submit(stack_home, type="tidegate.sleep", parameters={"seconds": 600}, timeout_seconds=700)
    _wait_for(stack_home, job_id, {"RUNNING"})
    assert tidegate(stack_home, "jobs", "cancel", job_id).returncode == 0
    job = _wait_for(stack_home, job_id, {"CANCELLED"})
    assert job["cancel_requested_at"]
    # The next job must not find the slot taken.
    _wait_for(stack_home, _submit(stack_home, type="tidegate.noop"), {"SUCCEEDED"})


def test_a_job_may_depend_on_an_earlier_submission(stack: StackInfo, stack_home: Path) -> None:
    ended = _submit(stack_home, type="tidegate.noop")
    _wait_for(stack_home, ended, {"SUCCEEDED"})
    slow = _submit(stack_home, type="tidegate.sleep", parameters={"seconds": 2})
    both = _submit(
        stack_home,
        type="tidegate.noop",
        depends_on=[{"job_id": ended}, {"job_id": slow, "type": "MUST_COMPLETE"}],
    )
    job = _wait_for(stack_home, both, {"SUCCEEDED"})
    assert job["started_at"] >= _wait_for(stack_home, slow, {"SUCCEEDED"})["finished_at"]


@pytest.mark.parametrize(
    ("job", "field"),
    [
        ({"type": "no.such.type"}, "type"),
        ({"type": "tidegate.noop", "priority": 1001}, "priority"),
        ({"type": "tidegate.noop", "pool": "moon"}, "pool"),
        ({"type": "tidegate.sleep", "parameters": {"seconds": "long"}}, "parameters.seconds"),
        (
            {"type": "tidegate.noop", "depends_on": [{"job_id": "01JD00000000000000000000ZZ"}]},
            "depends_on[0].job_id",
        ),
    ],
)
def test_bad_input_is_one_readable_message(
    stack: StackInfo, stack_home: Path, job: dict[str, Any], field: str
) -> None:
    refused = tidegate(stack_home, "submit", "-", "--output", "json", stdin=json.dumps(job))
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert field in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_same_key_with_another_body_is_refused(stack: StackInfo, stack_home: Path) -> None:
    first = tidegate_json(
        stack_home, "submit", "-", "--idempotency-key", "k-1", stdin='{"type": "tidegate.noop"}'
    )
    again = tidegate_json(
        stack_home, "submit", "-", "--idempotency-key", "k-1", stdin='{"type": "tidegate.noop"}'
    )
    assert again["job_id"] == first["job_id"]
    other = tidegate(
        stack_home,
        "submit",
        "-",
        "--idempotency-key",
        "k-1",
        stdin='{"type": "tidegate.noop", "priority": 5}',
    )
    assert other.returncode == 1
    assert "Idempotency-Key" in other.stderr


@pytest.mark.slow
def test_a_job_past_its_retention_is_gone(stack: StackInfo, stack_home: Path) -> None:
    """Its end records when it may be removed. The test brings that time forward, and then the store removes the job."""
    job_id = _submit(stack_home, type="tidegate.noop")
    ended = _wait_for(stack_home, job_id, {"SUCCEEDED"})
    jobs = (
        stack.session()
        .resource("dynamodb", endpoint_url=stack.endpoint_url)
        .Table(stack.outputs["JobsTable"])
    )
    kept_until_s = int(str(jobs.get_item(Key={"job_id": job_id})["Item"]["expires_at"]))
    finished_s = int(datetime.fromisoformat(ended["finished_at"]).timestamp())
    assert kept_until_s == finished_s + 86_400 * int(stack.environment["TIDEGATE_RETENTION_DAYS"])
    jobs.update_item(
        Key={"job_id": job_id},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": finished_s - 1},
    )
    # The emulator looks once a minute.
    becomes(lambda: "Item" in jobs.get_item(Key={"job_id": job_id}, ConsistentRead=True), False)
    shown = tidegate(stack_home, "jobs", "get", job_id)
    assert shown.returncode == 1
    assert "it may also have passed its retention" in shown.stderr


def test_the_gateway_hands_over_bodies_up_to_the_limit_and_refuses_larger_ones(
    stack: StackInfo,
) -> None:
    """They are sent as they are, because the client itself would refuse the larger one."""
    target = local_target(stack)
    with httpx.Client(auth=target.signer(), timeout=60, trust_env=False) as http:
        jobs_url = f"{target.api_url}/v1/jobs"
        largest = http.post(jobs_url, content='"' + "x" * (limits.MAX_BODY_BYTES - 6) + '"')
        too_large = http.post(jobs_url, content="x" * limits.MAX_EVENT_BYTES)
    assert largest.status_code == 422
    assert too_large.status_code == 413
    assert too_large.json() == {"message": "Request Too Long"}
