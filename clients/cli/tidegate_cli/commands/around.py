"""The commands of `tidegate jobs` that show the jobs around a job: dependencies, dependents and chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from tidegate.contracts.relations import dot, mermaid
from tidegate.domain import limits
from tidegate_cli.api_answers import objects_of
from tidegate_cli.commands.choices import word_of
from tidegate_cli.commands.jobs import JobIdArgument
from tidegate_cli.commands.list_jobs import jobs
from tidegate_cli.options import ApiUrlOption, OutputOption, session_of
from tidegate_cli.tables import Column, TextTable, print_table
from tidegate_cli.views import printable

__all__ = ["jobs"]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="The most jobs to list.")]


class Form(StrEnum):
    """The form of a chain."""

    TEXT = "text"
    JSON = "json"
    MERMAID = "mermaid"
    DOT = "dot"


class Way(StrEnum):
    """The direction of a chain."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


_DRAWINGS = {Form.MERMAID: mermaid, Form.DOT: dot}


@jobs.command("dependencies")
def dependencies(
    context: typer.Context,
    job_id: JobIdArgument,
    limit: LimitOption = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List the jobs that a job depends on.

    Example: tidegate jobs dependencies 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.dependencies(job_id, limit=limit)
    if session.is_structured:
        session.show({"job_id": job_id, "dependencies": found})
    else:
        _print_table(found, ("job_id", "state", "key", "type", "satisfied", "satisfied_at"), session.out)
    session.tell_cut("dependencies", len(found), limit)


@jobs.command("dependents")
def dependents(
    context: typer.Context,
    job_id: JobIdArgument,
    limit: LimitOption = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List the jobs that depend on a job.

    Example: tidegate jobs dependents 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.dependents(job_id, limit=limit)
    if session.is_structured:
        session.show({"job_id": job_id, "dependents": found})
    else:
        _print_table(found, ("job_id", "state", "key", "type"), session.out)
    session.tell_cut("dependents", len(found), limit)


@jobs.command("chain")
def chain(
    context: typer.Context,
    job_id: JobIdArgument,
    direction: Annotated[
        Way,
        typer.Option("--direction", parser=word_of(Way), metavar="WAY", help="One of up, down and both."),
    ] = Way.BOTH,
    depth: Annotated[
        int, typer.Option("--depth", min=1, max=limits.MAX_CHAIN_DEPTH, help="How many edges away.")
    ] = limits.DEFAULT_CHAIN_DEPTH,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=limits.MAX_CHAIN_JOBS, help="The most jobs to show.")
    ] = limits.DEFAULT_CHAIN_JOBS,
    form: Annotated[
        Form | None,
        typer.Option(
            "--format", parser=word_of(Form), metavar="FORM", help="One of text, json, mermaid and dot."
        ),
    ] = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show the jobs up and down from a job.

    Example: tidegate jobs chain 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3 --format mermaid
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.chain(job_id, direction=direction, depth=depth, limit=limit)
    form = form or (Form.JSON if session.is_structured else Form.TEXT)
    if form is Form.JSON:
        session.show(found)
    elif form is Form.TEXT:
        _print_table(objects_of(found, "jobs"), ("job_id", "state", "key", "type"), session.out)
    else:
        typer.echo(_DRAWINGS[form](found), nl=False)
    if found.get("more"):
        session.tell("there are more jobs; raise --depth or --limit, or ask about another job")


def _print_table(rows: Sequence[Mapping[str, Any]], names: Sequence[str], console: Console) -> None:
    if not rows:
        console.print("no jobs", style="dim")
        return
    columns = [Column(name.replace("_", " "), fixed=name == "job_id") for name in names]
    cells = [[_shown(row.get(name)) for name in names] for row in rows]
    print_table(TextTable(columns, cells), console)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(str(value))
