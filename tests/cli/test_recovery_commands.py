"""Cancel, retry, rerun and redrive on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from tests.cli.samples import WORKFLOW, job_json
from tests.cli.test_commands import Answers, api, nothing_of_the_developers, tidegate

__all__ = ["api", "nothing_of_the_developers"]
JOB = f"/live/v1/jobs/{WORKFLOW}.0"
Requests = Callable[[Answers], list[httpx.Request]]


def _body(request: httpx.Request) -> object:
    return json.loads(request.content) if request.content else None


def test_a_running_job_is_asked_to_stop(api: Requests) -> None:
    raw = job_json(0, "RUNNING", started=1.0)
    seen = api({("POST", f"{JOB}/cancel"): httpx.Response(202, json=raw)})
    assert tidegate("jobs", "cancel", f"{WORKFLOW}.0").stdout == (
        f"{WORKFLOW}.0 is RUNNING; its worker is asked to stop\n"
    )
    assert _body(seen[-1]) is None


def test_everything_downstream_is_cancelled(api: Requests) -> None:
    raw = job_json(0, "CANCELLED", downstream={"cancelled": 3, "asked": 1, "ended": 0})
    seen = api({("POST", f"{JOB}/cancel"): httpx.Response(202, json=raw)})
    shown = tidegate("jobs", "cancel", f"{WORKFLOW}.0", "--downstream").stdout
    assert shown == (f"{WORKFLOW}.0 is CANCELLED\ndownstream: 3 cancelled, 1 asked to stop, 0 had ended\n")
    assert _body(seen[-1]) == {"downstream": True}


@pytest.mark.parametrize(("options", "skipped"), [((), True), (("--leave-skipped",), False)])
def test_a_job_is_retried(api: Requests, options: tuple[str, ...], skipped: bool) -> None:
    raw = job_json(
        0,
        "READY",
        reopening={"reopened": 2, "left_at_limit": 0, "left_without_upstream": 0, "complete": False},
    )
    seen = api({("POST", f"{JOB}/retry"): httpx.Response(200, json=raw)})
    lines = tidegate("jobs", "retry", f"{WORKFLOW}.0", *options).stdout.splitlines()
    assert lines[0] == f"{WORKFLOW}.0 is READY; reopened 2 jobs"
    assert (
        lines[1]
        == "more was skipped because of it than one call can reopen: it follows as its upstreams are done"
    )
    assert _body(seen[-1]) == {"reopen_skipped": skipped}


def test_a_workflow_is_rerun_until_all_of_it_is_open(api: Requests) -> None:
    path = f"/live/v1/workflows/{WORKFLOW}/rerun"
    answers = [
        httpx.Response(
            200,
            json={
                "workflow_id": WORKFLOW,
                "reopened": 4,
                "left_at_limit": 0,
                "left_without_upstream": 0,
                "complete": False,
            },
        ),
        httpx.Response(
            200,
            json={
                "workflow_id": WORKFLOW,
                "reopened": 1,
                "left_at_limit": 2,
                "left_without_upstream": 3,
                "complete": True,
            },
        ),
    ]
    api({("POST", path): answers})
    result = tidegate("workflows", "rerun", WORKFLOW)
    assert result.stdout.splitlines() == [
        f"{WORKFLOW}: reopened 5 jobs",
        "2 were reopened as often as is allowed: submit them anew",
        "3 can't run (upstream-gone): a job that they wait on has passed its retention; "
        "submit them anew, with what they need",
    ]
    assert result.stderr == "4 jobs reopened, going on\n"


def test_a_workflow_without_failures_says_so(api: Requests) -> None:
    answer = {
        "workflow_id": WORKFLOW,
        "reopened": 0,
        "left_at_limit": 0,
        "left_without_upstream": 0,
        "complete": True,
    }
    api({("POST", f"/live/v1/workflows/{WORKFLOW}/rerun"): httpx.Response(200, json=answer)})
    assert tidegate("workflows", "rerun", WORKFLOW).stdout == f"{WORKFLOW}: nothing to rerun\n"
    shown = tidegate("workflows", "rerun", WORKFLOW, "--output", "json").stdout
    assert json.loads(shown) == answer


def test_a_workflow_is_cancelled(api: Requests) -> None:
    answer = {"workflow_id": WORKFLOW, "cancelled": 7, "asked": 2, "ended": 1}
    api({("POST", f"/live/v1/workflows/{WORKFLOW}/cancel"): httpx.Response(202, json=answer)})
    shown = tidegate("workflows", "cancel", WORKFLOW).stdout
    assert shown == f"{WORKFLOW}: 7 cancelled, 2 asked to stop, 1 had ended\n"
    assert json.loads(tidegate("workflows", "cancel", WORKFLOW, "--output", "json").stdout) == answer


def test_a_pool_is_redriven_page_by_page(api: Requests) -> None:
    pages = [
        httpx.Response(200, json={"pool": "ecs", "redriven": 3, "looked_at": 200, "cursor": "next"}),
        httpx.Response(200, json={"pool": "ecs", "redriven": 1, "looked_at": 20, "cursor": None}),
    ]
    seen = api({("POST", "/live/v1/pools/ecs/redrive"): pages})
    result = tidegate("pools", "redrive", "ecs")
    assert result.stdout == "ecs: of 220 failed jobs 4 were undeliverable and are tried again\n"
    assert [dict(request.url.params) for request in seen] == [
        {"limit": "200"}, {"limit": "200", "cursor": "next"},
    ]  # fmt: skip


def test_a_redrive_looks_at_no_more_than_it_is_told(api: Requests) -> None:
    page = {"pool": "ecs", "redriven": 1, "looked_at": 7, "cursor": "next"}
    seen = api({("POST", "/live/v1/pools/ecs/redrive"): httpx.Response(200, json=page)})
    shown = tidegate("pools", "redrive", "ecs", "--limit", "7", "--output", "json").stdout
    assert json.loads(shown) == page
    assert [dict(request.url.params) for request in seen] == [{"limit": "7"}]
