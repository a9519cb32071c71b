"""`tidegate local env` prints the variables with which a shell uses a local stack."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import tidegate_devstack
from tidegate_cli.commands.root import app
from tidegate_devstack import StackInfo

SETTINGS = {
    "TIDEGATE_API_URL": "http://127.0.0.1:4566/live",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "AWS_ACCESS_KEY_ID": "tidegate-local",
    "AWS_SECRET_ACCESS_KEY": "a 'quoted' $word",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture
def up(monkeypatch: pytest.MonkeyPatch) -> None:
    info = StackInfo(
        api_url="http://127.0.0.1:4566/live",
        endpoint_url=SETTINGS["AWS_ENDPOINT_URL"],
        region="us-east-1",
        access_key_id=SETTINGS["AWS_ACCESS_KEY_ID"],
        secret_access_key=SETTINGS["AWS_SECRET_ACCESS_KEY"],
        outputs={},
        environment={"TIDEGATE_SHARDS": "2"},
        port=4566,
        pid=1,
    )
    monkeypatch.setattr(tidegate_devstack, "status", lambda: SimpleNamespace(info=info))


@pytest.mark.usefixtures("up")
def test_a_shell_takes_the_settings_over(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["local", "env"])
    assert printed.exit_code == 0
    script = tmp_path / "script"
    script.write_text(f"{printed.stdout}\nenv", encoding="utf-8")
    before = {"PATH": "/usr/bin:/bin", "AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "old"}
    shell = subprocess.run(["/bin/sh", script], env=before, capture_output=True, text=True, check=True)
    found = dict(line.split("=", 1) for line in shell.stdout.splitlines())
    assert {
        name: value for name, value in found.items() if name.startswith(("AWS_", "TIDEGATE_"))
    } == SETTINGS


@pytest.mark.usefixtures("up")
def test_as_json() -> None:
    printed = CliRunner().invoke(app, ["local", "env", "--output", "json"])
    assert json.loads(printed.stdout) == {"environment": SETTINGS}


def test_without_a_stack_nothing_is_there_to_take_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_HOME", str(tmp_path))
    printed = CliRunner().invoke(app, ["local", "env"])
    assert (printed.exit_code, printed.stdout) == (1, "")
    assert "tidegate local up" in printed.stderr
