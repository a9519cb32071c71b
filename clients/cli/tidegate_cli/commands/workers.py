"""The commands `tidegate worker`, which runs a worker process, and `tidegate workers`, which shows and drains them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tidegate.domain import limits
from tidegate.domain.limits import MAX_PAGE_SIZE
from tidegate.domain.workers import WorkerState
from tidegate_cli import ids
from tidegate_cli.api_answers import objects_of
from tidegate_cli.commands.choices import word_of
from tidegate_cli.errors import OptionError, UsageError
from tidegate_cli.options import ApiUrlOption, OutputOption, print_json, refuse_api_url, session_of
from tidegate_cli.tables import Cell, Column, TextTable, print_fields, print_table
from tidegate_cli.target import recorded_stack, refuse_aws_options
from tidegate_cli.views import printable
from tidegate_cli.worker_credentials import worker_environment
from tidegate_devstack import Places
from tidegate_worker import worker_options

_POOLS_VARIABLE = "TIDEGATE_POOLS"  # set in every environment that names a deployment for a worker
DEFAULT_SLOTS = 4
_STYLES = {
    WorkerState.ACTIVE: "green",
    WorkerState.DRAINING: "yellow",
    WorkerState.INACTIVE: "dim",
    WorkerState.LOST: "red",
}
COLUMNS = (
    Column("worker id", fixed=True),
    Column("pool", 90),
    Column("state", 100),
    Column("name", 70, folds=True),
    Column("host", 20, folds=True),
    Column("slots", 60, right=True),
    Column("running", 80, right=True),
    Column("done", 30, right=True),
    Column("failed", 40, right=True),
    Column("all done", 28, right=True),
    Column("all failed", 26, right=True),
    Column("lost", 24, right=True),
    Column("response", 22, right=True),
    Column("heartbeat", 50),
)

JOB_COLUMNS = (
    Column("job id", fixed=True),
    Column("state", 100),
    Column("key", 80),
    Column("type", 70),
    Column("att", 30, right=True),
    Column("started", 60),
    Column("run", 50, right=True),
    Column("error", 40),
)
_JOB_FIELDS = (
    "job_id",
    "state",
    "key",
    "type",
    "attempt",
    "started_at",
    "actual_duration_seconds",
    "error_code",
)

workers = typer.Typer(help="Show worker processes, drain one.", no_args_is_help=True)


class WorkerOrder(StrEnum):
    """An order in which the API lists workers."""

    LOAD = "load"
    FREE = "free"
    SEEN = "seen"


PoolArgument = Annotated[
    str, typer.Argument(metavar="POOL", callback=ids.pool_name, help="The pool that the worker serves.")
]
WorkerIdArgument = Annotated[
    str,
    typer.Argument(metavar="WORKER_ID", callback=ids.worker_id, help="As `tidegate workers list` shows it."),
]


def _plain_option(option: worker_options.PlainOption) -> Any:
    return typer.Option(option.flag, metavar=option.metavar, help=option.help, show_default=False)


def _number_option(option: worker_options.NumberOption) -> Any:
    return typer.Option(option.flag, min=option.least, max=option.most, help=option.help)


@workers.command("list")
def list_workers(
    context: typer.Context,
    pool: Annotated[
        str | None, typer.Option("--pool", help="Only workers of this pool.", show_default=False)
    ] = None,
    state: Annotated[
        WorkerState | None,
        typer.Option(
            "--state",
            parser=word_of(WorkerState),
            metavar="STATE",
            help=f"Only workers in this state. One of {', '.join(WorkerState)}.",
            show_default=False,
        ),
    ] = None,
    order: Annotated[
        WorkerOrder | None,
        typer.Option(
            "--order",
            help="load: fullest first, free: most free slots first, seen: latest heartbeat first.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="The most workers to list.")] = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List worker processes, by pool and id.

    With --order they come in another order.

    Those that have left or were lost are shown for a day. The columns done and failed count the present session.
    Those that begin with all, and lost, count all sessions under the id.

    Example: tidegate workers list --pool ecs --order free
    """
    session = session_of(context, output, api_url)
    if order is not None and limit > MAX_PAGE_SIZE:
        raise OptionError("--limit", f"is at most {MAX_PAGE_SIZE} with --order")
    with session.client() as client:
        if order is None:
            found = client.list_workers(pool=pool, state=state, limit=limit)
        else:
            answer = client.order_workers(order, pool=pool, state=state, limit=limit)
            found = objects_of(dict(answer), "workers")
            if answer.get("complete") is False:
                session.tell("there are more workers than one call looks at: narrow it with --pool")
    if session.is_json:
        print_json({"workers": found})
    else:
        _print_workers(found, session.out)
    session.tell_cut("workers", len(found), limit)


@workers.command("get")
def get_worker(
    context: typer.Context,
    pool: PoolArgument,
    worker_id: WorkerIdArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show one worker process with its load and its totals.

    Example: tidegate workers get ecs nightly-1
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.get_worker(pool, worker_id)
    if session.is_json:
        print_json(found)
    else:
        _print_worker(found, session.out)


@workers.command("jobs")
def show_jobs(
    context: typer.Context,
    pool: PoolArgument,
    worker_id: WorkerIdArgument,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MAX_PAGE_SIZE, help="The most ended jobs to show.")
    ] = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show the jobs that a worker runs and those that it ran lately.

    Workers of the function have jobs too.

    Example: tidegate workers jobs ecs nightly-1
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.worker_jobs(pool, worker_id, limit=limit)
    if session.is_json:
        print_json(found)
        return
    rows: list[Sequence[Cell]] = [
        [_plain(each.get(name)) for name in _JOB_FIELDS]
        for part in ("running", "ended")
        for each in objects_of(dict(found), part)
    ]
    if rows:
        print_table(TextTable(JOB_COLUMNS, rows), session.out)
    else:
        session.out.print(Text("no jobs", style="dim"))
    if found.get("complete") is False:
        session.tell("the pool has more active jobs than one call looks at: some may be missing")
    if found.get("ended_since"):
        session.tell(f"jobs that ended before {found['ended_since']} may be missing")


@workers.command("drain")
def drain_worker(
    context: typer.Context,
    pool: PoolArgument,
    worker_id: WorkerIdArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Ask a worker process to drain.

    It takes no more jobs, finishes those that it has, and leaves.

    Example: tidegate workers drain ecs nightly-1
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.drain_worker(pool, worker_id)
    if session.is_json:
        print_json(found)
        return
    line = (
        f"{found.get('worker_id')} is {found.get('state')}; the worker learns of it with its next heartbeat"
    )
    session.out.print(printable(line), markup=False, highlight=False)


def worker(
    context: typer.Context,
    pool: Annotated[str, _plain_option(worker_options.POOL)],
    slots: Annotated[int, _number_option(worker_options.SLOTS)] = DEFAULT_SLOTS,
    worker_id: Annotated[str | None, _plain_option(worker_options.WORKER_ID)] = None,
    name: Annotated[str | None, _plain_option(worker_options.NAME)] = None,
    tag: Annotated[list[str] | None, _plain_option(worker_options.TAG)] = None,
    capability: Annotated[list[str] | None, _plain_option(worker_options.CAPABILITY)] = None,
    drain_seconds: Annotated[
        float, _number_option(worker_options.DRAIN_SECONDS)
    ] = worker_options.DEFAULT_DRAIN_SECONDS,
    take_over: Annotated[bool, _plain_option(worker_options.TAKE_OVER)] = False,
    jobs_per_process: Annotated[
        int, _number_option(worker_options.JOBS_PER_PROCESS)
    ] = limits.DEFAULT_JOBS_PER_PROCESS,
    process_growth_mb: Annotated[
        int, _number_option(worker_options.PROCESS_GROWTH_MB)
    ] = limits.DEFAULT_PROCESS_GROWTH_MB,
) -> None:
    """Run a worker process.

    It runs until it is told to end by Ctrl-C, SIGTERM, or `tidegate workers drain`. It works for the
    deployment that the TIDEGATE_* variables of its environment name, with the AWS credentials in its environment.
    Without such variables it works for the local stack, under the stack's role for worker processes.

    Example: tidegate worker --pool ecs --slots 8 --worker-id nightly-1 --tag team=data
    """
    session = session_of(context)
    refuse_api_url(session, "worker")
    if session.is_json:
        raise OptionError(
            "--output", "means nothing for `tidegate worker`, which logs JSON always: leave it out"
        )
    if take_over and worker_id is None:
        raise OptionError("--take-over", "means nothing without --worker-id: name the worker to take over")
    refuse_aws_options(
        session.profile,
        session.region,
        "means nothing for `tidegate worker`, which takes credentials and region from its environment: set "
        "AWS_PROFILE or AWS_REGION instead",
    )
    if _POOLS_VARIABLE not in os.environ:
        _take_the_local_environment()
    # Imported here, because it loads job code, which no other command needs.
    from tidegate_worker.main import run_worker

    arguments = worker_options.WorkerArguments(
        pool=pool,
        slots=slots,
        worker_id=worker_id,
        name=name,
        tags=tuple(tag or ()),
        capabilities=tuple(capability or ()),
        drain_seconds=drain_seconds,
        take_over=take_over,
        jobs_per_process=jobs_per_process,
        process_growth_mb=process_growth_mb,
    )
    raise typer.Exit(run_worker(arguments))


def _take_the_local_environment() -> None:
    """Replaces this process's environment by that of a local stack's worker. Raises UsageError if no stack is up."""
    stack = recorded_stack()
    if stack is None:
        raise UsageError(
            "no deployment to work for: start the local stack with `tidegate local up`, or give this "
            "process the TIDEGATE_* environment of the worker function (output WorkerFunctionName)"
        )
    places = Places.find()
    environment = worker_environment(stack, places.stack_info, places.home / "worker.aws")
    os.environ.clear()  # also removes the user's own AWS settings
    os.environ.update(environment)


def register(app: typer.Typer) -> None:
    """Adds the command worker and the group workers to `app`."""
    app.command()(worker)
    app.add_typer(workers, name="workers")


def _print_workers(found: Sequence[Mapping[str, Any]], console: Console) -> None:
    rows: list[Sequence[Cell]] = [
        (
            _plain(each.get("worker_id")),
            _plain(each.get("pool")),
            _state(each),
            *(_plain(each.get(name)) for name in ("name", "host", "slots", "running")),
            *(_plain(each.get(name)) for name in ("succeeded", "failed")),
            *(_plain(_of_all(each, name)) for name in ("succeeded", "failed", "lost")),
            *(_plain(each.get(name)) for name in ("response_seconds", "heartbeat_at")),
        )
        for each in found
    ]
    if rows:
        print_table(TextTable(COLUMNS, rows), console)
    else:
        console.print(Text("no workers", style="dim"))


def _print_worker(found: Mapping[str, Any], console: Console) -> None:
    print_fields(
        [
            (name, _plain(value))
            for name, value in _flat(found).items()
            if value is not None and value not in ([], {}, "")
        ],
        console,
    )


def _flat(worker: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the worker's fields, with the counts of all sessions as fields of their own."""
    flat: dict[str, Any] = {}
    for name, value in worker.items():
        if name == "all_sessions" and isinstance(value, Mapping):
            flat |= {f"{name}.{each}": count for each, count in value.items()}
        else:
            flat[name] = value
    return flat


def _of_all(worker: Mapping[str, Any], name: str) -> Any:
    """Returns a count of all sessions under the worker's id, None from an API that does not tell it."""
    return (worker.get("all_sessions") or {}).get(name)


def _state(found: Mapping[str, Any]) -> Text:
    """Returns the state with marks: "silent" without recent heartbeats, "fault", and "lacks N" job types."""
    state = str(found.get("state"))
    silent = state in (WorkerState.ACTIVE, WorkerState.DRAINING) and found.get("live") is False
    style = _STYLES[WorkerState(state)] if state in WorkerState.__members__ else ""
    marks = [
        *(["silent"] if silent else []),
        *(["fault"] if found.get("fault") else []),
        *([f"lacks {len(lacking)}"] if (lacking := found.get("lacking")) else []),
    ]
    shown = f"{state} ({', '.join(marks)})" if marks else state
    return Text(printable(shown), style="red" if found.get("fault") else style)


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
