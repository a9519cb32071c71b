"""Runs a command as on a screen of a given width, against an API that a function answers for."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from tests.harness.cli.samples import client_of
from tidegate_cli import options
from tidegate_cli.commands.root import app

Answer = Callable[[httpx.Request], httpx.Response]


class Screen(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> list[httpx.Request]:
    """Makes commands talk to an API whose answers `answer` gives. Returns the list of its requests."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer(request)

    monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
    monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return seen


def always(value: object, status: int = 200) -> Answer:
    """Makes an API that gives the same answer to every request."""
    return lambda _request: httpx.Response(status, content=json.dumps(value).encode())


def tidegate(*arguments: str, stdin: str | None = None) -> Result:
    """Runs one command and captures its output."""
    return CliRunner().invoke(app, list(arguments), input=stdin)


def on_screen(monkeypatch: pytest.MonkeyPatch, width: int, *arguments: str) -> list[str]:
    """Returns the lines that a command writes to a terminal of `width` cells. The command must succeed."""
    screen = Screen()
    monkeypatch.setattr(
        options.Session, "out", property(lambda _self: Console(file=screen, width=width, color_system=None))
    )
    result = tidegate(*arguments)
    assert result.exit_code == 0, result.output
    return screen.getvalue().splitlines()
