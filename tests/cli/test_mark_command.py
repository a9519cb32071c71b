"""The command that ends a job by hand."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx

from tests.cli.test_commands import Answers, api, tidegate
from tests.harness.cli.samples import WORKFLOW, job_json

__all__ = ["api"]
JOB = f"{WORKFLOW}.0"
Requests = Callable[[Answers], list[httpx.Request]]


def test_a_job_is_ended_by_hand(api: Requests) -> None:
    answer = httpx.Response(200, json=job_json(0, "SUCCEEDED", reopening={"reopened": 2}))
    seen = api({("POST", f"/live/v1/jobs/{JOB}/mark"): answer})
    result = tidegate("jobs", "mark", JOB, "--as", "succeeded", "--reason", "loaded by hand")
    assert result.stdout == f"{JOB} is SUCCEEDED; reopened 2 jobs\n"
    assert json.loads(seen[0].content) == {"state": "SUCCEEDED", "reason": "loaded by hand"}
    shown = json.loads(
        tidegate("jobs", "mark", JOB, "--as", "succeeded", "--reason", "x", "-o", "json").stdout
    )
    assert shown["reopening"] == {"reopened": 2}


def test_another_end_is_refused(api: Requests) -> None:
    seen = api({})
    result = tidegate("jobs", "mark", JOB, "--as", "failed", "--reason", "x")
    assert (result.exit_code, seen) == (2, [])
    assert "is not one of SUCCEEDED, SKIPPED" in result.stderr
