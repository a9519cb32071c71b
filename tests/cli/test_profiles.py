"""Saved deployments: `tidegate profiles`, and the commands that talk to one by its name."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import httpx
import pytest

from tests.harness.cli.screens import tidegate
from tidegate_cli import options
from tidegate_cli.client import Client
from tidegate_cli.commands.profiles import complete_name

URL = "https://abc123.execute-api.eu-central-1.amazonaws.com/live"


@pytest.fixture
def file() -> Path:
    return Path(os.environ["TIDEGATE_PROFILES"])


def _set(*arguments: str) -> None:
    result = tidegate("profiles", "set", *arguments)
    assert result.exit_code == 0, result.output


def test_a_profile_is_saved_shown_and_removed(file: Path) -> None:
    _set("prod", "--api-url", f"{URL}/v1/", "--aws-profile", "night")
    _set("alike", "--api-url", URL, "--region", "eu-west-1")
    saved = {
        "prod": {"api_url": URL, "aws_profile": "night"},
        "alike": {"api_url": URL, "region": "eu-west-1"},
    }
    assert tomllib.loads(file.read_text(encoding="utf-8")) == saved
    listed = json.loads(tidegate("profiles", "list", "-o", "json").stdout)
    assert [each["name"] for each in listed["profiles"]] == ["alike", "prod"]
    assert listed["file"] == str(file)
    assert "night" in tidegate("profiles", "list").stdout
    assert complete_name("pr") == ["prod"]
    assert tidegate("profiles", "remove", "prod").stdout == f"prod is removed from {file}\n"
    assert complete_name("") == ["alike"]
    assert list(file.parent.iterdir()) == [file]


def test_a_second_set_replaces_the_first(file: Path) -> None:
    _set("prod", "--api-url", URL, "--aws-profile", "night")
    _set("prod", "--api-url", URL)
    assert tomllib.loads(file.read_text(encoding="utf-8")) == {"prod": {"api_url": URL}}


@pytest.fixture
def _api(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"pool": "ecs", "paused": True}))
    monkeypatch.setattr(options, "Client", lambda target: Client(target, transport=transport))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.usefixtures("_api")
def test_a_command_talks_to_the_named_deployment() -> None:
    _set("prod", "--api-url", URL, "--region", "eu-west-3")
    result = tidegate("--profile", "prod", "pools", "pause", "ecs")
    assert result.exit_code == 0, result.output
    assert result.stderr == f"deployment: prod, {URL} in eu-west-3\n"


@pytest.mark.usefixtures("_api")
def test_options_of_the_command_line_come_before_the_profile_s() -> None:
    _set("prod", "--api-url", URL, "--region", "eu-west-3")
    result = tidegate("--profile", "prod", "--region", "eu-west-2", "pools", "pause", "ecs")
    assert result.stderr == f"deployment: prod, {URL} in eu-west-2\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--profile", "prot", "pools", "list"), "'prot' is no saved deployment (there are prod)"),
        (
            ("--profile", "prod", "--api-url", URL, "pools", "list"),
            "--profile means nothing beside --api-url",
        ),
        (
            ("--profile", "prod", "local", "status"),
            "--profile means nothing for a command of the local stack",
        ),
        (("--profile", "prod", "worker", "--pool", "ecs"), "--profile means nothing for `tidegate worker`"),
        (("--profile", "prod", "profiles", "list"), "--profile means nothing for `tidegate profiles list`"),
        (
            ("--profile", "prod", "profiles", "set", "a"),
            "--profile means nothing for `tidegate profiles set`",
        ),
        (("--api-url", URL, "profiles", "list"), "--api-url means nothing for `tidegate profiles list`"),
        (("profiles", "remove", "prot"), "no profile is named 'prot'"),
        (("profiles", "set", "a"), "--api-url is needed"),
        (("profiles", "set", "a b", "--api-url", URL), "can't name a profile"),
        (("profiles", "set", "a", "--api-url", "https://ann:word@abc.org/live"), "holds no user"),
        (("profiles", "set", "a", "--api-url", "abc.org"), "begins with https://"),
    ],
)
def test_mistakes_are_named_with_the_fix(arguments: tuple[str, ...], said: str, file: Path) -> None:
    _set("prod", "--api-url", URL)
    before = file.read_text(encoding="utf-8")
    result = tidegate(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert file.read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[prod", "can't be read"),
        ("prod = 3", "prod must be a table"),
        ('[prod]\napi_url = "https://a"\ntoken = "x"', "prod.token is no field of a profile"),
        ("[prod]\nregion = 'a'", "prod.api_url must be text"),
        ("[prod]\napi_url = 'https://a'\nregion = 3", "prod.region must be text"),
    ],
)
def test_a_file_that_is_not_right_is_named(file: Path, text: str, said: str) -> None:
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    result = tidegate("--profile", "prod", "pools", "list")
    assert result.exit_code == 2
    assert str(file) in result.stderr
    assert said in result.stderr
