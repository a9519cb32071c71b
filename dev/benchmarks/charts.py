"""Makes docs/explanation/benchmarks.md and its charts, beside it, from the JSON in dev/benchmarks/results.

Each result that `dev.benchmarks.report` wrote brings its own titles, tables and charts. Any other JSON is shown as the
tables that it holds: its plain figures, and each list of records. Nothing is measured here.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dev.benchmarks.report import RESULTS, BenchmarkReport, Table, from_json, markdown, shown
from dev.benchmarks.svg import line_chart, range_chart

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "explanation"
PAGE = DOCS / "benchmarks.md"
BEGIN, END = "<!-- begin: made by `make -C dev/benchmarks charts` -->", "<!-- end -->"
EXAMPLE = "example: python -m dev.benchmarks.charts --check"

# In the order of the page; results that are not named here follow by name.
TITLES = {
    "cost": "Cost of a job and a dependency",
    "growth": "Growth",
    "priority": "Priority",
    "quality": "Scheduling quality",
    "forecast": "Forecast",
    "batching": "Batching",
    "dispatch_plan": "Dispatch plan",
    "dispatcher": "Dispatcher",
    "worker_process": "Worker process",
    "latency": "Time to start",
    "submission": "Large submissions",
    "console": "Console",
    "peers": "Peers",
}


def read_reports(results: Path = RESULTS) -> list[BenchmarkReport]:
    """Returns every result that exists, in the order of the page."""
    order = {name: place for place, name in enumerate(TITLES)}
    files = sorted(results.glob("*.json"), key=lambda file: (order.get(file.stem, len(order)), file.stem))
    return [read_report(file.stem, json.loads(file.read_text(encoding="utf-8"))) for file in files]


def read_report(name: str, value: Any) -> BenchmarkReport:
    """Returns one result as a report, whichever form its JSON has."""
    if isinstance(value, Mapping) and set(BenchmarkReport.__slots__) <= value.keys():
        return from_json(value)
    title = TITLES.get(name, name.replace("_", " ").capitalize())
    command = f"make -C dev/benchmarks {name.replace('_', '-')}"
    return BenchmarkReport(name, title, command, about="", goals=(), tables=list(_tables(title, value)))


def _tables(title: str, value: Any) -> Iterator[Table]:
    """Returns the figures and the lists of records of a JSON value. Deeper values stay in the file."""
    if isinstance(value, Mapping):
        figures = {name: each for name, each in value.items() if _is_cell(each)}
        if figures:
            yield Table(title, ("figure", "value"), [(_words(name), each) for name, each in figures.items()])
        for name, each in value.items():
            if not _is_cell(each):
                yield from _tables(_words(name).capitalize(), each)
    elif isinstance(value, Sequence) and value and all(isinstance(row, Mapping) for row in value):
        columns = [
            name for name in dict.fromkeys(name for row in value for name in row)
            if all(_is_cell(row.get(name)) for row in value)
        ]  # fmt: skip
        if columns:
            rows = [[row.get(name) for name in columns] for row in value]
            yield Table(title, [_words(name) for name in columns], rows)


def _is_cell(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _words(name: str) -> str:
    return name.replace("_", " ")


def charts_of(report: BenchmarkReport) -> dict[str, tuple[str, str]]:
    """Returns the report's charts by file name: title and SVG."""
    drawn = [
        *((chart.title, line_chart(chart)) for chart in report.line_charts),
        *((chart.title, range_chart(chart)) for chart in report.range_charts),
    ]
    return {f"{report.name}{f'-{place}' if place else ''}.svg": chart for place, chart in enumerate(drawn)}


def section(report: BenchmarkReport) -> str:
    """Returns the report's part of the page."""
    parts = [f"## {report.title}\n", f"`{report.command}`\n"]
    if report.about:
        parts.append(f"{report.about}\n")
    if report.goals:
        parts.append(
            "".join(
                f"- {goal.name}: {shown(goal.value)}, {goal.bound}: "
                f"{'holds' if goal.holds else '**does not hold**'}\n"
                for goal in report.goals
            )
        )
    parts += [f"![{title}](benchmarks/{file})\n" for file, (title, _) in charts_of(report).items()]
    for table in report.tables:
        heading = "" if table.title == report.title else f"{table.title}:\n\n"
        parts.append(f"{heading}{markdown(table)}")
    return "\n".join(parts)


def page_with(page: str, reports: Sequence[BenchmarkReport]) -> str:
    """Returns the page with the text between its markers made from the reports. Raises ValueError without markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has lost its markers: {BEGIN} and {END}")
    middle = "\n".join(section(report) for report in reports)
    return f"{before}{BEGIN}\n\n{middle}\n{END}{after}"


def made_files(docs: Path = DOCS, results: Path = RESULTS) -> dict[Path, str]:
    """Returns the page and the charts as they should be."""
    reports = read_reports(results)
    page = docs / PAGE.name
    made = {page: page_with(page.read_text(encoding="utf-8"), reports)}
    for report in reports:
        made |= {docs / "benchmarks" / file: svg for file, (_, svg) in charts_of(report).items()}
    return made


def differing(made: Mapping[Path, str], docs: Path = DOCS) -> list[Path]:
    """Returns the files that differ from what they should be, and charts that belong to no result."""
    stale = [
        file for file, text in made.items() if not file.is_file() or file.read_text(encoding="utf-8") != text
    ]
    return [*stale, *(file for file in sorted((docs / "benchmarks").glob("*.svg")) if file not in made)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the page and the charts. With --check, only says whether they match the results."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.charts", description=__doc__, epilog=EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a file is out of date"
    )
    check: bool = parser.parse_args(arguments).check
    made = made_files()
    changed = differing(made)
    for file in changed:
        done = "written" if file in made else "removed"
        sys.stdout.write(f"{'out of date' if check else done}: {file.relative_to(ROOT)}\n")
        if check:
            continue
        if file in made:
            file.parent.mkdir(exist_ok=True)
            file.write_text(made[file], encoding="utf-8")
        else:
            file.unlink()
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
