"""The command that says whether the deployment works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from tidegate_cli.api_answers import objects_of
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.options import ApiUrlOption, OutputOption, print_json, session_of
from tidegate_cli.tables import Cell, Column, TextTable, print_table
from tidegate_cli.views import printable

COLUMNS = (
    Column("part", fixed=True),
    Column("kind", 80),
    Column("state", 100),
    Column("last at", 90),
)
_STYLES = {"alive": "green", "idle": "dim", "dead": "red", "paused": "yellow"}


def register(app: typer.Typer) -> None:
    """Adds the command to the root."""
    app.command("status")(status)


def status(context: typer.Context, output: OutputOption = None, api_url: ApiUrlOption = None) -> None:
    """Say whether the deployment's schedules and streams are alive.

    Exits with 1 if one of them is dead.

    Example: tidegate status
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.get_status()
    if session.is_json:
        print_json(found)
    else:
        _print_status(found, session.out)
    if found.get("healthy") is not True:
        raise typer.Exit(ExitCode.ERROR)


def _print_status(found: Mapping[str, Any], console: Console) -> None:
    rows: list[Sequence[Cell]] = [
        (_plain(each.get("name")), kind, _state(each), _plain(each.get("last_at")))
        for kind, part in (("schedule", "schedules"), ("stream", "streams"))
        for each in objects_of(found, part)
    ]
    rows += [
        (_plain(each.get("name")), "pool", Text("paused", style=_STYLES["paused"]), "-")
        for each in objects_of(found, "pools")
        if each.get("paused") is True
    ]
    print_table(TextTable(COLUMNS, rows), console)
    word = "healthy" if found.get("healthy") is True else "not healthy"
    line = f"version {_plain(found.get('version'))} is {word}"
    console.print(line, markup=False, highlight=False)


def _state(part: Mapping[str, Any]) -> Text:
    word = "dead" if part.get("alive") is not True else "idle" if part.get("idle") is True else "alive"
    return Text(word, style=_STYLES[word])


def _plain(value: Any) -> str:
    return "-" if value is None else printable(str(value))
