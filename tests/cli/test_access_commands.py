"""The commands `tidegate grants` and `tidegate shares`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.harness.cli.samples import client_of
from tidegate_cli import options
from tidegate_cli.commands.root import app

ARN = "arn:aws:iam::123456789012:role/Nightly"
QUOTED = "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FNightly"
GRANT: dict[str, Any] = {
    "namespace": ARN,
    "role": "operator",
    "namespaces": ["team-a", "team-b"],
    "by": "arn:aws:iam::123456789012:user/ann",
    "at": "2026-12-01T08:00:00.000Z",
}
SHARE: dict[str, Any] = {
    "pool": "ecs",
    "share": "reports",
    "weight": 3,
    "max_priority": 500,
    "max_waiting": None,
    "by": "ann",
    "at": "2026-12-01T08:00:00.000Z",
}
Seen = list[tuple[str, str, bytes]]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Any], Seen]:
    """Makes commands talk to an API that gives every request the same answer. Returns the list of its requests."""

    def install(answer: Any) -> Seen:
        seen: Seen = []

        def handler(request: httpx.Request) -> httpx.Response:
            seen.append((request.method, request.url.raw_path.decode(), request.content))
            return httpx.Response(200, json=answer)

        monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
        monkeypatch.setenv("TIDEGATE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        return seen

    return install


def tidegate(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    ("arguments", "answer", "asked"),
    [
        (("grants", "list"), {"grants": [GRANT]}, ("GET", "/live/v1/grants", b"")),
        (
            ("grants", "set", ARN, "--role", "operator", "--namespace", "a", "--namespace", "b"),
            GRANT,
            ("PUT", f"/live/v1/grants?namespace={QUOTED}", b'{"role":"operator","namespaces":["a","b"]}'),
        ),
        (
            ("grants", "set", ARN),
            GRANT,
            ("PUT", f"/live/v1/grants?namespace={QUOTED}", b'{"role":"client","namespaces":[]}'),
        ),
        (("grants", "remove", ARN), GRANT, ("DELETE", f"/live/v1/grants?namespace={QUOTED}", b"")),
        (("shares", "list", "ecs"), {"shares": [SHARE]}, ("GET", "/live/v1/pools/ecs/shares", b"")),
        (("shares", "get", "ecs", "reports"), SHARE, ("GET", "/live/v1/pools/ecs/shares/reports", b"")),
        (
            ("shares", "set", "ecs", "reports", "--weight", "3", "--max-priority", "500"),
            SHARE,
            (
                "PUT",
                "/live/v1/pools/ecs/shares/reports",
                b'{"weight":3,"max_priority":500,"max_waiting":null}',
            ),
        ),
        (("shares", "remove", "ecs", "reports"), SHARE, ("DELETE", "/live/v1/pools/ecs/shares/reports", b"")),
    ],
)
def test_each_command_is_one_call_and_prints_the_answer(
    api: Callable[[Any], Seen], arguments: tuple[str, ...], answer: Any, asked: tuple[str, str, bytes]
) -> None:
    seen = api(answer)
    result = tidegate(*arguments, "--output", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, answer)
    assert seen == [asked]


def test_grants_and_shares_are_shown_for_people(api: Callable[[Any], Seen]) -> None:
    api({"grants": [GRANT]})
    assert ARN in tidegate("grants", "list").stdout
    api(GRANT)
    shown = tidegate("grants", "remove", ARN).stdout
    assert "team-a, team-b" in shown
    assert "operator" in shown
    api({"shares": [SHARE]})
    assert tidegate("shares", "list", "ecs").stdout.splitlines()[1].split() == [
        "reports",
        "3",
        "500",
        "-",
        "ann",
    ]
    api({"shares": []})
    assert tidegate("shares", "list", "ecs").stdout == "no shares\n"
    api({"grants": []})
    assert tidegate("grants", "list").stdout == "no grants\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("grants", "set", ARN, "--role", "viewer"),
        ("shares", "set", "ecs", "a b"),
        ("shares", "set", "ecs", "a", "--weight", "0"),
        ("shares", "set", "ecs", "a", "--max-waiting", "1001"),
        ("shares", "get", "ecs", "../x"),
    ],
)
def test_what_the_api_would_refuse_is_not_sent(
    api: Callable[[Any], Seen], arguments: tuple[str, ...]
) -> None:
    seen = api({})
    assert tidegate(*arguments).exit_code == 2
    assert seen == []
