"""The commands of `tidegate workflows` that list workflows and show their graphs and the states of their jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from tidegate.domain.dependency import DependencyType
from tidegate.domain.progress import WorkflowState
from tidegate.domain.verdicts import FinishVerdict
from tidegate_cli.commands.choices import word_of
from tidegate_cli.commands.forecast import time_of
from tidegate_cli.commands.jobs import WorkflowIdArgument, workflows
from tidegate_cli.errors import Interrupted
from tidegate_cli.following.follow import WaitTimedOut
from tidegate_cli.following.live import STYLES, duration_text, numbers_text
from tidegate_cli.following.states import (
    StatesReader,
    StructuredWatcher,
    exit_code_at,
    follow_states,
    watcher_for,
)
from tidegate_cli.following.watching import way_on
from tidegate_cli.interrupts import ends_like_ctrl_c
from tidegate_cli.options import (
    DEFAULT_WAIT_SECONDS,
    ApiUrlOption,
    OutputOption,
    TimeoutOption,
    session_of,
)
from tidegate_cli.tables import Cell, Column, TextTable, print_table
from tidegate_cli.views import judgement_text, printable
from tidegate_cli.workflow_answers import LETTERS, GraphView, StatesView, graph_view, path_view, states_view

__all__ = ["workflows"]

COLUMNS = (
    Column("workflow id", fixed=True),
    Column("state", 100),
    Column("name", 90, folds=True),
    Column("jobs", 80, right=True),
    Column("counts", 70, folds=True),
    Column("created", 60),
    Column("ended", 50),
    Column("submitted by", 20, folds=True),
)
_FORECAST_COLUMNS = (Column("ends about", 95), Column("ends between", 40))
# Shown where some workflow has a time to finish by.
_TIME_COLUMNS = (Column("finish by", 55), Column("verdict", 95))
_PATH_COLUMNS = (
    Column("job", fixed=True, folds=True),
    Column("state", 100),
    Column("takes", 90, right=True),
    Column("known by", 80),
)
_PER_LINE = 50  # letters of a line of states


_TagOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="NAME=VALUE",
        help="Only workflows with this tag of their own; may be repeated.",
        show_default=False,
    ),
]
_FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Only workflows created then or later.", show_default=False),
]
_ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Only workflows created then or earlier.", show_default=False),
]
_FinishByOption = Annotated[
    str | None,
    typer.Option(
        "--finish-by",
        metavar="TIME",
        help="Only workflows that ought to end by this time or earlier.",
        show_default=False,
    ),
]
_VerdictOption = Annotated[
    FinishVerdict | None,
    typer.Option(
        "--verdict",
        parser=word_of(FinishVerdict),
        metavar="VERDICT",
        help=f"Only workflows with this verdict about their time to finish by: {', '.join(FinishVerdict)}.",
        show_default=False,
    ),
]


_ForecastOption = Annotated[
    bool,
    typer.Option(
        "--forecast",
        help="Also forecast when workflows end: the first 20 of each page that run, with 2,000 jobs left together.",
    ),
]


class GraphFormat(StrEnum):
    """The forms of a graph for people and other tools."""

    MERMAID = "mermaid"
    DOT = "dot"


@workflows.command("list")
def list_workflows(
    context: typer.Context,
    state: Annotated[
        list[WorkflowState] | None,
        typer.Option(
            "--state",
            parser=word_of(WorkflowState),
            metavar="STATE",
            help=f"Only workflows in this state; may be repeated. One of {', '.join(WorkflowState)}.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Only workflows whose name begins so.", show_default=False),
    ] = None,
    submitted_by: Annotated[
        str | None,
        typer.Option("--submitted-by", help="Only workflows of this caller.", show_default=False),
    ] = None,
    tag: _TagOption = None,
    created_from: _FromOption = None,
    created_to: _ToOption = None,
    finish_by: _FinishByOption = None,
    forecast: _ForecastOption = False,
    verdict: _VerdictOption = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="The most workflows to list.")
    ] = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List workflows, newest first. All options combine. Times are like 2026-12-01T06:00:00Z.

    Example: tidegate workflows list --state RUNNING --state FAILED --tag team=data
    """
    session = session_of(context, output, api_url)
    filters = {
        "state": ",".join(state) if state else None,
        "name": name,
        "submitted_by": submitted_by,
        "tag": tag or [],
        "from": created_from,
        "to": created_to,
        "finish_by": finish_by,
        "verdict": verdict,
    }
    with session.client() as client:
        found = client.list_workflows(filters, limit=limit, forecast=forecast)
    if session.is_structured:
        session.show({"workflows": found})
    else:
        _print_list(found, session.out, forecast=forecast)
    session.tell_cut("workflows", len(found), limit)


@workflows.command("graph")
def show_graph(
    context: typer.Context,
    workflow_id: WorkflowIdArgument,
    form: Annotated[
        GraphFormat,
        typer.Option(
            "--format",
            parser=word_of(GraphFormat),
            metavar="FORMAT",
            help="mermaid or dot (Graphviz). With --output json the graph is as the API shows it.",
        ),
    ] = GraphFormat.MERMAID,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show the graph of a workflow, as it was submitted.

    Example: tidegate workflows graph 01JD3V8Q5S2Y6W9K4M7N0P1R2T --format dot
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        graph = client.get_workflow_graph(workflow_id)
    if session.is_structured:
        session.show(graph)
        return
    view = graph_view(graph)
    for line in _mermaid(view) if form is GraphFormat.MERMAID else _dot(view):
        session.out.print(line, markup=False, highlight=False, soft_wrap=True)


@workflows.command("critical-path")
def show_critical_path(
    context: typer.Context,
    workflow_id: WorkflowIdArgument,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show the chain of a workflow's jobs that takes longest.

    Ended jobs count by how long they ran, the others by their estimates.

    Example: tidegate workflows critical-path 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.get_critical_path(workflow_id)
    if session.is_structured:
        session.show(found)
        return
    path = path_view(found)
    rows: list[list[Cell]] = [
        [printable(key), printable(state), duration_text(seconds), printable(known)]
        for key, state, seconds, known in path.rows
    ]
    print_table(TextTable(_PATH_COLUMNS, rows), session.out)
    whole, measured = duration_text(path.seconds), duration_text(path.measured_seconds)
    session.out.print(f"critical path {whole}, of which {measured} are measured", highlight=False)


@workflows.command("states")
def show_states(
    context: typer.Context,
    workflow_id: WorkflowIdArgument,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="VERSION",
            help="Only what changed after this version, as an earlier call showed it.",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show the states of a workflow's jobs, a letter each.

    Example: tidegate workflows states 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.get_workflow_states(workflow_id, since=since)
    if session.is_structured:
        session.show(found)
        return
    for line in _states(states_view(found)):
        session.out.print(line, markup=False, highlight=False, soft_wrap=True)


@workflows.command("watch")
def watch_states(
    context: typer.Context,
    workflow_id: WorkflowIdArgument,
    timeout_seconds: TimeoutOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show what changes in a workflow until it ends.

    The exit code says how it ended. A poll costs the deployment two reads, whatever the number of jobs.

    With `--output json` each poll that found a change is a JSON object on a line of its own, with yaml a document.

    Example: tidegate workflows watch 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    shown = (
        nullcontext(StructuredWatcher(session.out, session.output))
        if session.is_structured
        else watcher_for(session.err)
    )
    with ends_like_ctrl_c(), session.client() as client:
        try:
            with shown as watcher:
                last = follow_states(
                    StatesReader(client, workflow_id),
                    watcher,
                    timeout_seconds=timeout_seconds or DEFAULT_WAIT_SECONDS,
                )
        except KeyboardInterrupt as error:
            goes_on = f"interrupted; workflow {workflow_id} goes on{way_on(workflow_id, True)}"
            raise Interrupted(goes_on) from error
        except WaitTimedOut as error:
            raise WaitTimedOut(f"{error}{way_on(workflow_id, True)}") from error
        code = exit_code_at(client, last)
    if not session.is_structured:
        numbers = numbers_text(last.counts)
        session.out.print(f"{workflow_id} ", numbers, sep=" ", soft_wrap=True, highlight=False)
    raise typer.Exit(code)


def _print_list(found: Sequence[Mapping[str, Any]], console: Console, *, forecast: bool) -> None:
    """Prints workflows as a table, with verdicts where some have one and forecast ends if these were asked for."""
    is_timed = any(each.get("finish_by") for each in found)
    columns = (*COLUMNS, *(_TIME_COLUMNS if is_timed else ()), *(_FORECAST_COLUMNS if forecast else ()))
    rows = [
        [*_row(each), *(_time_cells(each) if is_timed else ()), *(_forecast_cells(each) if forecast else ())]
        for each in found
    ]
    print_table(TextTable(columns, rows), console)


def _time_cells(workflow: Mapping[str, Any]) -> list[Cell]:
    return [printable(str(workflow.get("finish_by") or "")), judgement_text(workflow)]


def _forecast_cells(workflow: Mapping[str, Any]) -> list[Cell]:
    """Returns when a workflow ends; a hyphen where it was not forecast."""
    found = workflow.get("forecast")
    if not isinstance(found, Mapping):
        return ["-", ""]
    low, high = time_of(found, "end", "low"), time_of(found, "end", "high")
    between = f"{low} and {high}" if low and high else ""
    return [time_of(found, "end", "median") or "not as things stand", between]


def _row(workflow: Mapping[str, Any]) -> list[Cell]:
    return [
        printable(str(workflow.get("workflow_id"))),
        printable(str(workflow.get("state"))),
        printable(str(workflow.get("name") or "")),
        f"{workflow.get('job_count', 0):,}",
        _counts(workflow),
        printable(str(workflow.get("created_at") or "")),
        printable(str(workflow.get("ended_at") or "")),
        printable(str(workflow.get("submitted_by") or "")),
    ]


def _counts(workflow: Mapping[str, Any]) -> str:
    counts: Mapping[str, int] = workflow.get("counts") or {}
    known = [state for state in STYLES if state in counts]
    return ", ".join(f"{counts[state]:,} {state}" for state in known)


def _states(found: StatesView) -> Iterator[str]:
    yield printable(f"{found.state}: {_counts({'counts': found.counts})}")
    yield printable(f"version {found.version}")
    if found.letters is None:
        by_letter: dict[str, list[int]] = {}
        for index, letter in found.changes.items():
            by_letter.setdefault(letter, []).append(index)
        for letter, indexes in by_letter.items():
            yield printable(f"{LETTERS.get(letter, letter)}: {' '.join(map(str, indexes))}")
        return
    for start in range(0, len(found.letters), _PER_LINE):
        yield printable(f"{start:5} {found.letters[start : start + _PER_LINE]}")
    yield " ".join(f"{letter}={state}" for letter, state in LETTERS.items() if letter in found.letters)


def _mermaid(graph: GraphView) -> Iterator[str]:
    yield "flowchart LR"
    for index, key in enumerate(graph.keys):
        label = printable(key).replace('"', "#quot;")
        yield f'  j{index}["{label}"]'
    for upstream, downstream, kind in graph.edges:
        arrow = "-->" if kind == DependencyType.MUST_SUCCEED else f"-- {kind} -->"
        yield f"  j{upstream} {arrow} j{downstream}"


def _dot(graph: GraphView) -> Iterator[str]:
    yield "digraph workflow {"
    yield "  rankdir=LR;"
    for index, key in enumerate(graph.keys):
        label = printable(key).replace("\\", "\\\\").replace('"', '\\"')
        yield f'  j{index} [label="{label}"];'
    for upstream, downstream, kind in graph.edges:
        label = "" if kind == DependencyType.MUST_SUCCEED else f' [label="{kind}"]'
        yield f"  j{upstream} -> j{downstream}{label};"
    yield "}"
