"""`tidegate doctor` as a command: its text, its JSON, its exit codes."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import boto3
import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.harness.cli.deployment import World
from tests.harness.cli.fake_aws import API_URL
from tests.harness.cli.samples import client_of
from tests.harness.template import Resolved
from tidegate_cli import options
from tidegate_cli.commands import doctor
from tidegate_cli.commands.root import app
from tidegate_cli.doctor.findings import NotMade
from tidegate_cli.options import Session
from tidegate_cli.target import Target


def _doctor(monkeypatch: pytest.MonkeyPatch, world: World, *arguments: str) -> Result:
    monkeypatch.setenv("TIDEGATE_API_URL", API_URL)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    world.status["version"] = version("tidegate")

    def answer(request: httpx.Request) -> httpx.Response:
        answers = {"/live/v1/status": world.status, "/live/v1/pools": {"pools": world.pools}}
        return httpx.Response(200, json=answers[request.url.path])

    monkeypatch.setattr(options, "Client", lambda target: client_of(answer))
    monkeypatch.setattr(doctor, "_clients", lambda aws, target: world.aws.client)
    monkeypatch.setattr(doctor, "connect_stores", lambda *_: world.services)
    monkeypatch.setattr(doctor, "clock_ahead_seconds", lambda *_, **__: 0.0)
    return CliRunner().invoke(app, ["doctor", *arguments])


def test_the_command_says_that_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    result = _doctor(monkeypatch, World())
    assert result.exit_code == 0, result.stdout
    assert result.stdout.splitlines()[-1] == "healthy: 21 checks"
    assert "checking dead-letters: no message was given up" in result.stderr


def test_the_command_says_what_to_do_and_exits_with_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.aws.letters["EventDeadLetters"] = 2
    result = _doctor(monkeypatch, world)
    assert result.exit_code == 7
    lines = result.stdout.splitlines()
    place = lines.index("dead-letters  findings")
    assert lines[place + 1] == "  error: EventDeadLetters holds 2 messages"
    assert lines[place + 3] == "    see: docs/guides/runbook.md#dead-letters"
    assert lines[-1] == "not healthy: 1 findings, 0 checks not made"


def test_a_hint_is_shown_and_leaves_the_deployment_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.pools[0].update(paused=True, ready={"count": 2, "more": False})
    result = _doctor(monkeypatch, world)
    assert result.exit_code == 0, result.stdout
    lines = result.stdout.splitlines()
    place = lines.index("pools         healthy")
    assert lines[place + 1] == "  hint: the pool p is paused, and 2 jobs wait in it"
    assert lines[-1] == "healthy: 21 checks"
    world.aws.letters["EventDeadLetters"] = 2
    assert _doctor(monkeypatch, world).stdout.endswith("not healthy: 1 findings, 0 checks not made\n")


def test_json_has_every_check(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.aws.denied = {"GetSchedule"}
    result = _doctor(monkeypatch, world, "--output", "json")
    said = json.loads(result.stdout)
    assert result.exit_code == 7
    assert (said["healthy"], said["api_url"], len(said["checks"])) == (False, API_URL, 21)
    (schedules,) = [each for each in said["checks"] if each["check"] == "schedules"]
    assert schedules["outcome"] == "not made"


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        (
            "role_arn = arn:aws:iam::123456789012:role/r",
            "it needs AWS credentials (Partial credentials found",
        ),
        ("role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = none", 'The source_profile "none"'),
        ("region = eu-west-1", "it needs AWS credentials: set AWS_PROFILE"),
        (None, "The config profile (broken) could not be found"),
    ],
)
def test_a_profile_without_credentials_leaves_the_checks_of_the_api(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str | None, why: str
) -> None:
    file = tmp_path / "config"
    file.write_text(f"[profile broken]\n{profile}\n" if profile else "")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(Session, "target", lambda _: Target(API_URL, "", None, aws_profile="broken"))
    result = _doctor(monkeypatch, World(), "--output", "json")
    assert result.exit_code == 7, result.output
    checks = {each["check"]: each for each in json.loads(result.stdout)["checks"]}
    made = {name for name, each in checks.items() if each["outcome"] == "healthy"}
    assert made == {"version", "pulses", "pools", "clock", "permissions"}
    assert why in checks["stack"]["why"]


def test_the_stores_are_those_of_the_environment() -> None:
    environment = Resolved().globals["Function"]["Environment"]["Variables"]
    aws = boto3.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")
    target = Target(API_URL, "eu-west-1", aws.get_credentials())
    services = doctor.connect_stores({name: str(value) for name, value in environment.items()}, aws, target)
    assert sorted(services.settings.pools) == ["ecs", "lambda"]
    with pytest.raises(NotMade):
        doctor.connect_stores({}, None, target)
