"""The commands of `tidegate timetables` about its runs: now, next, past, and those of a range."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tidegate.domain.limits import MAX_TIMETABLE_TIMES
from tidegate_cli.api_answers import number_of, objects_of
from tidegate_cli.client import Client
from tidegate_cli.commands import many_jobs
from tidegate_cli.commands.in_bulk import YesOption
from tidegate_cli.commands.times import past_time
from tidegate_cli.commands.timetable_options import TimetableArgument
from tidegate_cli.commands.timetables import short_time, timetables
from tidegate_cli.connection import MAX_PAGES
from tidegate_cli.errors import CliError
from tidegate_cli.options import (
    ApiUrlOption,
    DryRunOption,
    IdempotencyKeyOption,
    OutputOption,
    Session,
    session_of,
)
from tidegate_cli.tables import Cell, Column, TextTable, print_table
from tidegate_cli.views import format_time, printable

__all__ = ["timetables"]
RUN_COLUMNS = (
    Column("scheduled", fixed=True),
    Column("outcome", 100),
    Column("state", 95),
    Column("submitted", 90),
    Column("cause", 40),
    Column("times", 30, right=True),
    Column("why", 50, folds=True),
)
_NEXT_COLUMNS = (Column("scheduled", fixed=True), Column("local", 100), Column("begins", 50))
_SUBMITTED = "submitted"

_FromOption = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="TIME",
        parser=past_time,
        help="The earliest scheduled time, which counts, such as 7d or 2026-12-01T08:00:00Z.",
    ),
]
_ToOption = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="TIME",
        parser=past_time,
        help="The latest scheduled time, which does not count. Default: now.",
        show_default=False,
    ),
]


@timetables.command("run")
def run_timetable(
    context: typer.Context,
    timetable_id: TimetableArgument,
    idempotency_key: IdempotencyKeyOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Run a timetable once, now. The command prints the id of the job or the workflow that it submitted.

    Example: tidegate timetables run 01JD3V8Q5S2Y6W9K4M7N0P1R2T
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        run = client.run_timetable(timetable_id, idempotency_key)
    if session.is_structured:
        session.show(run)
        return
    session.out.print(_submitted(run), markup=False, highlight=False)


@timetables.command("next")
def next_runs(
    context: typer.Context,
    timetable_id: TimetableArgument,
    count: Annotated[
        int, typer.Option("--count", min=1, max=MAX_TIMETABLE_TIMES, help="How many times to show.")
    ] = 10,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show the next scheduled times of a timetable.

    They are told in UTC and on the clock of its zone.

    Example: tidegate timetables next 01JD3V8Q5S2Y6W9K4M7N0P1R2T --count 5
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.next_runs(timetable_id, count)
    if session.is_structured:
        session.show(found)
        return
    times = objects_of(found, "times")
    if not times:
        session.out.print(Text("no time is to come", style="dim"))
        return
    rows = [
        (
            short_time(each.get("scheduled_at")),
            printable(str(each.get("local"))),
            short_time(each.get("begins_at")),
        )
        for each in times
    ]
    print_table(TextTable(_NEXT_COLUMNS, rows), session.out)


@timetables.command("runs")
def list_runs(
    context: typer.Context,
    timetable_id: TimetableArgument,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most runs to list.")] = 50,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List the runs of a timetable, the latest first.

    Example: tidegate timetables runs 01JD3V8Q5S2Y6W9K4M7N0P1R2T --limit 20
    """
    session = session_of(context, output, api_url)
    with session.client() as client:
        found = client.list_runs(timetable_id, limit=limit)
    if session.is_structured:
        session.show({"runs": [dict(each) for each in found]})
    else:
        _print_runs(found, session.out)
    session.tell_cut("runs", len(found), limit)


@timetables.command("backfill")
def backfill(
    context: typer.Context,
    timetable_id: TimetableArgument,
    since: _FromOption,
    until: _ToOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Submit past times that were not submitted.

    It counts the scheduled times of the range first and asks. A time that was submitted before is not submitted again.

    Example: tidegate timetables backfill 01JD3V8Q5S2Y6W9K4M7N0P1R2T --from 7d
    """
    session = session_of(context, output, api_url)
    end = until or format_time(int(time.time() * 1_000))
    with session.client() as client:
        if dry_run or not yes:
            counted = client.count_backfill(timetable_id, since, end)
            if dry_run:
                _say_count(counted, session)
                return
            typer.confirm(f"submit {_count_text(counted)}?", abort=True, err=True)
        done = _backfilled(client, session, timetable_id, since, end)
    if session.is_structured:
        session.show(done)
        return
    said = (
        f"{done['submitted']:,} submitted, {done['already']:,} had been before, {done['refused']:,} refused"
    )
    session.out.print(said, markup=False, highlight=False)
    _print_refused(done["runs"], session)


def _backfilled(
    client: Client, session: Session, timetable_id: str, since: str, until: str
) -> dict[str, Any]:
    """Calls until the range is done, and returns the runs and the counts. Raises CliError and Interrupted."""
    runs: list[Mapping[str, Any]] = []
    already, begin = 0, since
    with many_jobs.tells_way_on(
        f"tidegate timetables backfill {timetable_id} --from {since} --to {until}",
        lambda: f"{_submitted_of(runs):,} times submitted",
    ):
        for _ in range(MAX_PAGES):
            answer = client.backfill(timetable_id, begin, until)
            runs += objects_of(answer, "runs")
            already += number_of(answer, "already")
            following = answer.get("next_from")
            if following is None:
                submitted = _submitted_of(runs)
                return {
                    "timetable_id": timetable_id, "runs": [dict(run) for run in runs], "already": already,
                    "submitted": submitted, "refused": len(runs) - submitted,
                }  # fmt: skip
            if following == begin:
                break
            begin = str(following)
            session.tell(f"{_submitted_of(runs):,} times submitted, going on from {short_time(begin)}")
    raise CliError(f"the backfill of {timetable_id} did not come past {short_time(begin)}: try again later")


def _submitted_of(runs: Sequence[Mapping[str, Any]]) -> int:
    return sum(run.get("outcome") == _SUBMITTED for run in runs)


def _count_text(counted: Mapping[str, Any]) -> str:
    """Says how many times a backfill would submit, as far as that is known."""
    count, submitted = number_of(counted, "count"), number_of(counted, "submitted")
    more = "at least " if counted.get("more") else ""
    span = f" from {short_time(counted.get('first'))} to {short_time(counted.get('last'))}" if count else ""
    before = f" ({submitted:,} or more of them were submitted before)" if submitted else ""
    return f"{more}{count:,} scheduled times{span}{before}"


def _say_count(counted: Mapping[str, Any], session: Session) -> None:
    if session.is_structured:
        session.show(counted)
    else:
        session.out.print(_count_text(counted), markup=False, highlight=False, soft_wrap=True)


def _print_runs(found: Sequence[Mapping[str, Any]], out: Console) -> None:
    if not found:
        out.print(Text("no runs", style="dim"))
        return
    print_table(TextTable(RUN_COLUMNS, [_row(each) for each in found]), out)


def _print_refused(runs: Sequence[Mapping[str, Any]], session: Session) -> None:
    refused = [run for run in runs if run.get("outcome") != _SUBMITTED]
    if refused:
        _print_runs(refused, session.out)


def _row(run: Mapping[str, Any]) -> tuple[Cell, ...]:
    return (
        short_time(run.get("scheduled_at")),
        _plain(run.get("outcome")),
        _plain(run.get("state")),
        _submitted(run),
        _plain(run.get("cause")),
        str(number_of(run, "count")),
        _plain(run.get("message") or run.get("code")),
    )


def _submitted(run: Mapping[str, Any]) -> str:
    return _plain(run.get("job_id") or run.get("workflow_id"))


def _plain(value: object) -> str:
    return "-" if value is None else printable(str(value))
