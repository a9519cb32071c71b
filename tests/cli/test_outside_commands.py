"""The commands that finish jobs from outside and decide approvals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.cli.test_commands import Answers, api, tidegate
from tests.harness.cli.samples import WORKFLOW, job_json

__all__ = ["api"]
JOB = f"{WORKFLOW}.0"
PATH = f"/live/v1/jobs/{JOB}"
TOKEN = "MXwwMUpE_secret-token"
OUTSIDE = {
    "since": "2026-12-01T08:00:00.000Z",
    "lease_expires_at": "2026-12-01T08:01:00.000Z",
    "until": "2026-12-01T09:00:00.000Z",
}
Requests = Callable[[Answers], list[httpx.Request]]


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    file = tmp_path / "token.txt"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    return str(file)


def sent(request: httpx.Request) -> object:
    return json.loads(request.content)


def test_a_job_is_finished_with_its_result(api: Requests, token_file: str) -> None:
    seen = api({("POST", f"{PATH}/finish"): httpx.Response(200, json=job_json(0, "SUCCEEDED"))})
    result = tidegate("finish", JOB, "--token-file", token_file, "--result", '{"frames": 240}')
    assert result.stdout == f"{JOB} is SUCCEEDED\n"
    assert sent(seen[0]) == {"token": TOKEN, "result": {"frames": 240}}
    assert TOKEN not in str(seen[0].url)


def test_the_token_may_come_on_standard_input(api: Requests) -> None:
    seen = api({("POST", f"{PATH}/finish"): httpx.Response(200, json=job_json(0, "SUCCEEDED"))})
    result = tidegate("finish", JOB, "--token-file", "-", "-o", "json", stdin=TOKEN)
    assert json.loads(result.stdout)["state"] == "SUCCEEDED"
    assert sent(seen[0]) == {"token": TOKEN, "result": None}


def test_a_failure_is_told(api: Requests, token_file: str) -> None:
    seen = api({("POST", f"{PATH}/finish"): httpx.Response(200, json=job_json(0, "FAILED"))})
    result = tidegate(
        "finish", JOB, "--token-file", token_file, "--error", "no-room", "--message", "full", "--no-retry"
    )
    assert result.stdout == f"{JOB} is FAILED\n"
    error = {"code": "no-room", "message": "full", "retryable": False}
    assert sent(seen[0]) == {"token": TOKEN, "error": error}


def test_a_heartbeat_says_until_when_the_lease_is(api: Requests, token_file: str) -> None:
    answer = {"job_id": JOB, "attempt": 1, "outside": OUTSIDE}
    seen = api({("POST", f"{PATH}/heartbeat"): httpx.Response(200, json=answer)})
    result = tidegate("heartbeat", JOB, "--token-file", token_file, "--progress", "0.5", "--message", "half")
    assert result.stdout == f"{JOB} has its lease until 2026-12-01T08:01:00.000Z\n"
    assert sent(seen[0]) == {"token": TOKEN, "progress": {"fraction": 0.5, "message": "half"}}
    shown = tidegate("heartbeat", JOB, "--token-file", token_file, "-o", "json")
    assert json.loads(shown.stdout) == answer
    assert sent(seen[1]) == {"token": TOKEN}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--message", "x"], "--message needs --error"),
        (["--no-retry"], "--no-retry needs --error"),
        (["--error", "x", "--result", "1"], "--result has no meaning beside --error"),
        (["--result", "{"], "--result"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    api: Requests, token_file: str, arguments: list[str], told: str
) -> None:
    seen = api({})
    result = tidegate("finish", JOB, "--token-file", token_file, *arguments)
    assert (result.exit_code, seen) == (2, [])
    assert told in result.stderr


@pytest.mark.parametrize("text", ["", "two words", "two\nlines"])
def test_a_file_without_one_token_is_refused_and_not_shown(api: Requests, text: str) -> None:
    seen = api({})
    result = tidegate("heartbeat", JOB, "--token-file", "-", stdin=text)
    assert (result.exit_code, seen) == (2, [])
    assert "--token-file must hold the token alone, on one line" in result.stderr
    assert not text or text not in result.stderr


def test_a_file_that_is_not_there_is_told(api: Requests) -> None:
    api({})
    result = tidegate("heartbeat", JOB, "--token-file", "/nowhere/token")
    assert result.exit_code == 2
    assert "cannot read /nowhere/token" in result.stderr


@pytest.mark.parametrize(("act", "state"), [("approve", "SUCCEEDED"), ("reject", "FAILED")])
def test_an_approval_is_decided(api: Requests, act: str, state: str) -> None:
    seen = api({("POST", f"{PATH}/{act}"): httpx.Response(200, json=job_json(0, state))})
    assert tidegate(act, JOB, "--comment", "checked").stdout == f"{JOB} is {state}\n"
    assert json.loads(tidegate(act, JOB, "-o", "json").stdout)["state"] == state
    assert [sent(each) for each in seen] == [{"comment": "checked"}, {"comment": ""}]


def test_the_approvals_that_wait_are_listed(api: Requests) -> None:
    waits = job_json(0, "RUNNING", outside=OUTSIDE, progress={"fraction": 0.0, "message": "Publish?"})
    begins = job_json(1, "RUNNING", outside=None)
    page = {"jobs": [waits, begins], "cursor": None, "looked_at": 2}
    seen = api({("GET", "/live/v1/jobs"): httpx.Response(200, json=page)})
    assert tidegate("approvals").stdout == f"{JOB}  until 2026-12-01T09:00:00.000Z  Publish?\n"
    assert dict(seen[0].url.params)["type"] == "tidegate.approval"
    shown = json.loads(tidegate("approvals", "-o", "json").stdout)
    assert [each["job_id"] for each in shown["jobs"]] == [JOB]


def test_no_approval_waits(api: Requests) -> None:
    api({("GET", "/live/v1/jobs"): httpx.Response(200, json={"jobs": [], "cursor": None, "looked_at": 0})})
    assert tidegate("approvals").stdout == "no approvals wait\n"
