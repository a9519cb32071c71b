"""The command `tidegate jobs logs`, which shows what an attempt of a job printed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tidegate.domain.limits import MAX_LOG_LINES
from tidegate_cli.api_answers import objects_of
from tidegate_cli.client import Client
from tidegate_cli.commands.around import jobs
from tidegate_cli.commands.jobs import JobIdArgument
from tidegate_cli.interrupts import ends_like_ctrl_c
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, session_of
from tidegate_cli.structured import as_one_of_many
from tidegate_cli.views import printable_lines

__all__ = ["jobs"]


@jobs.command("logs")
def show_logs(
    context: typer.Context,
    job_id: JobIdArgument,
    attempt: Annotated[
        int | None,
        typer.Option("--attempt", min=1, help="The attempt; the latest by default.", show_default=False),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until the attempt has ended, and wait for its begin.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Only lines from this time on.", show_default=False),
    ] = None,
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="Put the time before each line, in UTC.")
    ] = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show what job code printed and logged in an attempt.

    The traceback of a failure is part of it.

    With `--follow` each line is a document of its own: with `--output json` a JSON object on one line.

    Example: tidegate jobs logs 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3 --follow
    """
    session = session_of(context, output, api_url)
    with ends_like_ctrl_c(), session.client() as client:
        if follow:
            missing = _follow(session, client, job_id, attempt, since, timestamps)
        else:
            missing = _show(session, client, job_id, attempt, since, timestamps)
    if missing:
        session.tell(f"{missing:,} more lines were printed and are not in the log")


def _show(
    session: Session, client: Client, job_id: str, attempt: int | None, since: str | None, timestamps: bool
) -> int:
    pages = list(client.read_all_logs(job_id, attempt=attempt, since=since, limit=MAX_LOG_LINES))
    missing = sum(int(page.get("missing") or 0) for page in pages)
    if session.is_structured:
        lines = [line for page in pages for line in objects_of(page, "lines")]
        session.show({**pages[-1], "lines": lines, "missing": missing})
        return 0
    for page in pages:
        _print_lines(session, page, timestamps)
    last = pages[-1]
    if last.get("attempt") is None:
        session.tell(f"{job_id} is {last.get('state')} and has had no attempt: wait for one with --follow")
    elif last.get("log_stream") is None:
        session.tell(f"the log of attempt {last.get('attempt')} is not known: its worker kept none")
    return missing


def _follow(
    session: Session, client: Client, job_id: str, attempt: int | None, since: str | None, timestamps: bool
) -> int:
    missing = 0
    for page in client.follow_logs(job_id, attempt=attempt, since=since):
        missing += int(page.get("missing") or 0)
        _print_lines(session, page, timestamps)
    return missing


def _print_lines(session: Session, page: Mapping[str, Any], timestamps: bool) -> None:
    for line in objects_of(dict(page), "lines"):
        if session.is_structured:
            text = as_one_of_many(line, session.output)
        else:
            text = printable_lines(str(line.get("text"))) + "\n"
            text = f"{line.get('at')} {text}" if timestamps else text
        sys.stdout.write(text)
    sys.stdout.flush()
