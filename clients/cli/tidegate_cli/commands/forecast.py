"""The command that forecasts when jobs start and workflows end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from tidegate_cli import ids
from tidegate_cli.api_answers import objects_of
from tidegate_cli.following.watching import is_workflow
from tidegate_cli.options import ApiUrlOption, OutputOption, session_of
from tidegate_cli.tables import Cell, Column, TextTable, print_table
from tidegate_cli.views import printable

_COLUMNS = (
    Column("job", fixed=True, folds=True),
    Column("state", 100),
    Column("starts", 90),
    Column("ends", 90),
    Column("ends between", 80),
)
_IdArgument = Annotated[
    str,
    typer.Argument(metavar="ID", callback=ids.any_id, help="A job or a workflow, as `submit` printed it."),
]


def register(app: typer.Typer) -> None:
    """Adds the command to the root."""
    app.command("forecast")(forecast)


def forecast(
    context: typer.Context, asked: _IdArgument, output: OutputOption = None, api_url: ApiUrlOption = None
) -> None:
    """Forecast when a job starts and ends, or when a workflow ends.

    Example: tidegate forecast 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        of_workflow = is_workflow(client, asked)
        answer = client.forecast_workflow(asked) if of_workflow else client.forecast_job(asked)
    if session.is_structured:
        session.show(answer)
        return
    rows = objects_of(answer, "jobs") if of_workflow else [answer]
    print_table(TextTable(_COLUMNS, [_row(each) for each in rows]), session.out)
    print_lines(_summary(answer, len(rows)) if of_workflow else (), session.out)
    print_lines(verdict_lines(answer), session.out)
    print_lines(note_lines(answer), session.out)


def _row(job: Mapping[str, Any]) -> list[Cell]:
    low, high = time_of(job, "end", "low"), time_of(job, "end", "high")
    return [
        printable(str(job.get("key") or job.get("job_id"))),
        printable(str(job.get("state"))),
        time_of(job, "start", "median"),
        time_of(job, "end", "median"),
        f"{low} and {high}" if low and high else "",
    ]


def _summary(answer: Mapping[str, Any], shown: int) -> Iterator[str]:
    left = answer.get("jobs_left")
    if left == 0:
        yield f"{answer.get('workflow_id')} has ended"
        return
    if isinstance(left, int) and left > shown:
        yield f"{left:,} jobs have not ended; the first {shown} to start are shown"
    end = time_of(answer, "end", "median")
    if not end:
        yield f"{answer.get('workflow_id')} does not end as things stand"
        return
    between = f"between {time_of(answer, 'end', 'low')} and {time_of(answer, 'end', 'high')}"
    coverage = answer.get("coverage")
    part = f"{coverage:.0%}" if isinstance(coverage, int | float) else "most"
    yield f"{answer.get('workflow_id')} ends about {end}, in {part} of cases {between}"


def verdict_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yields the verdict about the `finish_by` of an answer, and a line for each change that would help."""
    judged = answer.get("finish_by")
    if not isinstance(judged, Mapping):
        return
    yield f"to finish by {judged.get('at')}: {judged.get('verdict')}, with a probability of {_part(judged)}"
    if judged.get("earliest"):
        yield f"  without any wait it would end about {judged.get('earliest')}"
    for each in objects_of(judged, "helps"):
        slots = each.get("add_slots")
        if isinstance(slots, Mapping):
            change = " and ".join(f"{number:,} more slots in {pool}" for pool, number in slots.items())
        else:
            change = f"priority {each.get('priority')}"
        yield f"  with {change}: {_part(each)}"


def _part(judged: Mapping[str, Any]) -> str:
    probability = judged.get("probability")
    return f"{probability:.0%}" if isinstance(probability, int | float) else "?"


def note_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yields a line for each note of an answer."""
    for note in objects_of(answer, "notes"):
        yield f"{note.get('code')}: {note.get('message')}"


def time_of(answer: Mapping[str, Any], name: str, bound: str) -> str:
    """Returns one time of an interval, empty where the API has none."""
    interval = answer.get(name)
    return printable(str(interval.get(bound) or "")) if isinstance(interval, Mapping) else ""


def print_lines(lines: Iterable[str], console: Console) -> None:
    """Prints lines as they are, never cut."""
    for line in lines:
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
