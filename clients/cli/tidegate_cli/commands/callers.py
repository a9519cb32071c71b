"""The commands `tidegate me` and `tidegate audit`: who asks, and who did what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tidegate_cli.commands.times import time_option
from tidegate_cli.errors import OptionError
from tidegate_cli.options import ApiUrlOption, OutputOption, session_of
from tidegate_cli.tables import Cell, Column, TextTable, print_fields, print_table
from tidegate_cli.views import printable

COLUMNS = (
    Column("at", fixed=True),
    Column("act", 100),
    Column("subject", 90),
    Column("by", 80, folds=True),
    Column("outcome", 70),
    Column("code", 40),
    Column("before", 50, folds=True),
    Column("after", 60, folds=True),
)
_STYLES = {"done": "green", "refused": "yellow", "failed": "red", "asked": "magenta"}


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command("me")(me)
    app.command("audit")(audit)


def me(context: typer.Context, output: OutputOption = None, api_url: ApiUrlOption = None) -> None:
    """Show who you are to the deployment, and which version it runs.

    Example: tidegate me
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.get_me()
    if session.is_structured:
        session.show(found)
        return
    print_fields([(name, _plain(value)) for name, value in found.items()], session.out)


def audit(
    context: typer.Context,
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject",
            metavar="SUBJECT",
            help="Only acts on this: job#ID, workflow#ID, pool#NAME, type#NAME or worker#POOL#ID.",
            show_default=False,
        ),
    ] = None,
    caller: Annotated[
        str | None,
        typer.Option(
            "--caller",
            metavar="SUBJECT",
            help="Only acts of this caller, the `subject` of `tidegate me`.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[str | None, time_option("--from", "Only acts from this time on")] = None,
    until: Annotated[str | None, time_option("--to", "Only acts before this time")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="The most acts to list.")] = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List who asked for what, and what became of it, newest first.

    Example: tidegate audit --subject pool#ecs --from 2026-12-01T00:00:00Z
    """
    session = session_of(context, output, api_url)
    for option, text in (("--subject", subject), ("--caller", caller)):
        if text == "":
            raise OptionError(option, "is empty; leave it out for all")
    with session.client() as client:
        found = client.list_audit(subject=subject, caller=caller, since=since, until=until, limit=limit)
    if session.is_structured:
        session.show({"acts": found})
    else:
        _print_acts(found, session.out)
    session.tell_cut("acts", len(found), limit)


def _print_acts(found: Sequence[Mapping[str, Any]], console: Console) -> None:
    if not found:
        console.print(Text("no acts", style="dim"))
        return
    rows: list[Sequence[Cell]] = [
        (
            _plain(act.get("at")),
            _plain(act.get("act")),
            _plain(act.get("subject")),
            _plain((act.get("caller") or {}).get("display")),
            Text(_plain(act.get("outcome")), style=_STYLES.get(str(act.get("outcome")), "")),
            _plain(act.get("code")),
            _plain(act.get("before")),
            _plain(act.get("after")),
        )
        for act in found
    ]
    print_table(TextTable(COLUMNS, rows), console)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        value = ", ".join(f"{name}={_plain(held)}" for name, held in value.items())
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return printable("-" if value is None or value == "" else str(value))
