"""`tidegate status`: whether the deployment's schedules and streams are alive."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.harness.cli.samples import client_of
from tidegate_cli import options
from tidegate_cli.commands.root import app

LAST_AT = "2026-12-01T08:00:00.000Z"


def _answer(*, healthy: bool) -> dict[str, Any]:
    life = {"last_at": LAST_AT, "expected_every_seconds": 120}
    return {
        "healthy": healthy,
        "version": "0.1.0",
        "schedules": [
            {"name": "dispatcher", **life, "alive": True},
            {"name": "reaper", **life, "alive": healthy},
        ],
        "streams": [
            {"name": "release", **life, "alive": True, "idle": False},
            {"name": "record", **life, "last_at": None, "alive": True, "idle": True},
        ],
        "pools": [{"name": "ecs", "paused": True}, {"name": "lambda", "paused": False}],
    }


def _status(monkeypatch: pytest.MonkeyPatch, *arguments: str, healthy: bool = True) -> Result:
    monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def handler(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("GET", "/live/v1/status")
        return httpx.Response(200, json=_answer(healthy=healthy))

    monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
    return CliRunner().invoke(app, ["status", *arguments])


def test_each_part_is_a_line_and_so_is_a_paused_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    result = _status(monkeypatch)
    assert result.exit_code == 0
    header, *lines, verdict = result.stdout.splitlines()
    assert header.split() == ["part", "kind", "state", "last", "at"]
    assert [line.split() for line in lines] == [
        ["dispatcher", "schedule", "alive", LAST_AT],
        ["reaper", "schedule", "alive", LAST_AT],
        ["release", "stream", "alive", LAST_AT],
        ["record", "stream", "idle", "-"],
        ["ecs", "pool", "paused", "-"],
    ]
    assert verdict == "version 0.1.0 is healthy"


def test_a_dead_part_is_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    result = _status(monkeypatch, healthy=False)
    assert result.exit_code == 1
    assert ["reaper", "schedule", "dead", LAST_AT] in [line.split() for line in result.stdout.splitlines()]
    assert result.stdout.endswith("is not healthy\n")


@pytest.mark.parametrize("healthy", [True, False])
def test_json_is_the_answer_as_it_came(monkeypatch: pytest.MonkeyPatch, healthy: bool) -> None:
    result = _status(monkeypatch, "--output", "json", healthy=healthy)
    assert json.loads(result.stdout) == _answer(healthy=healthy)
    assert result.exit_code == (0 if healthy else 1)
