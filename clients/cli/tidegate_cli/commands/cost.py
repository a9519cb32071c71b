"""The command that says what jobs cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tidegate.domain import limits
from tidegate.domain.costs.prices import LIST_PRICES, Prices, dollars
from tidegate.domain.costs.units import NAMES, NO_UNITS, Units
from tidegate.domain.job_query import ALL_STATES, Order
from tidegate_cli import ids
from tidegate_cli.api_answers import objects_of
from tidegate_cli.client import Client
from tidegate_cli.commands.choices import word_of
from tidegate_cli.commands.job_filter import only
from tidegate_cli.commands.times import time_option
from tidegate_cli.csv_values import CsvOption, print_csv, refuse_csv_beside_output
from tidegate_cli.documents.price_file import read_prices
from tidegate_cli.errors import OptionError, UsageError
from tidegate_cli.options import ApiUrlOption, OutputOption, Session, session_of
from tidegate_cli.tables import Column, TextTable, print_table
from tidegate_cli.views import printable

_COLUMNS: Final = (
    Column("name", fixed=True, folds=True),
    Column("jobs", 100, right=True),
    Column("write units", 70, right=True),
    Column("run seconds", 60, right=True),
    Column("dollars", 90, right=True),
    Column("of them wasted", 80, right=True),
)
_SinceOption = Annotated[str | None, time_option("--since", "Only jobs from this time on")]
_TOTAL: Final = "total"
_NO_NAME: Final = "(none)"


class By(StrEnum):
    """The things that a row of the table may stand for."""

    JOB = "job"
    TYPE = "type"
    SHARE = "share"
    TAG = "tag"
    WORKFLOW = "workflow"


@dataclass(frozen=True, slots=True)
class Row:
    """The cost of some jobs together."""

    name: str
    jobs: int = 0
    useful: Units = NO_UNITS
    wasted: Units = NO_UNITS

    def __add__(self, other: Row) -> Row:
        """Returns both together under the name of the first."""
        useful, wasted = self.useful + other.useful, self.wasted + other.wasted
        return Row(self.name, self.jobs + other.jobs, useful, wasted)


@dataclass(frozen=True, slots=True)
class Cost:
    """The rows that were asked for, and the total. A job with several tags is in several rows, and once in `total`."""

    rows: Sequence[Row]
    total: Row


def register(app: typer.Typer) -> None:
    """Adds the command to the root."""
    app.command("cost")(cost)


def cost(
    context: typer.Context,
    asked: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Jobs, as `submit` printed them.", show_default=False),
    ] = None,
    workflow: Annotated[str | None, only("--workflow", "of this workflow", "ID")] = None,
    job_type: Annotated[str | None, only("--type", "of this type")] = None,
    since: _SinceOption = None,
    by: Annotated[
        By | None,
        typer.Option(
            "--by",
            parser=word_of(By),
            metavar="WORD",
            help="A row for each job, type, share, tag or workflow.",
        ),
    ] = None,
    prices_file: Annotated[
        Path | None,
        typer.Option("--prices", metavar="FILE", help="A JSON object of prices in place of the list prices."),
    ] = None,
    as_csv: CsvOption = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="The most jobs of a list.")] = 200,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Say what jobs cost, and how much of it was wasted.

    Costs are units that AWS bills, and dollars. Wasted are attempts that did not count. Name jobs, or a workflow, or
    say which jobs with --type and --since.

    Example: tidegate cost --workflow 01JD3V8Q5S2Y6W9K4M7N0P1R2T --by tag
    """
    session = session_of(context, output, api_url)
    listed = job_type is not None or since is not None
    if sum((bool(asked), workflow is not None, listed)) != 1:
        raise UsageError("name either jobs, or --workflow, or --type and --since")
    if workflow is not None and by in (By.JOB, By.WORKFLOW):
        raise OptionError("--by", "of one workflow is type, share or tag")
    refuse_csv_beside_output(session, as_csv)
    prices = LIST_PRICES if prices_file is None else read_prices(prices_file)
    with session.client() as client:
        if workflow is not None:
            found = _of_workflow(client, workflow, by or By.TYPE)
        else:
            wanted = [ids.job_id(each) for each in asked or ()] or _listed(client, job_type, since, limit)
            found = _of_jobs(client, wanted, by or (By.TYPE if listed else By.JOB))
            if listed:
                session.tell_cut("jobs", len(wanted), limit)
    _show(session, found, prices, as_csv=as_csv)


def _listed(client: Client, job_type: str | None, since: str | None, limit: int) -> list[str]:
    filters = {"state": ",".join(ALL_STATES), "type": job_type, "from": since, "order": str(Order.TIME)}
    return [job.job_id for job in client.list_jobs(filters, limit=limit)]


def _of_jobs(client: Client, job_ids: Iterable[str], by: By) -> Cost:
    answers = [client.get_job_cost(job_id) for job_id in dict.fromkeys(job_ids)]
    rows = [Row(name, 1, *_both(answer)) for answer in answers for name in _names(answer, by)]
    return Cost(_merged(rows), sum((Row("", 1, *_both(answer)) for answer in answers), Row(_TOTAL)))


def _names(answer: Mapping[str, Any], by: By) -> Iterator[str]:
    if by is By.TAG:
        tags = answer.get("tags")
        yield from (f"{name}={value}" for name, value in (tags.items() if isinstance(tags, Mapping) else ()))
    elif by is By.WORKFLOW:
        workflow_id, dot, _ = str(answer.get("job_id")).partition(".")
        yield workflow_id if dot else ""
    else:
        yield str(answer.get({By.JOB: "job_id", By.TYPE: "type", By.SHARE: "share"}[by]) or "")


def _of_workflow(client: Client, workflow_id: str, by: By) -> Cost:
    """Adds up the pages of a workflow. Each page looks at a job or more."""
    rows: list[Row] = []
    total, cursor = Row(_TOTAL), None
    for _ in range(limits.MAX_JOBS_PER_WORKFLOW):
        page = client.get_workflow_cost(workflow_id, cursor=cursor)
        rows += [
            Row(str(group.get("name")), _number(group, "jobs"), *_both(group))
            for group in objects_of(page, f"by_{by}")
        ]
        total += Row("", _number(page, "jobs"), *_both(page)) + Row("", 0, _units(page, "own"))
        cursor = page.get("cursor")
        if not isinstance(cursor, str):
            break
    return Cost(_merged(rows), total)


def _merged(rows: Iterable[Row]) -> list[Row]:
    merged: dict[str, Row] = {}
    for row in rows:
        merged[row.name] = merged[row.name] + row if row.name in merged else row
    return sorted(merged.values(), key=lambda row: row.name)


def _both(answer: Mapping[str, Any]) -> tuple[Units, Units]:
    return _units(answer, "useful"), _units(answer, "wasted")


def _units(answer: Mapping[str, Any], name: str) -> Units:
    given = answer.get(name)
    return Units(**{each: given.get(each, 0) for each in NAMES}) if isinstance(given, Mapping) else NO_UNITS


def _number(answer: Mapping[str, Any], name: str) -> int:
    value = answer.get(name)
    return value if isinstance(value, int) else 0


def _show(session: Session, found: Cost, prices: Prices, *, as_csv: bool) -> None:
    if session.is_structured:
        session.show(_document(found, prices))
        return
    if as_csv:
        columns = ("name", "jobs", *NAMES, "dollars", "wasted_dollars")
        print_csv(columns, [_csv_row(row, prices) for row in (*found.rows, found.total)])
        return
    print_table(
        TextTable(_COLUMNS, [_table_row(row, prices) for row in (*found.rows, found.total)]), session.out
    )
    session.tell(
        f"By the prices of {prices.as_of}, {prices.region}. Not in it are costs that all jobs share: leases, the "
        "dispatcher's reads, pulses."
    )


def _table_row(row: Row, prices: Prices) -> list[str]:
    whole = row.useful + row.wasted
    return [
        printable(row.name or _NO_NAME),
        f"{row.jobs:,}",
        f"{whole.write_units:,.1f}",
        f"{whole.function_seconds + whole.task_seconds:,.1f}",
        f"{dollars(whole, prices):.8f}",
        f"{dollars(row.wasted, prices):.8f}",
    ]


def _csv_row(row: Row, prices: Prices) -> list[str]:
    whole = row.useful + row.wasted
    amounts = [_exact(getattr(whole, name)) for name in NAMES]
    name, price = printable(row.name), f"{dollars(whole, prices):.12f}"
    return [name, str(row.jobs), *amounts, price, f"{dollars(row.wasted, prices):.12f}"]


def _exact(amount: float) -> str:
    """Returns an amount without an exponent; units come in halves, and seconds in thousandths."""
    return f"{amount:.3f}".rstrip("0").rstrip(".")


def _document(found: Cost, prices: Prices) -> dict[str, Any]:
    def shown(row: Row) -> dict[str, Any]:
        useful, wasted = (
            {**{name: getattr(units, name) for name in NAMES}, "dollars": dollars(units, prices)}
            for units in (row.useful, row.wasted)
        )
        return {"name": row.name, "jobs": row.jobs, "useful": useful, "wasted": wasted}

    return {
        "prices": f"{prices.as_of}, {prices.region}",
        "rows": [shown(row) for row in found.rows],
        "total": shown(found.total),
    }
