"""Draws the rows of `tidegate stats` as bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tidegate.domain.statistics.asked import By, Step
from tidegate.domain.statistics.spans import DAY_MS, HOUR_MS
from tidegate_cli.following.live import duration_text
from tidegate_cli.plots import bar, sparkline
from tidegate_cli.tables import is_screen
from tidegate_cli.views import format_time, parse_time_ms

_PIPE_CELLS: Final = 40
_LEAST_CELLS: Final = 8
_GAP: Final = "  "
_STEP_MS: Final = {By.HOUR: HOUR_MS, By.DAY: DAY_MS}
_IN_A_STEP: Final = {Step.HOUR: "an hour", Step.DAY: "a day"}


class Figure(StrEnum):
    """A figure that bars can show."""

    ENDED = "ended"
    WAIT = "wait"
    RUN = "run"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class _Bar:
    """The two parts of a bar, and their numbers in words."""

    first: float
    second: float
    said: str


_PARTS: Final = {
    Figure.ENDED: ("all others", "failed or timed out"),
    Figure.WAIT: ("half of the jobs wait at most so long", "99 % do"),
    Figure.RUN: ("half of the jobs run at most so long", "99 % do"),
    Figure.BUSY: ("busy with the last attempt", "wasted on earlier attempts"),
}
_STYLES: Final = {
    Figure.ENDED: ("green", "red"),
    Figure.WAIT: ("yellow", "yellow"),
    Figure.RUN: ("magenta", "magenta"),
    Figure.BUSY: ("blue", "red"),
}


def print_plot(
    figure: Figure, by: By, rows: Sequence[tuple[str, Mapping[str, Any]]], console: Console
) -> None:
    """Prints a bar for each row, which is a name with its figures, and the meaning of both parts of a bar.

    Hours and days without a row, between the first and the last one, get a line too. On a terminal the longest bar ends
    with the line; elsewhere it has 40 characters.
    """
    bars = [(name, _bar_of(figure, row)) for name, row in _with_gaps(by, rows)]
    most = max((each.first + each.second for _, each in bars), default=0)
    name_cells = max((cell_len(name) for name, _ in bars), default=0)
    said_cells = max((cell_len(each.said) for _, each in bars), default=0)
    width = _PIPE_CELLS
    if is_screen(console):
        width = max(_LEAST_CELLS, console.width - name_cells - said_cells - 2 * len(_GAP))
    for name, each in bars:
        drawn = bar(each.first, each.second, most, width, _STYLES[figure])
        line = Text.assemble(name, " " * (name_cells - cell_len(name)), _GAP, drawn)
        line.append(f"{_GAP if drawn.cell_len else ''}{each.said}")
        console.print(line, soft_wrap=True, highlight=False)
    (first, second), styles = _PARTS[figure], _STYLES[figure]
    meaning = Text.assemble(bar(1, 0, 1, 2, styles), f" {first}{_GAP}", bar(0, 1, 1, 2, styles), f" {second}")
    console.print(meaning, soft_wrap=True, highlight=False)


def print_steps(
    step: Step, found: Mapping[str, Any], rows: Sequence[tuple[str, Mapping[str, Any]]], console: Console
) -> None:
    """Prints a line for each row: its name, its ends in each hour or day as a sparkline, and their numbers in words.

    All lines begin and end with the time that is counted in the answer `found`.
    """
    total, step_ms = found["total"], _STEP_MS[By(step)]
    since_ms, until_ms = parse_time_ms(total.get("since")) or 0, parse_time_ms(total.get("until")) or 0
    begins = range(since_ms - since_ms % step_ms, until_ms, step_ms)
    name_cells = max((cell_len(name) for name, _ in rows), default=0)
    for name, row in rows:
        ended = {
            (parse_time_ms(each.get("since")) or 0) // step_ms: _number(each, "ended")
            for each in row.get("steps") or ()
        }
        drawn = sparkline([ended.get(begin_ms // step_ms, 0) for begin_ms in begins])
        most = max(ended.values(), default=0)
        failed = _number(row, "failed") + _number(row, "timed_out")
        said = f"{_number(row, 'ended'):.0f}" + (f", {failed:.0f} failed" if failed else "")
        line = Text.assemble(name, " " * (name_cells - cell_len(name)), f"{_GAP}{drawn}{_GAP}{said}")
        line.append(f", at most {most:.0f} in {_IN_A_STEP[step]}")
        console.print(line, soft_wrap=True, highlight=False)


def _with_gaps(
    by: By, rows: Sequence[tuple[str, Mapping[str, Any]]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the rows, and an empty one for each hour or day between them that the API left out."""
    step_ms, due_ms = _STEP_MS.get(by), None
    for name, row in rows:
        begin_ms = None if step_ms is None else parse_time_ms(row.get("since"))
        if step_ms is not None and begin_ms is not None:
            begin_ms -= begin_ms % step_ms
            for missing_ms in range(due_ms or begin_ms, begin_ms, step_ms):
                yield format_time(missing_ms), {}
            due_ms = begin_ms + step_ms
        yield name, row


def _bar_of(figure: Figure, row: Mapping[str, Any]) -> _Bar:
    if figure is Figure.ENDED:
        ended = _number(row, "ended")
        failed = _number(row, "failed") + _number(row, "timed_out")
        return _Bar(ended - failed, failed, f"{ended:.0f}" + (f", {failed:.0f} failed" if failed else ""))
    if figure is Figure.BUSY:
        busy, wasted = _number(row, "busy_seconds"), _number(row, "wasted_seconds")
        lost = f", {duration_text(wasted)} wasted" if wasted else ""
        return _Bar(max(0, busy - wasted), wasted, f"{duration_text(busy)}{lost}")
    quantiles = row.get(f"{figure.value}_seconds") or {}
    if quantiles.get("p99") is None:
        return _Bar(0, 0, "-")
    half, most = _number(quantiles, "p50"), _number(quantiles, "p99")
    return _Bar(half, max(0, most - half), f"{duration_text(half)}, 99 % {duration_text(most)}")


def _number(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
