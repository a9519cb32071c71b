"""Prints comma-separated values, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from tidegate_cli.errors import OptionError
from tidegate_cli.options import Session

CsvOption = Annotated[bool, typer.Option("--csv", help="Print every figure as comma-separated values.")]


def refuse_csv_beside_output(session: Session, as_csv: bool) -> None:
    """Raises OptionError where both `--csv` and `--output` name a form of the result."""
    if as_csv and session.is_structured:
        raise OptionError("--csv", "means nothing beside --output: leave one of them out")


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints the names of the columns and the rows to standard output."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    typer.echo(text.getvalue(), nl=False)
