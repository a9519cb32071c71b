"""What every command has in common: help with an example, and one line for an interruption or a bug."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from tidegate_cli import run_commands
from tidegate_cli.commands import app


def tidegate(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_every_command_has_help_with_an_example() -> None:
    groups = {
        "local": ("up", "down", "status", "logs"),
        "jobs": ("list", "get", "cancel", "retry"),
        "workflows": ("get", "cancel", "rerun"),
        "pools": ("list", "get", "pause", "resume", "redrive"),
        "types": ("list", "get", "pause", "resume", "limit"),
    }
    commands = [(name,) for name in ("submit", "run", "worker", "demo")]
    for command in [*commands, *((group, name) for group, names in groups.items() for name in names)]:
        result = tidegate(*command, "--help")
        assert result.exit_code == 0
        assert (
            f"Example: {'echo' if command == ('submit',) else 'tidegate ' + ' '.join(command)}"
            in result.stdout
        )


def test_ctrl_c_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_commands, "read_document", interrupted)
    result = tidegate("submit", "-")
    assert (result.exit_code, result.stderr) == (130, "tidegate: interrupted\n")


def test_a_bug_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_commands, "read_document", lambda *_, **__: 1 // 0)
    result = tidegate("submit", "-")
    assert result.exit_code == 1
    assert result.stderr.startswith("tidegate: unexpected ZeroDivisionError")
    assert len(result.stderr.splitlines()) == 1
