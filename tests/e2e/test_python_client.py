"""Both Python clients sign, submit, wait and list against the local stack, with IAM enforced."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest
from botocore.credentials import ReadOnlyCredentials

import tidegate_client as tg
from tests.harness.e2e.command_line import tidegate_json
from tidegate_client.sigv4 import SigV4
from tidegate_devstack import StackInfo

PATIENCE_SECONDS = 120
NOOP = {"type": "tidegate.noop"}


def _signer(stack: StackInfo, secret: str | None = None) -> SigV4:
    key = ReadOnlyCredentials(stack.access_key_id, secret or stack.secret_access_key, None)
    return SigV4(stack.region, credentials=lambda: key)


def _client(stack: StackInfo, secret: str | None = None) -> tg.Client:
    # A proxy can't reach this machine's loopback.
    return tg.Client(stack.api_url, auth=_signer(stack, secret), trust_env=False)


def test_a_built_workflow_runs_to_its_end(stack: StackInfo, stack_home: Path) -> None:
    with tg.Workflow("by the client") as workflow:
        first = workflow.job("first", "tidegate.sleep", parameters={"seconds": 1}, tags={"team": "data"})
        workflow.job("second", "tidegate.noop", after=first)
    with _client(stack) as client:
        accepted = client.submit_workflow(workflow, idempotency_key=str(uuid.uuid4()))
        changes = list(client.follow_workflow(accepted.id, timeout_seconds=PATIENCE_SECONDS))
        assert changes[-1].state == "SUCCEEDED"
        assert changes[-1].states == (tg.State.SUCCEEDED, tg.State.SUCCEEDED)
        ended = client.wait_job(accepted.job_ids["second"], timeout_seconds=PATIENCE_SECONDS)
        assert ended.depends_on[0].job_id == accepted.job_ids["first"]
        assert ended.submitted_by == client.get_me().subject
        assert [job.key for job in client.list_workflow_jobs(accepted.id, page_size=1)] == ["first", "second"]
        assert client.list_workflows(name="by the").page().items[0].workflow_id == accepted.id
    shown = tidegate_json(stack_home, "jobs", "get", accepted.job_ids["second"])
    assert shown["job_id"] == ended.job_id


def test_refusals_of_the_api_and_of_iam_are_typed(stack: StackInfo) -> None:
    with _client(stack) as client:
        with pytest.raises(tg.InvalidRequest) as raised:
            client.submit_job({**NOOP, "priority": 5_000})
        assert raised.value.faults[0].field == "priority"
        with pytest.raises(tg.NotFound):
            client.get_job("01JD3V8Q5S2Y6W9K4M7N0P1R2T")
    with _client(stack, secret="another") as stranger, pytest.raises(tg.Forbidden):
        stranger.list_pools()


def test_the_async_client_waits_for_many_jobs_at_once(stack: StackInfo) -> None:
    async def run() -> list[tg.State | str]:
        async with tg.AsyncClient(stack.api_url, auth=_signer(stack), trust_env=False) as client:
            accepted = await asyncio.gather(*(client.submit_job(NOOP) for _ in range(3)))
            waits = (client.wait_job(each.id, timeout_seconds=PATIENCE_SECONDS) for each in accepted)
            return [job.state for job in await asyncio.gather(*waits)]

    assert asyncio.run(run()) == [tg.State.SUCCEEDED] * 3
