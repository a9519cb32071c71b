"""A benchmark's report: printed, kept as JSON, and shown by `charts` in docs/explanation/benchmarks.md."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure and its bound, either a lowest or a highest value."""

    name: str
    value: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def holds(self) -> bool:
        """Says whether the figure keeps to its bound."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.at_most is None or self.value <= self.at_most

    @property
    def bound(self) -> str:
        """Returns the bound in words."""
        if self.at_least is not None:
            return f"at least {shown(self.at_least)}"
        return f"at most {shown(self.at_most)}"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart, with its points from left to right."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class LineChart:
    """Lines over a logarithmic x axis. The y axis begins at 0."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Range:
    """One row of a chart: a bar from `low` to `high`, and points on it by name."""

    label: str
    low: float
    high: float
    marks: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RangeChart:
    """Horizontal bars, one for each row. `bars` names them."""

    title: str
    x_label: str
    bars: str
    rows: Sequence[Range]


@dataclass(frozen=True, slots=True)
class BenchmarkReport:
    """The result of one benchmark. `name` is that of its JSON file, and `command` measures it again."""

    name: str
    title: str
    command: str
    about: str
    goals: Sequence[Goal]
    tables: Sequence[Table]
    line_charts: Sequence[LineChart] = ()
    range_charts: Sequence[RangeChart] = ()


def finish(report: BenchmarkReport) -> int:
    """Prints the report and writes its JSON. Returns exit code 1 where a goal does not hold."""
    out = sys.stdout.write
    for table in report.tables:
        out(f"{table.title}\n{plain_text(table)}\n")
    for goal in report.goals:
        verdict = "holds" if goal.holds else "DOES NOT HOLD"
        out(f"{goal.name}: {shown(goal.value)}, {goal.bound}: {verdict}\n")
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(asdict(report), indent=1) + "\n"
    (RESULTS / f"{report.name}.json").write_text(text, encoding="utf-8")
    return 0 if all(goal.holds for goal in report.goals) else 1


def from_json(value: Mapping[str, Any]) -> BenchmarkReport:
    """Reads a report that `finish` wrote."""
    return BenchmarkReport(
        name=value["name"],
        title=value["title"],
        command=value["command"],
        about=value["about"],
        goals=[Goal(**each) for each in value["goals"]],
        tables=[Table(**each) for each in value["tables"]],
        line_charts=[
            LineChart(**{**each, "lines": [Line(**line) for line in each["lines"]]})
            for each in value["line_charts"]
        ],
        range_charts=[
            RangeChart(**{**each, "rows": [Range(**row) for row in each["rows"]]})
            for each in value["range_charts"]
        ],
    )


def shown(cell: Cell, decimals: int = 3) -> str:
    """Formats a cell for people, with large numbers without decimals."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:,.{0 if abs(cell) >= 10_000 else decimals}f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _shown_rows(table: Table) -> list[list[str]]:
    decimals = [_decimals([row[place] for row in table.rows]) for place in range(len(table.columns))]
    return [[shown(cell, count) for cell, count in zip(row, decimals, strict=True)] for row in table.rows]


def _decimals(cells: Sequence[Cell]) -> int:
    """Returns how many decimals the column needs, at most three."""
    texts = [f"{cell:.3f}".rstrip("0") for cell in cells if isinstance(cell, float)]
    return max((len(text.partition(".")[2]) for text in texts), default=0)


def plain_text(table: Table) -> str:
    """Formats the table in columns, with numbers to the right."""
    lines = [list(table.columns), *_shown_rows(table)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.columns))]
    numeric = [_is_numeric(table, place) for place in range(len(table.columns))]
    return "".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def markdown(table: Table) -> str:
    """Formats the table in Markdown."""
    rule = ["--:" if _is_numeric(table, place) else "---" for place in range(len(table.columns))]
    lines = [table.columns, rule, *_shown_rows(table)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _is_numeric(table: Table, place: int) -> bool:
    cells = [row[place] for row in table.rows]
    return not any(isinstance(cell, str | bool) for cell in cells)
