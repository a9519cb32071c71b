"""The commands of `tidegate jobs` and `tidegate workflows` that show jobs and workflows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.text import Text

from tidegate.domain.states import State
from tidegate_cli import ids
from tidegate_cli.client import Client
from tidegate_cli.errors import ApiProblem, UsageError
from tidegate_cli.following.held import explain_with
from tidegate_cli.following.live import STYLES, counts_text, duration_text
from tidegate_cli.options import ApiUrlOption, OutputOption, session_of
from tidegate_cli.tables import Cell, Column, TextTable, print_fields, print_table
from tidegate_cli.views import DependencyView, JobView, judgement_text, printable, with_labels

_STEP = ("at", "state", "attempt", "actor")
_MAX_BEGINNING_PAGES = 5  # each looks at a thousand jobs at most
_MAX_NAMED = 20  # `jobs get` reads at most so many upstreams to show their keys

jobs = typer.Typer(help="Show jobs, cancel them, retry them.", no_args_is_help=True)
workflows = typer.Typer(help="Show workflows, cancel them, rerun their failures.", no_args_is_help=True)

JobIdArgument = Annotated[
    str,
    typer.Argument(metavar="JOB_ID", callback=ids.job_id, help="For example 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3"),
]

WorkflowIdArgument = Annotated[
    str,
    typer.Argument(
        metavar="WORKFLOW_ID", callback=ids.workflow_id, help="For example 01JD3V8Q5S2Y6W9K4M7N0P1R2T"
    ),
]


@jobs.command("get")
def get_job(
    context: typer.Context,
    job_id: Annotated[
        str,
        typer.Argument(
            metavar="JOB_ID",
            callback=ids.job_id_or_beginning,
            help="For example 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3, or its beginning of at least 6 characters.",
        ),
    ],
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show one job with its parameters, result and history.

    Example: tidegate jobs get 01JD3V8Q5S2Y6W9K4M7N0P1R2T.3
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        job = client.get_job(whole_id(client, job_id))
        waits = () if session.is_structured else explain_with(client)([job])
        labels = {} if session.is_structured else upstream_labels(client, job)
    if session.is_structured:
        session.show(job.raw)
        return
    print_job(job, session.out, labels)
    for reason in waits:
        session.out.print(
            f"  {reason}", style=STYLES[State.READY], markup=False, highlight=False, soft_wrap=True
        )


@workflows.command("get")
def get_workflow(
    context: typer.Context,
    workflow_id: WorkflowIdArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show a workflow with all of its jobs.

    Example: tidegate workflows get 01JD3V8Q5S2Y6W9K4M7N0P1R2T --output json
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.get_workflow(workflow_id)
    if session.is_structured:
        session.show(found.as_json())
        return
    session.out.print(Text(printable(found.name or ""), style="bold"), Text(found.workflow_id, style="dim"))
    session.out.print(counts_text(found.jobs))
    print_jobs(found.jobs, session.out)


def print_job(job: JobView, console: Console, labels: Mapping[str, str] | None = None) -> None:
    """Prints one job for people: a line for every field that has a value, then its dependencies and its history.

    `labels` are the keys or names of upstreams, by job id. They are shown instead of the ids.
    """
    known = labels or {}
    fields = []
    for name, value in job.raw.items():
        if name in ("history", "depends_on") or value is None or value in ([], {}, ""):
            continue
        if name == "straggler":
            fields.append((name, job.straggler))
            continue
        fields.append((name, with_labels(_plain(value), known) if name == "error" else _plain(value)))
    fields += [
        ("depends_on", f"{dependency.type} {_upstream(dependency, known)}") for dependency in job.depends_on
    ]
    print_fields(fields, console)
    for entry in job.raw.get("history") or ():
        reason = f" ({with_labels(str(entry['reason']), known)})" if entry.get("reason") else ""
        at, state, attempt, actor = (printable(str(entry.get(name))) for name in _STEP)
        console.print(
            f"  {at} {state:<10} attempt {attempt} by {actor}{printable(reason)}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def whole_id(client: Client, text: str) -> str:
    """Returns the id of the one job that `text` means: an id, or its beginning.

    The ids do not sort by time, so the API looks for a beginning among the jobs whose state changed last, at most
    `_MAX_BEGINNING_PAGES` times a thousand. Raises UsageError if none or several begin so.
    """
    if ids.is_job_id(text):
        return text
    filters = {"id": text, "state": "ALL", "order": "time", "direction": "desc"}
    found: list[str] = []
    looked_at, cursor = 0, None
    for _ in range(_MAX_BEGINNING_PAGES):
        page = client.jobs_page(filters, limit=_MAX_NAMED, cursor=cursor)
        found += [job.job_id for job in page.jobs]
        looked_at, cursor = looked_at + int(page.raw.get("looked_at") or 0), page.cursor
        if cursor is None or len(found) >= _MAX_NAMED:
            break
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(found[:_MAX_NAMED])
        raise UsageError(f"{len(found)} jobs have ids that begin with {text}: {shown}; give one of them")
    raise UsageError(
        f"none of the latest {looked_at:,} jobs has an id that begins with {text}; give the whole id"
    )


def upstream_labels(client: Client, job: JobView) -> dict[str, str]:
    """Reads the job's upstreams, at most `_MAX_NAMED` of them, and returns their keys or names by job id.

    An upstream that no longer exists is left out. Raises ApiProblem if the API refuses a read for another reason.
    """
    labels = {}
    ids = [dependency.job_id for dependency in job.depends_on if dependency.job_id]
    for upstream_id in dict.fromkeys(ids[:_MAX_NAMED]):
        try:
            upstream = client.get_job(upstream_id)
        except ApiProblem as problem:
            if problem.status != httpx.codes.NOT_FOUND:
                raise
            continue
        if upstream.key or upstream.name:
            labels[upstream_id] = upstream.label
    return labels


def _upstream(dependency: DependencyView, labels: Mapping[str, str]) -> str:
    upstream = dependency.job_id or dependency.key or "-"
    shown = f"{labels[upstream]} ({upstream})" if upstream in labels else upstream
    return f"{shown} if {dependency.condition}" if dependency.condition else shown


COLUMNS = (
    Column("job id", fixed=True),
    Column("state", 100),
    Column("due", 80),
    Column("held in", 55),
    Column("finish by", 45),
    Column("verdict", 95),
    Column("key", 90),
    Column("name", 70, folds=True),
    Column("type", 60),
    Column("prio", 20, right=True),
    Column("pool", 10),
    Column("att", 30, right=True),
    Column("run", 50, right=True),
    Column("worker", 40),
)


def print_jobs(found: Sequence[JobView], console: Console) -> None:
    """Prints jobs for people, a line each."""
    if not found:
        console.print(Text("no jobs", style="dim"))
        return
    # A column in which none of these jobs has a value is left out.
    optional = {
        "due": any(_due(job) for job in found),
        "held in": any(job.held_in for job in found),
        "finish by": any(job.raw.get("finish_by") for job in found),
        "verdict": any(job.raw.get("finish_by") for job in found),
        "key": any(job.key for job in found),
        "name": any(job.name for job in found),
    }
    cells: dict[str, Callable[[JobView], Cell]] = {
        "job id": lambda job: job.job_id,
        "state": lambda job: Text(job.state, style=STYLES[job.state]),
        "due": lambda job: _due(job) or "-",
        "held in": lambda job: job.held_in or "-",
        "finish by": lambda job: printable(str(job.raw.get("finish_by") or "-")),
        "verdict": lambda job: judgement_text(job.raw) or "-",
        "key": lambda job: job.key or "-",
        "name": lambda job: job.name or "-",
        "type": lambda job: job.type,
        "prio": lambda job: str(job.priority),
        "pool": lambda job: job.pool,
        "att": lambda job: str(job.attempt),
        "run": lambda job: duration_text(job.actual_seconds),
        "worker": lambda job: job.worker or "-",
    }
    columns = [column for column in COLUMNS if optional.get(column.head, True)]
    rows = [[cells[column.head](job) for column in columns] for job in found]
    print_table(TextTable(columns, rows), console)


def _due(job: JobView) -> str | None:
    return job.due_at if job.state is State.SCHEDULED else None


def _plain(value: Any) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
