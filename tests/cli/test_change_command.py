"""The command that changes a waiting job."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from tests.cli.test_commands import Answers, api, tidegate
from tests.harness.cli.samples import WORKFLOW, job_json

__all__ = ["api"]
JOB = f"{WORKFLOW}.0"
PATH = f"/live/v1/jobs/{JOB}"
Requests = Callable[[Answers], list[httpx.Request]]


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (("--priority", "900"), {"priority": 900}),
        (
            ("--not-before", "2026-12-01T06:00:00Z", "--pool", "ecs"),
            {"not_before": "2026-12-01T06:00:00Z", "pool": "ecs"},
        ),
        (("--not-before", "none", "--description", ""), {"not_before": None, "description": None}),
        (("--finish-by", "2026-12-01T07:00:00Z"), {"finish_by": "2026-12-01T07:00:00Z"}),
        (("--finish-by", "none"), {"finish_by": None}),
        (("--tag", "team=data", "--tag", "a=b=c"), {"tags": {"team": "data", "a": "b=c"}}),
        (("--tag", "none"), {"tags": {}}),
    ],
)
def test_a_job_is_changed(api: Requests, options: tuple[str, ...], body: dict[str, object]) -> None:
    seen = api({("PATCH", PATH): httpx.Response(200, json=job_json(0, "READY"))})
    result = tidegate("jobs", "change", JOB, *options)
    assert result.stdout == f"{JOB} is READY: changed {', '.join(body)}\n"
    assert json.loads(seen[-1].content) == body
    shown = tidegate("jobs", "change", JOB, *options, "--output", "json").stdout
    assert json.loads(shown)["job_id"] == JOB


@pytest.mark.parametrize(
    ("options", "said"), [((), "nothing to change"), (("--tag", "team"), "--tag 'team' has no value")]
)
def test_a_change_of_nothing_is_refused(api: Requests, options: tuple[str, ...], said: str) -> None:
    seen = api({})
    result = tidegate("jobs", "change", JOB, *options)
    assert (result.exit_code, seen) == (2, [])
    assert said in result.stderr


@pytest.mark.parametrize(
    ("given", "sent", "said"),
    [
        ("2026-12-01T06:00:00Z", "2026-12-01T06:00:00Z", "ought to end by 2026-12-01T06:00:00Z"),
        ("none", None, "has no time to finish by"),
    ],
)
def test_a_workflow_is_changed(api: Requests, given: str, sent: str | None, said: str) -> None:
    workflow_id = JOB.partition(".")[0]
    row = {"workflow_id": workflow_id, "state": "RUNNING", "job_count": 1, "finish_by": sent}
    seen = api({("PATCH", f"/live/v1/workflows/{workflow_id}"): httpx.Response(200, json=row)})
    result = tidegate("workflows", "change", workflow_id, "--finish-by", given)
    assert result.stdout == f"{workflow_id} {said}\n"
    assert json.loads(seen[-1].content) == {"finish_by": sent}
