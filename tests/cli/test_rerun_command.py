"""The command that reruns a job."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from tests.cli.test_commands import Answers, api, tidegate
from tests.harness.cli.samples import WORKFLOW, job_json

__all__ = ["api"]
JOB = f"{WORKFLOW}.0"
PATH = f"/live/v1/jobs/{JOB}/rerun"
Requests = Callable[[Answers], list[httpx.Request]]


def answer(rerun: int, cursor: str | None = None, **counts: object) -> httpx.Response:
    found = {"rerun": rerun, "left_at_limit": 0, "left_active": 0, "cursor": cursor, **counts}
    return httpx.Response(200, json=job_json(0, "READY", rerun=found))


@pytest.mark.parametrize(
    ("options", "body", "said"),
    [
        ((), {"downstream": True, "dry_run": False}, "reran"),
        (("--alone", "--dry-run"), {"downstream": False, "dry_run": True}, "would rerun"),
        (
            ("--parameters", '{"seconds": 2}'),
            {"downstream": True, "dry_run": False, "parameters": {"seconds": 2}},
            "reran",
        ),
    ],
)
def test_a_job_is_rerun(api: Requests, options: tuple[str, ...], body: dict[str, object], said: str) -> None:
    seen = api({("POST", PATH): answer(3)})
    result = tidegate("jobs", "rerun", JOB, *options)
    assert result.stdout == f"{JOB} is READY; {said} 3 jobs\n"
    assert json.loads(seen[-1].content) == body


def test_a_long_rerun_goes_on_until_it_is_complete(api: Requests) -> None:
    seen = api({("POST", PATH): [answer(400, "1"), answer(20, left_at_limit=2, left_active=1)]})
    result = tidegate("jobs", "rerun", JOB, "--parameters", "{}")
    assert result.stdout.splitlines() == [
        f"{JOB} is READY; reran 420 jobs",
        "2 were reopened as often as is allowed: submit them as new jobs",
        "1 were dispatched meanwhile and go on as they are",
    ]
    assert result.stderr == "400 jobs rerun, going on\n"
    assert [(request.url.params.get("cursor"), b"parameters" in request.content) for request in seen] == [
        (None, True),
        ("1", False),
    ]
    api({("POST", PATH): [answer(400, "1"), answer(20)]})
    shown = json.loads(tidegate("jobs", "rerun", JOB, "--output", "json").stdout)
    assert (shown["rerun"]["rerun"], shown["rerun"]["cursor"]) == (420, None)


@pytest.mark.parametrize(("text", "said"), [("{", "is not JSON"), ("[]", "is no JSON object")])
def test_parameters_must_be_an_object(api: Requests, text: str, said: str) -> None:
    seen = api({})
    result = tidegate("jobs", "rerun", JOB, "--parameters", text)
    assert (result.exit_code, seen) == (2, [])
    assert f"--parameters {said}" in result.stderr
