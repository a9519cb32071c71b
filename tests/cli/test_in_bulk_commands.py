"""The commands that act on many jobs."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx

from tests.cli.test_commands import Answers, api, tidegate
from tests.harness.cli.samples import WORKFLOW

__all__ = ["api"]
Requests = Callable[[Answers], list[httpx.Request]]


def page(done: int, cursor: str | None = None, **changes: object) -> httpx.Response:
    counts = {"done": done, "asked": 0, "left": 0, "looked_at": 200}
    return httpx.Response(200, json={"jobs": [], "cursor": cursor, **counts, **changes})


def test_jobs_are_counted_then_asked_for_and_then_cancelled(api: Requests) -> None:
    answers = [page(3, "c", asked=2), page(1), page(3, "c", asked=2), page(1)]
    seen = api({("POST", "/live/v1/jobs/cancel"): answers})
    result = tidegate("jobs", "cancel-all", "--state", "ready", "--pool", "ecs", stdin="y\n")
    assert result.exit_code == 0
    assert "cancel 6 jobs?" in result.stderr
    assert (
        result.stdout.removeprefix(" y\n")
        == "4 jobs cancelled\n2 run: their workers are asked to stop them\n"
    )
    sent = [json.loads(request.content) for request in seen]
    body = {"filter": {"state": "READY", "pool": "ecs"}, "limit": 200}
    assert sent == [
        {**body, "dry_run": True},
        {**body, "dry_run": True, "cursor": "c"},
        body,
        {**body, "cursor": "c"},
    ]


def test_without_a_yes_nothing_is_done(api: Requests) -> None:
    seen = api({("POST", "/live/v1/jobs/retry"): page(3)})
    result = tidegate("jobs", "retry-all", "--state", "FAILED", stdin="n\n")
    assert (result.exit_code, result.stdout.strip(), len(seen)) == (1, "n", 1)


def test_yes_asks_nothing_and_a_job_that_was_left_is_told_with_the_reason(api: Requests) -> None:
    left = {"job_id": "X", "outcome": "LEFT", "state": "QUEUED", "reason": "it is QUEUED"}
    seen = api({("POST", "/live/v1/jobs/reprioritise"): page(2, left=1, jobs=[left])})
    options = ("--state", "READY", "--workflow", WORKFLOW, "--type", "a.b", "--priority", "9", "--yes")
    result = tidegate("jobs", "reprioritise", *options)
    assert result.stdout == "2 jobs reprioritised\n1 were left\n  X QUEUED: it is QUEUED\n"
    assert json.loads(seen[0].content) == {
        "filter": {"state": "READY", "type": "a.b", "workflow": WORKFLOW},
        "limit": 200,
        "priority": 9,
    }


def test_a_dry_run_says_what_would_be(api: Requests) -> None:
    api({("POST", "/live/v1/jobs/cancel"): page(2, left=1)})
    result = tidegate("jobs", "cancel-all", "--state", "READY", "--dry-run")
    assert result.stdout == "2 jobs would be cancelled\n1 would be left\n"
    shown = json.loads(tidegate("jobs", "cancel-all", "--state", "READY", "--dry-run", "-o", "json").stdout)
    assert (shown["done"], shown["dry_run"]) == (2, True)


def test_jobs_are_chosen_by_the_filters_of_the_list(api: Requests) -> None:
    seen = api({("POST", "/live/v1/jobs/cancel"): page(1)})
    options = ("--state", "READY", "--state", "PENDING", "--tag", "team=data", "--name", "night", "--overdue")
    times = ("--from", "2026-12-01T00:00:00Z", "--waits-longer-than", "60")
    assert tidegate("jobs", "cancel-all", *options, *times, "--yes").exit_code == 0
    assert json.loads(seen[0].content)["filter"] == {
        "state": "READY,PENDING",
        "tag": ["team=data"],
        "name": "night",
        "overdue": True,
        "from": "2026-12-01T00:00:00Z",
        "waits_longer_than": 60.0,
    }
