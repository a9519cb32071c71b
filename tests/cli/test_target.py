"""The deployment that a command means: idle options are refused, and a command that changes it names it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from tidegate_cli import client as clients
from tidegate_cli import options
from tidegate_cli.commands.root import app
from tidegate_devstack.model import StackInfo, write_info

API = "https://abc123.execute-api.eu-central-1.amazonaws.com/live"
CONFIGURATION = """[profile night]
region = eu-central-1
aws_access_key_id = AKIDONE
aws_secret_access_key = word
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records a local stack as running, and writes a profile of the user's."""
    configuration = tmp_path / "aws"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(configuration))
    (tmp_path / "home").mkdir(mode=0o700)
    info = StackInfo(
        api_url="http://127.0.0.1:1/live",
        endpoint_url="http://127.0.0.1:1",
        region="us-east-1",
        access_key_id="key",
        secret_access_key="word",
        outputs={},
        environment={},
        port=1,
        pid=2,
    )
    write_info(tmp_path / "home" / "stack.json", info)
    return tmp_path / "home"


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Any], None]:
    """Makes the API give every call the same answer."""

    def install(status: int, body: Any) -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
        made = clients.Client
        monkeypatch.setattr(options, "Client", lambda target: made(target, transport=transport))

    return install


@pytest.mark.parametrize("given", [("--aws-profile", "night"), ("--region", "eu-central-1")])
@pytest.mark.parametrize(
    "command",
    [
        ("pools", "list"),
        ("jobs", "cancel", "01JD3V8Q5S2Y6W9K4M7N0P1R2T"),
        ("local", "status"),
        ("local", "down"),
        ("demo",),
    ],
)
def test_options_of_aws_are_refused_beside_the_local_stack(
    given: tuple[str, str], command: tuple[str, ...]
) -> None:
    result = CliRunner().invoke(app, [*given, *command])
    assert result.exit_code == 2, result.output
    assert re.search(rf"{given[0]} means nothing for .*local stack.*: leave it out", result.stderr)


def test_a_worker_says_where_its_credentials_come_from() -> None:
    result = CliRunner().invoke(app, ["--aws-profile", "night", "worker", "--pool", "ecs"])
    assert result.exit_code == 2, result.output
    assert "set AWS_PROFILE" in result.stderr


def test_what_acts_names_the_local_stack_and_leaves_json_alone(answer: Callable[[int, Any], None]) -> None:
    answer(200, {"pool": "ecs", "paused": True})
    result = CliRunner().invoke(app, ["pools", "pause", "ecs", "-o", "json"])
    assert result.exit_code == 0, result.output
    assert result.stderr == "deployment: the local stack at http://127.0.0.1:1\n"
    assert json.loads(result.stdout)["paused"] is True


def test_what_acts_names_api_region_and_profile(answer: Callable[[int, Any], None]) -> None:
    answer(200, {"pool": "ecs", "paused": True})
    result = CliRunner().invoke(
        app, ["--aws-profile", "night", "--region", "us-west-2", "--api-url", API, "pools", "pause", "ecs"]
    )
    assert result.exit_code == 0, result.output
    assert result.stderr == f"deployment: {API} in us-west-2 with AWS profile night\n"


def test_what_only_asks_names_nothing(answer: Callable[[int, Any], None]) -> None:
    answer(200, {"pools": []})
    result = CliRunner().invoke(app, ["pools", "list", "-o", "json"])
    assert (result.exit_code, result.stderr) == (0, "")


def test_what_was_refused_names_nothing(answer: Callable[[int, Any], None]) -> None:
    answer(404, {"title": "Not found", "status": 404})
    result = CliRunner().invoke(app, ["pools", "pause", "ecs"])
    assert (result.exit_code, result.stderr) == (1, "tidegate: Not found (404)\n")
