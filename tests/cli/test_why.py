"""The command that says why a job is not running."""

from __future__ import annotations

import json

import httpx

from tests.cli.test_commands import tidegate
from tests.cli.test_recovery_commands import Requests, api
from tests.harness.cli.samples import WORKFLOW

__all__ = ["api"]
PATH = ("GET", f"/live/v1/jobs/{WORKFLOW}.1/why")
ANSWER = {
    "job_id": f"{WORKFLOW}.1",
    "state": "PENDING",
    "facts": [{"code": "pool-paused", "message": "Pool ecs is paused.", "evidence": {}, "change": {}}],
    "sentence": "To start it, resume pool ecs.",
    "complete": True,
}


def test_each_fact_has_a_line_and_the_change_comes_last(api: Requests) -> None:
    api({PATH: httpx.Response(200, json=ANSWER)})
    assert tidegate("why", f"{WORKFLOW}.1").stdout.splitlines() == [
        f"{WORKFLOW}.1 is PENDING",
        "  pool-paused: Pool ecs is paused.",
        "To start it, resume pool ecs.",
    ]


def test_an_answer_that_was_cut_off_says_so(api: Requests) -> None:
    api({PATH: httpx.Response(200, json={**ANSWER, "complete": False})})
    assert "the least that are needed" in tidegate("why", f"{WORKFLOW}.1").stdout


def test_the_whole_answer_is_json(api: Requests) -> None:
    api({PATH: httpx.Response(200, json=ANSWER)})
    assert json.loads(tidegate("why", f"{WORKFLOW}.1", "--output", "json").stdout) == ANSWER
