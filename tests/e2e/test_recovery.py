"""Cancel, retry, rerun and redrive through the deployed functions, under their own permissions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.harness.e2e.command_line import tidegate_json
from tests.harness.e2e.looks import api, becomes, job_state, workflow_states
from tests.harness.e2e.worker_processes import worker
from tidegate.domain import limits
from tidegate_devstack import StackInfo

EVENT = Path(__file__).resolve().parents[2] / "events" / "reaper-schedule.json"


def _submit_chain(home: Path, **first: Any) -> tuple[str, list[str]]:
    jobs = [
        {"key": "0", "type": "tidegate.noop", **first},
        {"key": "1", "type": "tidegate.noop", "depends_on": [{"key": "0"}]},
        {"key": "2", "type": "tidegate.noop", "depends_on": [{"key": "1", "type": "MUST_COMPLETE"}]},
    ]
    body = json.dumps({"pool": first.get("pool", "lambda"), "jobs": jobs})
    workflow = str(tidegate_json(home, "submit", "-", stdin=body)["workflow_id"])
    return workflow, [f"{workflow}.{place}" for place in range(3)]


def _load(home: Path, pool: str) -> tuple[int, int]:
    with api(home) as client:
        shown = client.get_pool(pool)
    return int(shown["ready"]["count"]), int(shown["active"]["count"])


def test_a_cancelled_workflow_is_rerun(stack: StackInfo, stack_home: Path, tmp_path: Path) -> None:
    workflow, _ = _submit_chain(stack_home, pool="ecs")
    answer = tidegate_json(stack_home, "workflows", "cancel", workflow)
    assert (answer["cancelled"], answer["asked"]) == (3, 0)
    assert workflow_states(stack_home, workflow) == ["CANCELLED"] * 3
    answer = tidegate_json(stack_home, "workflows", "rerun", workflow)
    assert (answer["reopened"], answer["complete"]) == (3, True)
    with worker(stack_home, tmp_path / "worker.log", "--worker-id", "recovery-1"):
        becomes(lambda: workflow_states(stack_home, workflow), ["SUCCEEDED"] * 3)


def test_a_job_that_timed_out_is_retried_with_what_was_skipped_for_it(
    stack: StackInfo, stack_home: Path
) -> None:
    slow = {"type": "tidegate.sleep", "parameters": {"seconds": 60}, "timeout_seconds": 1, "max_retries": 0}
    workflow, (first, second, _) = _submit_chain(stack_home, **slow)
    ended = ["TIMED_OUT", "SKIPPED", "SUCCEEDED"]
    becomes(lambda: workflow_states(stack_home, workflow), ended)
    job = tidegate_json(stack_home, "jobs", "retry", first)
    assert job["reopening"] == {
        "reopened": 2,
        "left_at_limit": 0,
        "left_without_upstream": 0,
        "complete": True,
    }
    becomes(lambda: workflow_states(stack_home, workflow), ended)
    again = tidegate_json(stack_home, "jobs", "get", first)
    assert (again["attempt"], again["reopened"]) == (2, 1)
    states = [entry["state"] for entry in tidegate_json(stack_home, "jobs", "get", second)["history"]]
    assert states == ["PENDING", "SKIPPED", "PENDING", "SKIPPED"]


def test_everything_downstream_is_cancelled(stack: StackInfo, stack_home: Path) -> None:
    workflow, (first, *_) = _submit_chain(stack_home, pool="ecs")
    job = tidegate_json(stack_home, "jobs", "cancel", first, "--downstream")
    assert job["downstream"] == {"cancelled": 2, "asked": 0, "ended": 0, "complete": True, "exact": True}
    assert workflow_states(stack_home, workflow) == ["CANCELLED"] * 3


def test_an_undeliverable_job_is_redriven(stack: StackInfo, stack_home: Path, tmp_path: Path) -> None:
    job_id = str(
        tidegate_json(stack_home, "submit", "-", stdin='{"type": "tidegate.noop", "pool": "ecs"}')["job_id"]
    )
    session = stack.session()
    jobs = session.client("dynamodb", endpoint_url=stack.endpoint_url)
    pool = json.loads(stack.environment["TIDEGATE_POOLS"])["ecs"]
    for _ in range(limits.MAX_DISPATCHES_GIVEN_UP):
        jobs.update_item(
            TableName=stack.environment["TIDEGATE_TABLE_JOBS"],
            Key={"job_id": {"S": job_id}},
            UpdateExpression="SET #state = :queued",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":queued": {"S": "QUEUED"}},
        )
        session.client("sqs", endpoint_url=stack.endpoint_url).send_message(
            QueueUrl=pool["dead_letters_url"], MessageBody=json.dumps({"job_id": job_id, "attempt": 0})
        )
        session.client("lambda", endpoint_url=stack.endpoint_url).invoke(
            FunctionName=stack.outputs["ReaperFunctionName"], Payload=EVENT.read_bytes()
        )
    becomes(job_state(stack_home, job_id), "FAILED")
    answer = tidegate_json(stack_home, "pools", "redrive", "ecs")
    assert answer["redriven"] >= 1  # other tests of the session may have left some too
    with worker(stack_home, tmp_path / "worker.log", "--worker-id", "recovery-2"):
        becomes(job_state(stack_home, job_id), "SUCCEEDED")
        becomes(lambda: _load(stack_home, "ecs"), (0, 0))  # other tests find nothing of it
