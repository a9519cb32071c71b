"""Common traits of every command: help with an example, and one line for an interruption or a bug."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from tidegate_cli.commands import submit
from tidegate_cli.commands.root import app


def tidegate(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def commands(command: Any, *names: str) -> Iterator[tuple[str, ...]]:
    """Returns the names of all commands, with the names of their groups."""
    if not hasattr(command, "commands"):
        yield names
        return
    for name, each in command.commands.items():
        yield from commands(each, *names, name)


EVERY_COMMAND = sorted(commands(get_command(app)))


def test_the_commands_are_found() -> None:
    assert len(EVERY_COMMAND) >= 24
    assert {("submit",), ("jobs", "retry"), ("workers", "drain")} <= set(EVERY_COMMAND)


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=" ".join)
def test_every_command_has_help_with_an_example(command: tuple[str, ...]) -> None:
    result = tidegate(*command, "--help")
    assert result.exit_code == 0
    example = "echo" if command == ("submit",) else "tidegate " + " ".join(command)
    assert f"Example: {example}" in result.stdout


@pytest.mark.parametrize("group", sorted({command[:-1] for command in EVERY_COMMAND}), ids=" ".join)
def test_a_list_of_commands_shows_whole_sentences(group: tuple[str, ...]) -> None:
    shown = tidegate(*group, "--help").stdout
    lines = shown.partition("Commands:\n")[2].splitlines()
    assert lines
    assert [line for line in lines if not line.endswith(".") or line.endswith("...")] == []


def test_ctrl_c_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(submit, "read_document", interrupted)
    result = tidegate("submit", "-")
    assert (result.exit_code, result.stderr) == (130, "tidegate: interrupted\n")


def test_a_bug_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "read_document", lambda *_, **__: 1 // 0)
    result = tidegate("submit", "-")
    assert result.exit_code == 1
    assert result.stderr.startswith("tidegate: unexpected ZeroDivisionError")
    assert len(result.stderr.splitlines()) == 1
