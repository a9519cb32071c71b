"""`tidegate me` and `tidegate audit`: who asks, and who did what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.harness.cli.samples import client_of
from tidegate_cli import options
from tidegate_cli.commands.root import app

ME = {
    "subject": "arn:aws:iam::123456789012:user/ann",
    "display": "ann",
    "kind": "iam",
    "role": None,
    "scopes": None,
    "version": "0.1.0",
    "stage": "live",
    "stack": "tidegate",
}
ACT = {
    "id": "01KBC7RV8M5B6W2Y3Q7RVXN4C1",
    "at": "2026-12-01T08:00:00.000Z",
    "act": "pool.pause",
    "subject": "pool#ecs",
    "route": "POST /v1/pools/{pool}/pause",
    "caller": {"subject": ME["subject"], "display": "ann \x1b[31m", "kind": "iam"},
    "outcome": "done",
    "code": None,
    "ended_at": "2026-12-01T08:00:00.100Z",
    "before": {"paused": False},
    "after": {"paused": True},
}
Answers = Callable[[dict[str, Any]], list[httpx.Request]]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Makes commands talk to an API that gives one answer. Returns the list of its requests."""
    monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def install(answer: dict[str, Any]) -> list[httpx.Request]:
        seen: list[httpx.Request] = []

        def handler(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, json=answer)

        monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
        return seen

    return install


def tidegate(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_me_shows_the_caller_and_the_deployment(api: Answers) -> None:
    seen = api(ME)
    shown = dict(line.split(maxsplit=1) for line in tidegate("me").stdout.splitlines())
    assert shown["subject"].strip() == ME["subject"]
    assert (shown["role"].strip(), shown["version"].strip()) == ("-", "0.1.0")
    assert json.loads(tidegate("me", "-o", "json").stdout) == ME
    assert seen[0].url.path == "/live/v1/me"


def test_acts_are_one_line_each(api: Answers) -> None:
    seen = api({"acts": [ACT], "cursor": None, "looked_back_to": "2026-11-01T00:00:00.000Z"})
    given = {
        "--subject": "pool#ecs",
        "--caller": str(ME["subject"]),
        "--from": "2026-12-01T00:00:00Z",
        "--to": "2026-12-02T00:00:00Z",
    }
    result = tidegate("audit", *(part for pair in given.items() for part in pair))
    assert result.exit_code == 0, result.stderr
    assert dict(seen[0].url.params) == {name.removeprefix("--"): text for name, text in given.items()} | {
        "limit": "50"
    }
    header, line = result.stdout.splitlines()
    assert header.split() == ["at", "act", "subject", "by", "outcome", "code", "before", "after"]
    assert line.split()[:3] == ["2026-12-01T08:00:00.000Z", "pool.pause", "pool#ecs"]
    assert line.split()[-2:] == ["paused=no", "paused=yes"]
    assert "\x1b" not in result.stdout


def test_a_list_goes_on_over_pages_until_its_limit(api: Answers) -> None:
    seen = api({"acts": [ACT, ACT], "cursor": "more"})
    result = tidegate("audit", "--limit", "3", "--output", "json")
    assert json.loads(result.stdout) == {"acts": [ACT] * 3}
    assert [dict(request.url.params) for request in seen] == [
        {"limit": "3"},
        {"limit": "1", "cursor": "more"},
    ]
    assert "3 acts are listed, as many as --limit allows" in result.stderr


def test_no_acts_is_said(api: Answers) -> None:
    api({"acts": [], "cursor": None})
    assert tidegate("audit").stdout == "no acts\n"


@pytest.mark.parametrize(
    ("arguments", "option"), [(("--from", "yesterday"), "--from"), (("--subject", ""), "--subject")]
)
def test_a_bad_option_is_refused_before_anything_is_sent(
    api: Answers, arguments: tuple[str, ...], option: str
) -> None:
    seen = api(ME)
    result = tidegate("audit", *arguments)
    assert result.exit_code == 2
    assert option in result.stderr
    assert seen == []
