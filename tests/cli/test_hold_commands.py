"""The commands that put jobs on hold and take them off hold."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from tests.cli.test_commands import Answers, api, tidegate
from tests.harness.cli.samples import WORKFLOW, job_json

__all__ = ["api"]
JOB = f"{WORKFLOW}.0"
Requests = Callable[[Answers], list[httpx.Request]]
COUNTS = {"changed": 3, "same": 1, "dispatched": 0, "ended": 0, "at_limit": 0}


def counted(cursor: str | None = None, **changes: object) -> httpx.Response:
    return httpx.Response(200, json={"workflow_id": WORKFLOW, **COUNTS, "cursor": cursor, **changes})


@pytest.mark.parametrize(("act", "said"), [("hold", "on hold"), ("unhold", "not on hold")])
def test_a_job_is_put_on_hold_or_taken_off_it(api: Requests, act: str, said: str) -> None:
    answer = httpx.Response(200, json=job_json(0, "SCHEDULED"))
    api({("POST", f"/live/v1/jobs/{JOB}/{act}"): answer})
    assert tidegate("jobs", act, JOB).stdout == f"{JOB} is SCHEDULED, {said}\n"
    assert json.loads(tidegate("jobs", act, JOB, "-o", "json").stdout)["job_id"] == JOB


@pytest.mark.parametrize(("act", "said"), [("hold", "put on hold"), ("unhold", "taken off hold")])
def test_a_workflow_takes_as_many_calls_as_it_needs(api: Requests, act: str, said: str) -> None:
    answers = [counted("c"), counted(dispatched=2, at_limit=1)]
    seen = api({("POST", f"/live/v1/workflows/{WORKFLOW}/{act}"): answers})
    result = tidegate("workflows", act, WORKFLOW)
    told = f"6 jobs {said}, 2 are dispatched and go on, 1 were changed as often as is allowed"
    assert result.stdout == f"{WORKFLOW}: {told}\n"
    assert result.stderr == f"3 jobs {said}, going on\n"
    assert [request.url.query for request in seen] == [b"", b"cursor=c"]


def test_the_counts_of_a_workflow_are_one_object(api: Requests) -> None:
    api({("POST", f"/live/v1/workflows/{WORKFLOW}/hold"): counted()})
    shown = json.loads(tidegate("workflows", "hold", WORKFLOW, "-o", "json").stdout)
    assert shown == {"workflow_id": WORKFLOW, **COUNTS, "complete": True}


@pytest.mark.parametrize(("act", "said"), [("hold", "put on hold"), ("unhold", "taken off hold")])
def test_many_jobs_are_counted_first(api: Requests, act: str, said: str) -> None:
    page: dict[str, object] = {"jobs": [], "cursor": None, "done": 4, "asked": 0, "left": 0, "looked_at": 9}
    api({("POST", f"/live/v1/jobs/{act}"): httpx.Response(200, json=page)})
    result = tidegate("jobs", f"{act}-all", "--state", "PENDING", "--tag", "team=data", "--dry-run")
    assert result.stdout == f"4 jobs would be {said}\n"
