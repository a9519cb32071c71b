"""Every change that somebody asks for records the caller."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dev.simulator.memory.services import memory_services
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.api import routes
from tidegate.domain.callers import caller_under
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.submission import Phase, Submission
from tidegate.usecases.submit.submit import submit_workflow

FILES = sorted(Path(routes.__file__).parent.glob("*.py"))
CHANGES = {"post", "put", "patch", "delete"}


def _changing_routes(path: Path) -> list[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in CHANGES
            for each in node.decorator_list
        )
    ]


def test_some_routes_change_something() -> None:
    assert sum(len(_changing_routes(path)) for path in FILES) >= 13


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_route_that_changes_something_reads_its_caller(path: Path) -> None:
    helpers = {
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and "caller_of(" in ast.unparse(node)
    }
    for route in _changing_routes(path):
        called = {
            node.func.id
            for node in ast.walk(route)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert called & {"caller_of", *helpers}, f"{path.name}: {route.name}"


SUBMISSIONS = {"post_job", "post_workflow"}
READING = {"post_what_if"}  # a question that is too long for an address
HEARTBEATS = {"beat_job"}  # no decision of a caller, and often


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_route_that_changes_something_is_audited_unless_it_submits(path: Path) -> None:
    helpers = {
        node.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and "audited_act(" in ast.unparse(node)
    }
    for route in _changing_routes(path):
        called = {
            node.func.id
            for node in ast.walk(route)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert bool(called & {"audited_act", *helpers}) is (
            route.name not in SUBMISSIONS | READING | HEARTBEATS
        ), route.name


def test_a_workflow_that_two_callers_send_under_one_key_keeps_the_first() -> None:
    services, world = memory_services(SETTINGS)
    ann, ben = (
        caller_under(f"arn:aws:sts::123456789012:assumed-role/Schedulers/{name}") for name in ("ann", "ben")
    )
    request = WorkflowRequest(jobs=(JobRequest(key="a", type="tidegate.noop"),))
    first = submit_workflow(
        services, request, idempotency_key="k", fingerprint="f", caller=ann, now_ms=NOW_MS
    ).workflow_id
    record = services.submissions.get(first)
    assert record is not None
    assert record.submitted_by == ann.subject
    world.submissions.clear()
    world.jobs.clear()
    interrupted = Submission(
        submission_id=first, phase=Phase.STAGING, job_count=1, fingerprint="f", created_at_ms=NOW_MS,
        submitted_by=ann.subject,
    )  # fmt: skip
    services.submissions.begin_if_absent(interrupted)
    submit_workflow(services, request, idempotency_key="k", fingerprint="f", caller=ben, now_ms=NOW_MS + 9)
    job = services.jobs.get(f"{first}.0", consistent=True)
    assert job is not None
    assert (job.submitted_by, job.history[0].actor) == (ann.subject, "ann")
