"""The commands of `tidegate jobs` and `tidegate workflows` that show jobs and workflows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.text import Text

from tidegate.domain.states import State
from tidegate_cli import ids
from tidegate_cli.client import Client
from tidegate_cli.commands.choices import word_of
from tidegate_cli.errors import ApiProblem
from tidegate_cli.following.held import explain_with
from tidegate_cli.following.live import STYLES, counts_text, duration_text
from tidegate_cli.options import ApiUrlOption, OutputOption, print_json, session_of
from tidegate_cli.tables import Cell, Column, TextTable, print_fields, print_table
from tidegate_cli.views import DependencyView, JobView, printable, with_labels

# Jobs that have not ended come first, then failures, then other ended jobs.
LISTED_FIRST = (
    *(State.RUNNING, State.QUEUED, State.READY, State.SCHEDULED, State.PENDING),
    *(State.FAILED, State.TIMED_OUT, State.CANCELLED, State.SKIPPED, State.SUCCEEDED),
)
_STEP = ("at", "state", "attempt", "actor")
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


@jobs.command("list")
def list_jobs(
    context: typer.Context,
    state: Annotated[
        list[State] | None,
        typer.Option(
            "--state",
            parser=word_of(State),
            metavar="STATE",
            help=f"Only jobs in this state; may be repeated. One of {', '.join(State)}. Default: all states.",
            show_default=False,
        ),
    ] = None,
    pool: Annotated[
        str | None, typer.Option("--pool", help="Only jobs of this pool.", show_default=False)
    ] = None,
    workflow: Annotated[
        str | None, typer.Option("--workflow", help="Only jobs of this workflow.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="The most jobs to list.")] = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List jobs by state.

    RUNNING and other jobs that have not ended come first, then failures, then other ended jobs. READY jobs are
    sorted by urgency, ended jobs latest first, all other jobs oldest first.

    Example: tidegate jobs list --state RUNNING --state QUEUED
    """
    session = session_of(context, output, api_url)
    if workflow is not None:
        ids.workflow_id(workflow)
    with session.client() as client:
        found = _find(client, list(dict.fromkeys(state or LISTED_FIRST)), pool, workflow, limit)
    if session.is_json:
        print_json({"jobs": [dict(job.raw) for job in found]})
    else:
        print_jobs(found, session.out)
    session.tell_cut("jobs", len(found), limit)


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
        labels = {} if session.is_json else upstream_labels(client, job)
    if session.is_json:
        print_json(job.raw)
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
    if session.is_json:
        print_json(found.as_json())
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


def _find(
    client: Client, states: Sequence[State], pool: str | None, workflow: str | None, limit: int
) -> list[JobView]:
    if workflow is not None:
        if pool is not None:
            client.get_pool(pool)  # refuses an unknown pool, which would look like one without jobs
        found = client.get_workflow(workflow).jobs
        return [job for job in found if job.state in states and pool in (None, job.pool)][:limit]
    return share_out([client.list_jobs(state, pool=pool, limit=limit) for state in states], limit)


def share_out(listings: Sequence[Iterator[JobView]], limit: int) -> list[JobView]:
    """Returns at most `limit` jobs of several listings, in the order of the listings.

    In a first round each listing gets half of the jobs that are left to take, and the last one gets all of them. So a
    long listing does not push out those after it. If jobs are still left to take, a second round takes them from the
    first listing on.
    """
    shares: list[list[JobView]] = []
    left = limit
    for number, listing in enumerate(listings, start=1):
        quota = left if number == len(listings) else (left + 1) // 2
        shares.append(list(islice(listing, quota)))
        left -= len(shares[-1])
        if not left:
            break
    for share, listing in zip(shares, listings, strict=False):
        more = list(islice(listing, left))
        share.extend(more)
        left -= len(more)
    return [job for share in shares for job in share]


COLUMNS = (
    Column("job id", fixed=True),
    Column("state", 100),
    Column("due", 80),
    Column("held in", 55),
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
        "key": any(job.key for job in found),
        "name": any(job.name for job in found),
    }
    cells: dict[str, Callable[[JobView], Cell]] = {
        "job id": lambda job: job.job_id,
        "state": lambda job: Text(job.state, style=STYLES[job.state]),
        "due": lambda job: _due(job) or "-",
        "held in": lambda job: job.held_in or "-",
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
