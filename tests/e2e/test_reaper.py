"""The deployed reaper and dispatcher repair unfinished work under their own permissions."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tidegate.bootstrap import Services, aws_services, connect_system
from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import Group, State
from tidegate.domain.transitions import ClaimIfQueued, DispatchIfReady, Stamp
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.jobs.loader import load_registry
from tidegate.settings import read_settings, read_tables
from tidegate.usecases.submit import submit
from tidegate_devstack import StackInfo

EVENT = Path(__file__).resolve().parents[2] / "events" / "reaper-schedule.json"
LONG_AGO_MS = 10 * 60_000
CHAIN = WorkflowRequest(
    jobs=(
        JobRequest(key="first", type="tidegate.noop"),
        JobRequest(key="second", type="tidegate.noop", depends_on=(DependencyRequest(key="first"),)),
    )
)


class CutOff(Exception):
    """The error by which the submitter dies."""


@pytest.fixture(scope="module")
def services(stack: StackInfo) -> Services:
    """Builds the use cases in this process, with the stack's own tables and an administrator's rights."""
    clients = connect_system(session=stack.session(), endpoint_url=stack.endpoint_url)
    settings = read_settings(stack.environment)
    tables = read_tables({**stack.environment, "TIDEGATE_TABLE_PROGRESS": stack.outputs["ProgressTable"]})
    return aws_services(settings, tables, clients, load_registry())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _run_reaper(stack: StackInfo, home: Path) -> dict[str, Any]:
    function = stack.outputs["ReaperFunctionName"]
    client = stack.session().client("lambda", endpoint_url=stack.endpoint_url)
    answer = client.invoke(FunctionName=function, Payload=EVENT.read_bytes())
    report: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "errorMessage" not in report, tidegate(home, "local", "logs", "reaper").stdout
    return report


def _submit_cut_off(
    services: Services, monkeypatch: pytest.MonkeyPatch, *, committed: bool, key: str
) -> None:
    """Submits a workflow ten minutes ago, and dies right before or right after its commit."""

    def die(*_: object, **__: object) -> None:
        raise CutOff

    with monkeypatch.context() as patch:
        if not committed:
            patch.setattr(type(services.submissions), "save_plan", die)
        else:
            patch.setattr(submit, "finish_submission", die)
        with pytest.raises(CutOff):
            submit.submit_workflow(
                services, CHAIN, idempotency_key=key, fingerprint="f", now_ms=_now_ms() - LONG_AGO_MS
            )


def test_a_submission_cut_off_before_its_commit_is_removed(
    stack: StackInfo, stack_home: Path, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    _submit_cut_off(services, monkeypatch, committed=False, key="cut-off-early")
    entries = _pending(services)
    assert entries
    report = _run_reaper(stack, stack_home)
    assert report["submissions_removed"] >= 1
    assert not services.jobs.get_many(entries)


def _pending(services: Services) -> list[str]:
    return [
        entry.job_id
        for shard in range(services.index.shards)
        for entry in services.index.page("lambda", Group.PENDING, shard, limit=50).entries
    ]


def test_a_submission_cut_off_after_its_commit_is_finished(
    stack: StackInfo, stack_home: Path, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    _submit_cut_off(services, monkeypatch, committed=True, key="cut-off-late")
    before = set(_pending(services))
    assert before
    assert _run_reaper(stack, stack_home)["submissions_finished"] >= 1
    for job_id in before:
        _wait_until_succeeded(services, job_id)


def _wait_until_succeeded(services: Services, job_id: str) -> Job:
    deadline_s = time.monotonic() + 90
    job = services.jobs.get(job_id, consistent=True)
    while job is not None and not job.is_terminal and time.monotonic() < deadline_s:
        time.sleep(0.2)
        job = services.jobs.get(job_id, consistent=True)
    assert job is not None
    assert job.state is State.SUCCEEDED, job.history
    return job


def test_a_lost_worker_and_a_lost_message_are_made_good(
    stack: StackInfo, stack_home: Path, services: Services
) -> None:
    """The pool has no workers, so nothing else changes the jobs meanwhile."""
    accepted = [
        tidegate_json(stack_home, "submit", "-", stdin='{"type": "tidegate.noop", "pool": "ecs"}')["job_id"]
        for _ in range(2)
    ]
    lost_message, lost_worker = accepted
    then_ms = _now_ms() - LONG_AGO_MS
    for job_id in accepted:
        services.jobs.apply(DispatchIfReady(job_id, "ecs", Stamp(then_ms, "test")))
    services.jobs.apply(ClaimIfQueued(lost_worker, 0, "gone", then_ms + 60_000, Stamp(then_ms, "gone")))
    report = _run_reaper(stack, stack_home)
    assert report["jobs_reclaimed"] >= 1
    assert report["messages_resent"] >= 1
    reclaimed = services.jobs.get(lost_worker, consistent=True)
    assert reclaimed is not None
    assert reclaimed.state is State.READY
    resent = services.jobs.get(lost_message, consistent=True)
    assert resent is not None
    assert resent.sent_at_ms is not None
    assert resent.sent_at_ms > then_ms
    for job_id in accepted:
        assert tidegate(stack_home, "jobs", "cancel", job_id).returncode == 0


def test_a_dead_letter_is_reflected_in_its_job(
    stack: StackInfo, stack_home: Path, services: Services
) -> None:
    job_id = tidegate_json(stack_home, "submit", "-", stdin='{"type": "tidegate.noop", "pool": "ecs"}')[
        "job_id"
    ]
    letters = services.settings.pools["ecs"].dead_letters_url
    body = json.dumps({"job_id": job_id, "attempt": 0})
    reports = []
    for _ in range(limits.MAX_DISPATCHES_GIVEN_UP):
        services.jobs.apply(DispatchIfReady(job_id, "ecs", Stamp(_now_ms(), "test")))
        stack.session().client("sqs", endpoint_url=stack.endpoint_url).send_message(
            QueueUrl=letters, MessageBody=body
        )
        reports.append(_run_reaper(stack, stack_home))
    assert [report["jobs_given_up"] for report in reports] == [1, 1, 0]
    assert [report["jobs_undeliverable"] for report in reports] == [0, 0, 1]
    job = tidegate_json(stack_home, "jobs", "get", job_id)
    assert job["state"] == "FAILED"
    assert job["error"]["code"] == "undeliverable"
    assert not services.queue.receive_dead("ecs", limit=10)


def test_a_worker_that_fell_silent_is_lost(stack: StackInfo, stack_home: Path, services: Services) -> None:
    spec = WorkerSpec("ecs", "e2e-silent", "host-a", slots=1)
    silent = begin(spec, "01KBC7RV8M5B6W2Y3Q7RVXN4C1", _now_ms() - LONG_AGO_MS)
    services.workers.register_if_free(silent, silent_since_ms=0)
    _run_reaper(stack, stack_home)
    shown = tidegate_json(stack_home, "workers", "get", "ecs", "e2e-silent")
    assert (shown["state"], shown["live"]) == ("LOST", False)
