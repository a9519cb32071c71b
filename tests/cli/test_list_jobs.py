"""`tidegate jobs list` with its filters, and ids by their beginning."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.harness.cli.samples import WORKFLOW, client_of, job_json
from tidegate_cli import options
from tidegate_cli.commands.root import app

Handler = Callable[[httpx.Request], httpx.Response]


def tidegate(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """Makes commands talk to an API with one RUNNING job. Returns the list of its requests."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path != "/live/v1/jobs":
            return httpx.Response(200, json=job_json(0, "RUNNING", started=1.0))
        beginning = request.url.params.get("id", WORKFLOW)
        jobs = [job_json(0, "RUNNING", started=1.0)] if WORKFLOW.startswith(beginning) else []
        if beginning == "AMBIGUOUS":
            jobs = [job_json(number, "RUNNING", started=1.0) for number in range(2)]
        return httpx.Response(200, json={"jobs": jobs, "looked_at": 7, "cursor": None})

    monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
    monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return seen


FILTERS = {
    "--pool": ("pool", "lambda"),
    "--type": ("type", "tidegate.noop"),
    "--worker": ("worker", "ecs-1"),
    "--name": ("name", "nightly"),
    "--key": ("key", "load"),
    "--error": ("error", "worker-lost"),
    "--submitted-by": ("submitted_by", "arn:aws:iam::1:role/ann"),
    "--from": ("from", "2026-12-01T00:00:00Z"),
    "--to": ("to", "2026-12-02T00:00:00Z"),
    "--order": ("order", "time"),
    "--direction": ("direction", "asc"),
    "--finish-by": ("finish_by", "2026-12-03T00:00:00Z"),
    "--verdict": ("verdict", "at-risk"),
}


def test_stragglers_are_asked_for_among_running_jobs_alone(asked: list[httpx.Request]) -> None:
    assert tidegate("jobs", "list", "--straggler").exit_code == 0
    assert tidegate("jobs", "list", "--straggler", "--state", "FAILED", "--state", "RUNNING").exit_code == 0
    assert [dict(request.url.params) for request in asked] == [
        {"state": states, "straggler": "true", "limit": "50"} for states in ("RUNNING", "FAILED,RUNNING")
    ]


def test_every_filter_is_sent_as_the_api_takes_it(asked: list[httpx.Request]) -> None:
    arguments = [part for option, (_, value) in FILTERS.items() for part in (option, value)]
    states, tags = ["--state", "running", "--state", "FAILED"], ["--tag", "team=data", "--tag", "a=b c"]
    flags = ["--overdue", "--straggler", "--full", "--waits-longer-than", "1.5", "--limit", "7", "-o", "json"]
    listed = tidegate("jobs", "list", *arguments, *states, *tags, *flags)
    assert listed.exit_code == 0, listed.output
    (request,) = asked
    sent = {name: request.url.params.get_list(name) for name in request.url.params}
    assert sent == {
        **{name: [value] for name, value in FILTERS.values()},
        "state": ["RUNNING,FAILED"],
        "tag": ["team=data", "a=b c"],
        "overdue": ["true"],
        "straggler": ["true"],
        "waits_longer_than": ["1.500"],
        "fields": ["full"],
        "limit": ["7"],
    }
    assert [job["job_id"] for job in json.loads(listed.stdout)["jobs"]] == [f"{WORKFLOW}.0"]


def test_a_list_without_an_order_asks_state_by_state(asked: list[httpx.Request]) -> None:
    assert tidegate("jobs", "list", "--tag", "team=data").exit_code == 0
    assert [request.url.params["state"] for request in asked][:3] == ["RUNNING", "QUEUED", "READY"]
    assert {request.url.params["tag"] for request in asked} == {"team=data"}


def test_the_jobs_of_a_workflow_are_one_listing(asked: list[httpx.Request]) -> None:
    assert tidegate("jobs", "list", "--workflow", WORKFLOW, "--state", "PENDING").exit_code == 0
    (request,) = asked
    assert dict(request.url.params) == {"state": "PENDING", "workflow": WORKFLOW, "limit": "50"}


def test_the_beginning_of_an_id_is_resolved(asked: list[httpx.Request]) -> None:
    got = tidegate("jobs", "get", WORKFLOW[:8], "-o", "json")
    assert got.exit_code == 0, got.output
    assert json.loads(got.stdout)["job_id"] == f"{WORKFLOW}.0"
    assert dict(asked[0].url.params) == {
        "id": WORKFLOW[:8], "state": "ALL", "order": "time", "direction": "desc", "limit": "20"
    }  # fmt: skip
    assert asked[1].url.path == f"/live/v1/jobs/{WORKFLOW}.0"


def test_a_beginning_of_no_job_or_of_several_is_refused(asked: list[httpx.Request]) -> None:
    nothing = tidegate("jobs", "get", "ZZZZZZ")
    assert (nothing.exit_code, nothing.stdout) == (2, "")
    assert "none of the latest 7 jobs has an id that begins with ZZZZZZ; give the whole id" in nothing.stderr
    several = tidegate("jobs", "get", "AMBIGUOUS")
    assert (several.exit_code, several.stdout) == (2, "")
    assert f"2 jobs have ids that begin with AMBIGUOUS: {WORKFLOW}.0, {WORKFLOW}.1" in several.stderr
    assert all(request.url.path == "/live/v1/jobs" for request in asked)


@pytest.mark.parametrize("text", ["7YVV", "7yvvaw", "7YVVAW-", "7YVVAW/../x"])
def test_a_beginning_that_is_too_short_or_malformed_sends_nothing(
    asked: list[httpx.Request], text: str
) -> None:
    assert tidegate("jobs", "get", text).exit_code == 2
    assert asked == []
