"""The command that explains why a job is not running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Console

from tidegate_cli.api_answers import objects_of
from tidegate_cli.commands.jobs import JobIdArgument
from tidegate_cli.options import ApiUrlOption, OutputOption, print_json, session_of
from tidegate_cli.views import printable


def register(app: typer.Typer) -> None:
    """Adds the command to the root."""
    app.command("why")(why)


def why(
    context: typer.Context, job_id: JobIdArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Say why a job is not running, and what would start it.

    Example: tidegate why 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        answer = client.why(job_id)
    if session.is_json:
        print_json(answer)
        return
    print_why(answer, session.out)


def print_why(answer: Mapping[str, Any], console: Console) -> None:
    """Prints the answer for people: a line for each fact, and one that says what would start the job."""
    facts = objects_of(answer, "facts")
    lines = [f"{answer.get('job_id')} is {answer.get('state')}"]
    lines += [f"  {fact.get('code')}: {fact.get('message')}" for fact in facts]
    lines.append(str(answer.get("sentence")))
    if answer.get("complete") is False:
        lines.append("Not everything that could hold it was read; the numbers are the least that are needed.")
    for line in lines:
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
