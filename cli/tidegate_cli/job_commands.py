"""`tidegate jobs` and `tidegate workflows`: look."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tidegate.domain.states import State
from tidegate_cli.client import Client
from tidegate_cli.held import explain_with
from tidegate_cli.live import STYLES, counts_text, duration_text
from tidegate_cli.options import ApiUrlOption, OutputOption, print_json, session_of
from tidegate_cli.views import JobView, printable

_TEXT_COLUMNS = ("held in", "name", "type", "worker")

jobs = typer.Typer(help="Jobs: look, cancel, try again.", no_args_is_help=True)
workflows = typer.Typer(help="Workflows: look, cancel, try again from the failures.", no_args_is_help=True)

JobIdArgument = Annotated[
    str, typer.Argument(metavar="JOB_ID", help="For example 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3")
]


@jobs.command("list")
def list_jobs(
    context: typer.Context,
    state: Annotated[
        list[State] | None,
        typer.Option("--state", help="Only these states; may be repeated. Default: all.", show_default=False),
    ] = None,
    pool: Annotated[str | None, typer.Option("--pool", help="Only this pool.", show_default=False)] = None,
    workflow: Annotated[
        str | None, typer.Option("--workflow", help="Only jobs of this workflow.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List jobs by state: the most urgent READY ones first, ended ones latest first, all others oldest first.

    Example: tidegate jobs list --state RUNNING --state QUEUED
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = _find(client, state or list(State), pool, workflow, limit)
    if session.is_json:
        print_json({"jobs": [dict(job.raw) for job in found]})
    else:
        _print_jobs(found, session.out)


@jobs.command("get")
def get_job(
    context: typer.Context, job_id: JobIdArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Show one job with its parameters, result and history.

    Example: tidegate jobs get 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        job = client.get_job(job_id)
        waits = () if session.is_json else explain_with(client)([job])
    if session.is_json:
        print_json(job.raw)
        return
    print_job(job, session.out)
    for reason in waits:
        session.out.print(
            f"  {reason}", style=STYLES[State.READY], markup=False, highlight=False, soft_wrap=True
        )


@workflows.command("get")
def get_workflow(
    context: typer.Context,
    workflow_id: Annotated[str, typer.Argument(metavar="WORKFLOW_ID")],
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show a workflow with all of its jobs.

    Example: tidegate workflows get 01JD3V8Q5S2Y6W9K4M7N0P1R2T --output json
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.get_workflow(workflow_id)
    if session.is_json:
        print_json(found.as_json())
        return
    session.out.print(Text(printable(found.name or ""), style="bold"), Text(found.workflow_id, style="dim"))
    session.out.print(counts_text(found.jobs))
    _print_jobs(found.jobs, session.out)


def print_job(job: JobView, console: Console) -> None:
    """One job for people: every field that says something, a line each."""
    table = Table.grid(padding=(0, 2))
    for name, value in job.raw.items():
        if name == "history" or value is None or value in ([], {}, ""):
            continue
        table.add_row(Text(name, style="dim"), escape(_plain(value)))
    console.print(table)
    for entry in job.raw.get("history") or ():
        reason = f" ({entry['reason']})" if entry.get("reason") else ""
        console.print(
            f"  {entry.get('at')} {entry.get('state'):<10} attempt {entry.get('attempt')} "
            f"by {printable(str(entry.get('actor')))}{printable(reason)}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _find(
    client: Client, states: Sequence[State], pool: str | None, workflow: str | None, limit: int
) -> list[JobView]:
    if workflow is not None:
        found = client.get_workflow(workflow).jobs
        return [job for job in found if job.state in states and pool in (None, job.pool)][:limit]
    listed: list[JobView] = []
    for state in states:
        if len(listed) < limit:
            listed.extend(client.list_jobs(state, pool=pool, limit=limit - len(listed)))
    return listed


def _print_jobs(found: Sequence[JobView], console: Console) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    shows_held = any(job.held_in for job in found)
    held = ("held in",) if shows_held else ()
    for column in ("job id", "state", *held, "name", "type", "prio", "pool", "att", "run", "worker"):
        right = column in ("prio", "att", "run")
        # An id is there to be copied; where lines are short the texts give way.
        table.add_column(column, justify="right" if right else "left", no_wrap=column not in _TEXT_COLUMNS)
    for job in found:
        table.add_row(
            job.job_id,
            Text(job.state, style=STYLES[job.state]),
            *([escape(printable(job.held_in or "-"))] if shows_held else []),
            escape(printable(job.key or job.name or "-")),
            escape(job.type),
            str(job.priority),
            job.pool,
            str(job.attempt),
            duration_text(job.actual_seconds),
            escape(printable(job.worker or "-")),
        )
    console.print(table if found else Text("no jobs", style="dim"))


def _plain(value: Any) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
