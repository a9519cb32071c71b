"""The commands cancel, retry, rerun and redrive."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from tests.cli.test_commands import Answers, api, tidegate
from tests.harness.cli.samples import WORKFLOW, job_json
from tests.harness.cli.screens import answer_with

__all__ = ["api"]
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
        == "more jobs were skipped because of it than one call can reopen: they follow when their upstreams are done"
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
        "2 were reopened as often as is allowed: submit them as new jobs",
        "3 can't run (upstream-gone): a job that they wait for has passed its retention; "
        "submit them as new jobs, with the jobs that they need",
    ]
    assert result.stderr == "4 jobs reopened, going on\n"


def test_each_call_of_a_rerun_goes_on_where_the_last_one_stopped(api: Requests) -> None:
    path = f"/live/v1/workflows/{WORKFLOW}/rerun"
    steps = [(400, "reopen"), (200, "judge.0"), (0, "judge.400"), (0, None)]
    answers = [
        httpx.Response(
            200,
            json={"reopened": reopened, "left_at_limit": 3, "complete": cursor is None, "cursor": cursor},
        )
        for reopened, cursor in steps
    ]
    seen = api({("POST", path): answers})
    shown = tidegate("workflows", "rerun", WORKFLOW, "--output", "json")
    assert json.loads(shown.stdout) == {
        "workflow_id": WORKFLOW,
        "reopened": 600,
        "left_at_limit": 3,
        "left_without_upstream": 0,
        "complete": True,
        "exact": True,
    }
    assert [request.url.params.get("cursor") for request in seen] == [None, "reopen", "judge.0", "judge.400"]
    assert shown.stderr.splitlines()[-1] == "600 jobs reopened, going on"


def test_a_rerun_whose_answer_was_lost_does_not_claim_that_nothing_was_done(api: Requests) -> None:
    path = f"/live/v1/workflows/{WORKFLOW}/rerun"
    done = {"workflow_id": WORKFLOW, "reopened": 0, "left_at_limit": 0, "complete": True}
    lost = httpx.Response(504, json={"message": "Endpoint request timed out"})
    api({("POST", path): [lost, httpx.Response(200, json=done)]})
    result = tidegate("workflows", "rerun", WORKFLOW)
    assert result.stdout == f"{WORKFLOW}: reopened at least 0 jobs\n"
    assert result.stderr == "no answer yet (the API answered 504): asking again\n"
    api({("POST", path): [lost, httpx.Response(200, json=done)]})
    assert json.loads(tidegate("workflows", "rerun", WORKFLOW, "-o", "json").stdout)["exact"] is False


def test_a_rerun_that_gets_nowhere_ends_with_an_error(api: Requests) -> None:
    answer = {"reopened": 0, "left_at_limit": 0, "complete": False, "cursor": "reopen"}
    seen = api({("POST", f"/live/v1/workflows/{WORKFLOW}/rerun"): httpx.Response(200, json=answer)})
    result = tidegate("workflows", "rerun", WORKFLOW)
    assert (result.exit_code, len(seen)) == (1, 21)
    assert "change nothing" in result.stderr


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
    assert json.loads(shown) == {**answer, "exact": True}


def test_a_workflow_is_cancelled(api: Requests) -> None:
    answer = {"workflow_id": WORKFLOW, "cancelled": 7, "asked": 2, "ended": 1}
    api({("POST", f"/live/v1/workflows/{WORKFLOW}/cancel"): httpx.Response(202, json=answer)})
    shown = tidegate("workflows", "cancel", WORKFLOW).stdout
    assert shown == f"{WORKFLOW}: 7 cancelled, 2 asked to stop, 1 had ended\n"
    shown = tidegate("workflows", "cancel", WORKFLOW, "--output", "json").stdout
    assert json.loads(shown) == {**answer, "complete": True, "exact": True}


def test_a_large_workflow_is_cancelled_in_as_many_calls_as_it_takes(api: Requests) -> None:
    steps = [(300, 90, 10, 600, "600"), (380, 0, 20, 200, "200"), (200, 0, 0, 0, None)]
    names = ("cancelled", "asked", "ended", "left", "cursor")
    answers = [
        httpx.Response(
            202,
            json={
                **dict(zip(names, step, strict=True)),
                "complete": step[-1] is None,
                "workflow_id": WORKFLOW,
            },
        )
        for step in steps
    ]
    seen = api({("POST", f"/live/v1/workflows/{WORKFLOW}/cancel"): answers})
    result = tidegate("workflows", "cancel", WORKFLOW)
    assert result.stdout == f"{WORKFLOW}: 880 cancelled, 90 asked to stop, 30 had ended\n"
    assert result.stderr.splitlines() == [
        "300 jobs cancelled, 600 to look at, going on",
        "680 jobs cancelled, 200 to look at, going on",
    ]
    assert [request.url.params.get("cursor") for request in seen] == [None, "600", "200"]


def test_many_jobs_downstream_are_cancelled_in_as_many_calls_as_it_takes(api: Requests) -> None:
    steps = [
        {"cancelled": 400, "asked": 7, "ended": 5, "left": 88, "complete": False},
        {"cancelled": 88, "asked": 6, "ended": 406, "left": 0, "complete": True},
    ]
    answers = [httpx.Response(202, json=job_json(0, "CANCELLED", downstream=step)) for step in steps]
    api({("POST", f"{JOB}/cancel"): answers})
    shown = tidegate("jobs", "cancel", f"{WORKFLOW}.0", "--downstream", "-o", "json").stdout
    assert json.loads(shown)["downstream"] == {
        "cancelled": 488, "asked": 6, "ended": 6, "complete": True, "exact": True,
    }  # fmt: skip


def test_a_pool_is_redriven_page_by_page(api: Requests) -> None:
    pages = [
        httpx.Response(200, json={"pool": "ecs", "redriven": 3, "looked_at": 200, "cursor": "next"}),
        httpx.Response(200, json={"pool": "ecs", "redriven": 1, "looked_at": 20, "cursor": None}),
    ]
    seen = api({("POST", "/live/v1/pools/ecs/redrive"): pages})
    result = tidegate("pools", "redrive", "ecs")
    assert result.stdout == "ecs: of 220 failed jobs 4 were undeliverable and are reopened\n"
    assert [dict(request.url.params) for request in seen] == [
        {"limit": "200"}, {"limit": "200", "cursor": "next"},
    ]  # fmt: skip


def test_a_redrive_looks_at_no_more_than_it_is_told(api: Requests) -> None:
    page = {"pool": "ecs", "redriven": 1, "looked_at": 7, "cursor": "next"}
    seen = api({("POST", "/live/v1/pools/ecs/redrive"): httpx.Response(200, json=page)})
    shown = tidegate("pools", "redrive", "ecs", "--limit", "7", "--output", "json").stdout
    assert json.loads(shown) == page
    assert [dict(request.url.params) for request in seen] == [{"limit": "7"}]


@pytest.mark.parametrize(
    ("arguments", "path", "first", "said"),
    [
        (
            ("workflows", "rerun", WORKFLOW),
            f"/live/v1/workflows/{WORKFLOW}/rerun",
            {"reopened": 4_000, "left_at_limit": 0, "left_without_upstream": 0, "complete": False},
            "4,000 jobs reopened",
        ),
        (
            ("workflows", "cancel", WORKFLOW),
            f"/live/v1/workflows/{WORKFLOW}/cancel",
            {"cancelled": 4_000, "asked": 1, "ended": 0, "left": 99, "complete": False, "cursor": "4001"},
            "4,000 jobs cancelled",
        ),
        (
            ("jobs", "cancel", f"{WORKFLOW}.0", "--downstream"),
            f"{JOB}/cancel",
            job_json(
                0,
                "RUNNING",
                downstream={"cancelled": 400, "asked": 0, "ended": 0, "left": 9, "complete": False},
            ),
            "400 jobs cancelled",
        ),
        (
            ("pools", "redrive", "ecs", "--limit", "900"),
            "/live/v1/pools/ecs/redrive",
            {"pool": "ecs", "redriven": 3, "looked_at": 200, "cursor": "more"},
            "200 failed jobs looked at and 3 reopened",
        ),
    ],
)
def test_ctrl_c_between_calls_says_what_was_done_and_which_command_goes_on(
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    path: str,
    first: dict[str, object],
    said: str,
) -> None:
    calls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return httpx.Response(200, json=first)

    answer_with(monkeypatch, answer)
    result = tidegate(*arguments)
    assert (calls, result.exit_code, result.stdout) == ([path] * 2, 130, "")
    assert f"interrupted; {said} so far" in result.stderr
    assert f"  tidegate {' '.join(arguments)}    goes on\n" in result.stderr


REOPENING = {"reopened": 2, "left_at_limit": 0, "left_without_upstream": 0, "complete": True}


@pytest.mark.parametrize(
    ("command", "path", "answer", "said"),
    [
        (
            ("jobs", "cancel", f"{WORKFLOW}.0"),
            f"{JOB}/cancel",
            job_json(0, "READY", dry_run=True),
            f"{WORKFLOW}.0 is READY; it would be cancelled",
        ),
        (
            ("jobs", "cancel", f"{WORKFLOW}.0"),
            f"{JOB}/cancel",
            job_json(0, "RUNNING", started=1.0, dry_run=True),
            f"{WORKFLOW}.0 is RUNNING; its worker would be asked to stop",
        ),
        (
            ("jobs", "retry", f"{WORKFLOW}.0"),
            f"{JOB}/retry",
            job_json(0, "FAILED", reopening=REOPENING, dry_run=True),
            f"{WORKFLOW}.0 is FAILED; would have reopened 2 jobs",
        ),
        (
            ("workflows", "cancel", WORKFLOW),
            f"/live/v1/workflows/{WORKFLOW}/cancel",
            {
                "workflow_id": WORKFLOW,
                "cancelled": 2,
                "asked": 1,
                "ended": 3,
                "complete": True,
                "dry_run": True,
            },
            f"{WORKFLOW}: would be, 2 cancelled, 1 asked to stop, 3 had ended",
        ),
        (
            ("workflows", "rerun", WORKFLOW),
            f"/live/v1/workflows/{WORKFLOW}/rerun",
            {"workflow_id": WORKFLOW, **REOPENING, "cursor": None, "dry_run": True},
            f"{WORKFLOW}: would have reopened 2 jobs",
        ),
        (
            ("pools", "redrive", "ecs"),
            "/live/v1/pools/ecs/redrive",
            {"pool": "ecs", "redriven": 2, "looked_at": 5, "cursor": None, "dry_run": True},
            "ecs: of 5 failed jobs 2 were undeliverable and would be reopened",
        ),
    ],
)
def test_a_dry_run_says_what_an_act_would_do(
    api: Requests, command: tuple[str, ...], path: str, answer: dict[str, object], said: str
) -> None:
    seen = api({("POST", path): httpx.Response(200, json=answer)})
    assert tidegate(*command, "--dry-run").stdout == f"{said}\n"
    sent = _body(seen[-1])
    assert isinstance(sent, dict)
    assert sent["dry_run"] is True
