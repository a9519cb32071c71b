"""`tidegate failures`: failed jobs by their cause, and acts on a group."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.harness.cli.samples import BEGIN_MS, WORKFLOW, client_of
from tests.harness.cli.screens import tidegate
from tidegate_cli import options
from tidegate_cli.commands.failures import merged
from tidegate_cli.views import format_time

FINGERPRINT = "3f2a91c07b5d8e64"
GROUP = {
    "fingerprint": FINGERPRINT,
    "type": "report.build",
    "code": "KeyError",
    "pattern": "no column <text>",
    "message": "no column \x1b[31m'total'",
    "count": 3,
    "first_at": "2026-12-01T03:00:00.000Z",
    "last_at": "2026-12-01T07:00:00.000Z",
    "over_time": [0, 1, 2],
    "job_ids": [f"{WORKFLOW}.{number}" for number in range(3)],
    "workflow_count": 1,
    "workflows": [{"workflow_id": WORKFLOW, "jobs": 3}],
    "muted": None,
}
PAGE = {
    "groups": [GROUP],
    "left_out": 0,
    "mutes": {},
    "since": "2026-11-30T08:00:00.000Z",
    "until": "2026-12-01T08:00:00.000Z",
    "step_seconds": 3600.0,
    "looked_at": 3,
    "looked_back_to": "2026-12-01T03:00:00.000Z",
    "cursor": None,
}
Answers = Callable[..., list[httpx.Request]]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Makes commands talk to an API that gives these answers in turn. Returns the list of its requests."""
    monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def install(*answers: dict[str, Any]) -> list[httpx.Request]:
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, json=answers[len(seen) - 1])

        monkeypatch.setattr(options, "Client", lambda target: client_of(answer))
        return seen

    return install


def _query(request: httpx.Request) -> dict[str, str]:
    return dict(request.url.params)


def test_the_table_shows_each_group_with_its_bars_and_no_command_to_the_terminal(api: Answers) -> None:
    api(PAGE)
    shown = tidegate("failures", "list").stdout
    for text in (FINGERPRINT, "report.build", "KeyError", "·▅█", "2026-12-01T07:00:00.000Z", "'total'"):
        assert text in shown
    assert "\x1b" not in shown


def test_options_are_sent_and_a_duration_becomes_a_time(
    api: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = api({**PAGE, "groups": [], "left_out": 2}, PAGE)
    monkeypatch.setattr(time, "time", lambda: BEGIN_MS / 1_000)
    narrow = ("--since", "2h", "--pool", "ecs", "--type", "t", "--code", "KeyError", "--muted")
    result = tidegate("failures", "list", *narrow)
    assert "no failures" in result.stdout
    assert "2 muted groups are left out" in result.stderr
    assert seen[0].url.path == "/live/v1/failures"
    since = format_time(BEGIN_MS - 7_200_000)
    assert _query(seen[0]) == {
        "since": since, "pool": "ecs", "type": "t", "code": "KeyError", "muted": "true"
    }  # fmt: skip
    assert tidegate("failures", "list", "--since", "lately").exit_code == 2


def test_several_pages_are_shown_as_one(api: Answers) -> None:
    other = "01JD3V8Q5S2Y6W9K4M7N0P1R2V"
    earlier = {
        **GROUP,
        "count": 5,
        "first_at": "2026-12-01T01:00:00.000Z",
        "over_time": [5, 0, 0],
        "workflow_count": 2,
        "workflows": [{"workflow_id": WORKFLOW, "jobs": 1}, {"workflow_id": other, "jobs": 4}],
    }
    small = {**GROUP, "fingerprint": "0" * 16, "count": 1}
    pages = [{**PAGE, "groups": [small, GROUP], "cursor": "a"}, {**PAGE, "groups": [earlier], "cursor": "b"}]
    seen = api(*pages)
    result = tidegate("failures", "list", "--limit", "4", "-o", "json")
    assert [_query(request) for request in seen] == [{}, {"cursor": "a"}]
    found = json.loads(result.stdout)
    assert (found["looked_at"], found["cursor"]) == (6, "b")
    assert "there may be earlier failures" in result.stderr
    group = found["groups"][0]
    assert (group["count"], group["over_time"], group["workflow_count"]) == (8, [5, 1, 2], 2)
    assert (group["first_at"], group["last_at"]) == (earlier["first_at"], GROUP["last_at"])
    assert group["workflows"] == [{"workflow_id": WORKFLOW, "jobs": 4}, {"workflow_id": other, "jobs": 4}]
    assert [each["count"] for each in merged([GROUP])] == [3]
    assert [each["count"] for each in found["groups"]] == [8, 1]


def test_pages_are_read_until_they_looked_at_enough_jobs_and_never_without_end(api: Answers) -> None:
    more = {**PAGE, "cursor": "a"}
    seen = api(*[{**more, "looked_at": 400}] * 4)
    assert json.loads(tidegate("failures", "list", "-o", "json").stdout)["looked_at"] == 1_200
    assert len(seen) == 3
    seen = api(*[{**more, "looked_at": 0}] * 60)
    assert json.loads(tidegate("failures", "list", "-o", "json").stdout)["cursor"] == "a"
    assert len(seen) == 50


def test_a_group_is_retried_by_the_filter_of_its_fingerprint(api: Answers) -> None:
    seen = api({"jobs": [], "done": 3, "asked": 0, "left": 0, "looked_at": 3, "cursor": None})
    since = "2026-12-01T00:00:00Z"
    result = tidegate("failures", "retry", FINGERPRINT, "--since", since, "--yes")
    assert "3 jobs retried" in result.stdout
    assert seen[0].url.path == "/live/v1/jobs/retry"
    assert json.loads(seen[0].content)["filter"] == {
        "state": "FAILED,TIMED_OUT", "failure": FINGERPRINT, "from": since
    }  # fmt: skip


@pytest.mark.parametrize(("command", "muted"), [("mute", True), ("unmute", False)])
def test_a_group_is_muted_and_unmuted(api: Answers, command: str, muted: bool) -> None:
    answer = {"fingerprint": FINGERPRINT, "muted": muted, "change": {"by": "ann", "at": PAGE["until"]}}
    seen = api(answer, answer)
    assert "ann" in tidegate("failures", command, FINGERPRINT).stdout
    assert json.loads(tidegate("failures", command, FINGERPRINT, "-o", "json").stdout) == answer
    assert (seen[0].method, seen[0].url.path) == ("POST", f"/live/v1/failures/{FINGERPRINT}/{command}")


def test_a_malformed_fingerprint_is_refused_before_any_request(api: Answers) -> None:
    seen = api()
    for arguments in (("mute", "rows"), ("retry", "../x", "--yes")):
        assert tidegate("failures", *arguments).exit_code == 2
    assert tidegate("jobs", "list", "--failure", "rows").exit_code == 2
    assert not seen
