"""The command `tidegate stats`: how many jobs ended, how, and how long they waited and ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tidegate.domain.statistics.asked import By, Step
from tidegate_cli.commands.choices import word_of
from tidegate_cli.commands.job_filter import PoolFilter, TypeFilter
from tidegate_cli.commands.plot_statistics import Figure, print_plot, print_steps
from tidegate_cli.commands.times import time_option
from tidegate_cli.csv_values import CsvOption, print_csv, refuse_csv_beside_output
from tidegate_cli.errors import OptionError
from tidegate_cli.following.live import duration_text
from tidegate_cli.options import ApiUrlOption, OutputOption, session_of
from tidegate_cli.tables import Cell, Column, TextTable, print_table
from tidegate_cli.views import printable

COLUMNS = (
    Column("of", fixed=True),
    Column("ended", 100, right=True),
    Column("ok", 95, right=True),
    Column("per hour", 90, right=True),
    Column("wait 50 %", 75, right=True),
    Column("wait 99 %", 80, right=True),
    Column("run 50 %", 85, right=True),
    Column("run 99 %", 70, right=True),
    Column("over 50 %", 40, right=True),
    Column("busy", 60, right=True),
    Column("used", 65, right=True),
    Column("wasted", 50, right=True),
    Column("lost", 30, right=True),
    Column("oldest ready", 35, right=True),
)
_QUANTILES = ("wait_seconds", "run_seconds", "overrun")
CSV_COLUMNS = (
    *("pool", "type", "share", "worker", "since", "until"),
    *("ended", "succeeded", "failed", "timed_out", "cancelled", "skipped", "success_rate", "ended_per_hour"),
    *("measured", "started", "tries", "handed_back", "lost", "busy_seconds"),
    *("slot_seconds", "utilisation", "oldest_ready_seconds", "wasted_seconds"),
    *(f"{kind}_{part}" for kind in _QUANTILES for part in ("count", "p50", "p90", "p99", "max")),
)
STEP_COLUMNS = ("pool", "type", "share", "worker", "since", "ended", "succeeded", "failed", "timed_out")


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command("stats")(stats)


def stats(
    context: typer.Context,
    by: Annotated[
        By,
        typer.Option(
            "--by", parser=word_of(By), metavar="WORD", help=f"A row for each {', '.join(By)}; one of these."
        ),
    ] = By.POOL,
    since: Annotated[
        str | None, time_option("--from", "The earliest time, by default a day before the latest")
    ] = None,
    until: Annotated[str | None, time_option("--to", "The latest time, by default now")] = None,
    pool: PoolFilter = None,
    job_type: TypeFilter = None,
    plot: Annotated[
        Figure | None,
        typer.Option(
            "--plot",
            parser=word_of(Figure),
            metavar="WORD",
            help=f"Draw a bar for each row: {', '.join(Figure)}; one of these.",
            show_default=False,
        ),
    ] = None,
    step: Annotated[
        Step | None,
        typer.Option(
            "--step",
            parser=word_of(Step),
            metavar="WORD",
            help=f"Draw the ends of each row over time, by {' or '.join(Step)}.",
            show_default=False,
        ),
    ] = None,
    as_csv: CsvOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Count ended jobs, and show how long they waited and ran.

    A job counts at the time of its end. No column counts submissions: with Alarms=true they are the metric
    JobsSubmitted in CloudWatch.

    Example: tidegate stats --by type --pool ecs
    """
    session = session_of(context, output, api_url)
    refuse_csv_beside_output(session, as_csv)
    if plot is not None:
        _refuse_plot_beside(as_csv or session.is_structured, step)
    with session.client() as client:
        found = client.get_statistics(
            by=by.value, since=since, until=until, pool=pool, job_type=job_type, step=step and step.value
        )
    if as_csv:
        _print_csv(found, step)
    elif session.is_structured:
        session.show(found)
    else:
        _print_statistics(found, session.out, by, plot, step)


def _refuse_plot_beside(is_for_programs: bool, step: Step | None) -> None:
    """Raises OptionError where another option shows the rows in a form of its own."""
    if is_for_programs:
        raise OptionError("--plot", "means nothing beside --csv and --output: leave it out")
    if step is not None:
        raise OptionError(
            "--plot", "means nothing beside --step, which draws the ends: leave one of them out"
        )


def _print_csv(found: Mapping[str, Any], step: Step | None) -> None:
    if step is None:
        print_csv(CSV_COLUMNS, [_csv_row(row) for row in found.get("rows") or ()])
    else:
        print_csv(STEP_COLUMNS, [_csv_values(STEP_COLUMNS, row) for row in _steps_of(found)])


def _print_statistics(
    found: Mapping[str, Any], console: Console, by: By, plot: Figure | None, step: Step | None
) -> None:
    counted_until = found.get("counted_until")
    rows = found.get("rows") or ()
    if rows and plot is not None:
        print_plot(plot, by, [(_name(row), row) for row in rows], console)
    elif rows and step is not None:
        named = [*((_name(row), row) for row in rows), ("all", found["total"])]
        print_steps(step, found, named, console)
    elif rows:
        shown = [_cells(_name(row), row) for row in rows]
        print_table(TextTable(COLUMNS, [*shown, _cells("all", found["total"])]), console)
    said = f"counted until {printable(str(counted_until))}" if counted_until else "nothing is counted yet"
    console.print(Text(said if rows else f"no ended jobs; {said}", style="dim"))


def _name(row: Mapping[str, Any]) -> str:
    if row.get("share") is not None:
        return printable(f"{row.get('pool') or ''} {row['share'] or '(no share)'}".lstrip())
    names = [str(row[kind]) for kind in ("pool", "type", "worker") if row.get(kind) is not None]
    return printable(" ".join(names or [str(row.get("since"))]))


def _cells(name: str, row: Mapping[str, Any]) -> Sequence[Cell]:
    wait, run, overrun = (row.get(kind) or {} for kind in _QUANTILES)
    rate, per_hour, over = row.get("success_rate"), row.get("ended_per_hour"), overrun.get("p50")
    used = row.get("utilisation")
    return (
        name,
        str(row.get("ended")),
        "-" if rate is None else f"{rate:.1%}",
        "-" if per_hour is None else f"{per_hour:.1f}",
        duration_text(wait.get("p50")),
        duration_text(wait.get("p99")),
        duration_text(run.get("p50")),
        duration_text(run.get("p99")),
        "-" if over is None else f"{over:.2f}",
        duration_text(row.get("busy_seconds")),
        "-" if used is None else f"{used:.1%}",
        duration_text(row.get("wasted_seconds")),
        str(row.get("lost")),
        duration_text(row.get("oldest_ready_seconds")),
    )


def _csv_row(row: Mapping[str, Any]) -> Sequence[str]:
    """Returns the values of a row, with one for each quantile, such as `run_seconds_p99`."""
    flat: dict[str, Any] = {}
    for field, value in row.items():
        if isinstance(value, Mapping):
            flat |= {f"{field}_{part}": held for part, held in value.items()}
        else:
            flat[field] = value
    return _csv_values(CSV_COLUMNS, flat)


def _csv_values(columns: Sequence[str], row: Mapping[str, Any]) -> Sequence[str]:
    values = (row.get(column) for column in columns)
    return ["" if value is None else printable(str(value)) for value in values]


def _steps_of(found: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yields each hour or day of each row, with the key of its row."""
    for row in found.get("rows") or ():
        keys = {kind: row.get(kind) for kind in ("pool", "type", "share", "worker")}
        for step in row.get("steps") or ():
            yield {**keys, **step}
