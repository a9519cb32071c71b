"""The commands `tidegate pools` and `tidegate types`."""

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

SET = {"by": "ann", "at": "2026-12-01T08:00:00.000Z"}
POOL: dict[str, Any] = {
    "name": "ecs",
    "kind": "process",
    "capabilities": ["cuda", "large"],
    "tags": {"compute": "[b]fargate"},
    "max_timeout_seconds": 43_200,
    "window": 2.0,
    "capacity": 8,
    "workers": 2,
    "ready": {"count": 1_000, "more": True},
    "held": {"count": 2, "more": False},
    "active": {"count": 16, "more": False},
    "paused": True,
    "changes": {"paused": SET},
}
TYPE: dict[str, Any] = {
    "type": "report.build",
    "second_attempt": True,
    "paused": False,
    "max_running": 3,
    "changes": {"paused": None, "max_running": SET},
}
Seen = list[tuple[str, str, bytes]]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Any], Seen]:
    """Makes commands talk to an API that gives every request the same answer. Returns the list of its requests."""

    def install(answer: Any) -> Seen:
        seen: Seen = []

        def handler(request: httpx.Request) -> httpx.Response:
            seen.append((request.method, request.url.raw_path.decode(), request.content))
            return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

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
    ("arguments", "asked"),
    [
        (("pools", "get", "ecs"), ("GET", "/live/v1/pools/ecs", b"")),
        (("pools", "pause", "ecs"), ("POST", "/live/v1/pools/ecs/pause", b"")),
        (("pools", "resume", "ecs:2"), ("POST", "/live/v1/pools/ecs%3A2/resume", b"")),
        (("types", "get", "report.build"), ("GET", "/live/v1/types/report.build", b"")),
        (("types", "pause", "report.build"), ("POST", "/live/v1/types/report.build/pause", b"")),
        (("types", "resume", "report.build"), ("POST", "/live/v1/types/report.build/resume", b"")),
        (
            ("types", "limit", "report.build", "100"),
            ("PUT", "/live/v1/types/report.build/limit", b'{"max_running":100}'),
        ),
        (
            ("types", "limit", "report.build", "none"),
            ("PUT", "/live/v1/types/report.build/limit", b'{"max_running":null}'),
        ),
    ],
)
def test_each_command_is_one_call_and_prints_the_answer(
    api: Callable[[Any], Seen], arguments: tuple[str, ...], asked: tuple[str, str, bytes]
) -> None:
    answer = POOL if arguments[0] == "pools" else TYPE
    seen = api(answer)
    result = tidegate(*arguments, "--output", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, answer)
    assert seen == [asked]


def test_a_pool_is_shown_with_who_paused_it(api: Callable[[Any], Seen]) -> None:
    api(POOL)
    lines = [line.split(maxsplit=1) for line in tidegate("pools", "get", "ecs").stdout.splitlines()]
    shown = {name: value.strip() for name, value in lines}
    assert shown["ready"] == "1000+"
    assert shown["active"] == "16"
    assert shown["capabilities"] == "cuda, large"
    assert shown["tags"] == "compute=[b]fargate"
    assert "by ann at 2026-12-01T08:00:00.000Z" in shown["paused"]


def test_pools_are_listed_a_line_each(api: Callable[[Any], Seen]) -> None:
    api({"pools": [POOL, {**POOL, "name": "lambda", "paused": False, "capabilities": [], "tags": {}}]})
    head, ecs, other = (line.split() for line in tidegate("pools", "list").stdout.splitlines())
    assert head == [
        "pool",
        "kind",
        "capacity",
        "workers",
        "active",
        "ready",
        "held",
        "paused",
        "offers",
        "tags",
    ]
    assert ecs == [
        "ecs",
        "process",
        "8",
        "2",
        "16",
        "1000+",
        "2",
        "paused",
        "cuda,",
        "large",
        "compute=[b]fargate",
    ]
    assert other == ["lambda", "process", "8", "2", "16", "1000+", "2", "-", "-", "-"]
    assert len(json.loads(tidegate("pools", "list", "-o", "json").stdout)["pools"]) == 2


def test_types_are_listed_a_line_each(api: Callable[[Any], Seen]) -> None:
    other = {**TYPE, "type": "x", "paused": True, "max_running": None}
    del other["second_attempt"]  # a service of an earlier version does not tell it
    announced = {**TYPE, "type": "y", "announced": {"pool": "ecs", "live_workers": 2}}
    api({"types": [TYPE, other, announced]})
    lines = [line.split() for line in tidegate("types", "list").stdout.splitlines()]
    assert lines == [
        ["type", "paused", "at", "once", "second", "attempt", "workers"],
        ["report.build", "-", "3", "yes", "-"],
        ["x", "paused", "-", "-", "-"],
        ["y", "-", "3", "yes", "2"],
    ]
    assert json.loads(tidegate("types", "list", "-o", "json").stdout)["types"][0] == TYPE


def test_what_is_not_deployed_any_more_is_shown_as_that(api: Callable[[Any], Seen]) -> None:
    api({"pools": [{**POOL, "deployed": False, "kind": None}]})
    assert tidegate("pools", "list").stdout.splitlines()[1].split()[:3] == ["ecs", "not", "deployed"]
    api({"types": [{**TYPE, "deployed": False}]})
    assert tidegate("types", "list").stdout.splitlines()[1].startswith("report.build (not deployed) ")


@pytest.mark.parametrize("limit", ["0", "101", "1.5", "x", "٣", "9" * 400])
def test_a_limit_that_is_none_is_wrong_use_and_nothing_is_sent(
    api: Callable[[Any], Seen], limit: str
) -> None:
    seen = api(TYPE)
    result = tidegate("types", "limit", "report.build", limit)
    assert (result.exit_code, seen) == (2, [])
    assert "must be a number from 1 to 100, or none for no limit" in result.stderr


def test_an_unknown_pool_is_one_message_with_the_known_ones(api: Callable[[Any], Seen]) -> None:
    message = "unknown pool 'esc'; pools are ecs, lambda"
    api(httpx.Response(404, json={"title": "Not found", "errors": [{"field": "pool", "message": message}]}))
    result = tidegate("pools", "pause", "esc")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"tidegate: Not found (404)\n  pool: {message}\n"


def test_an_answer_without_pools_is_an_error(api: Callable[[Any], Seen]) -> None:
    api({"message": "hello"})
    result = tidegate("pools", "list")
    assert result.exit_code == 1
    assert "has no list of pools" in result.stderr
