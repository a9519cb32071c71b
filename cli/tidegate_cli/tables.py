"""The one place that lays out tables. It never cuts a value: where a line is too short, it leaves columns out.

In a pipe or a file every column is there, and every row is one line. On a terminal the columns are taken in the order
of their worth, each one that still fits. A line below the table names the columns that were left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from tidegate_cli.views import printable

GAP = 2
LEAST_FOLD = 16  # a folded text narrower than this can't be read
_HEAD_STYLE = "dim"

Cell = str | Text


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `worth` orders what stays on a short line, highest first; a `fixed` column is never left out.

    The texts of a column that `folds` go on below, in the same column. Ids and keys never fold: people copy them.
    """

    head: str
    worth: int = 0
    right: bool = False
    fixed: bool = False
    folds: bool = False


@dataclass(frozen=True, slots=True)
class TextTable:
    """Columns and rows, and as a renderable of rich the lines for the width that is there."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    hint: str = "a wider terminal, a pipe or --output json shows them"

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        for line in lines_of(self, options.max_width):
            line.overflow = "fold"
            yield line


def print_table(table: TextTable, console: Console) -> None:
    """Prints a table: for the width of a screen, or whole where `console` is none."""
    for line in lines_of(table, console.width if is_screen(console) else None):
        _print(line, console)


def print_fields(fields: Sequence[tuple[str, Cell]], console: Console) -> None:
    """Prints a line for each name and value; a long value goes on as one line, whatever the terminal's width."""
    width = max((cell_len(name) for name, _ in fields), default=0)
    for name, value in fields:
        _print(Text(_padded(name, width) + " " * GAP, style=_HEAD_STYLE).append_text(_text(value)), console)


def is_screen(console: Console) -> bool:
    """Whether lines have an end there. A pipe has none, also where FORCE_COLOR makes rich call it a terminal."""
    isatty = getattr(console.file, "isatty", None)
    return bool(isatty and isatty())


def lines_of(table: TextTable, width: int | None) -> list[Text]:
    """The lines of a table, none wider than `width` cells unless a fixed column is. None stands for no bound."""
    rows = [[_text(cell) for cell in row] for row in table.rows]
    natural = [
        max(cell_len(column.head), *(cell_len(row[at].plain) for row in rows), 0)
        for at, column in enumerate(table.columns)
    ]
    widths = _widths(table.columns, natural, width)
    heads = [Text(column.head, style=_HEAD_STYLE) for column in table.columns]
    lines = [line for row in (heads, *rows) for line in _row_lines(table.columns, row, widths)]
    left_out = [column.head for at, column in enumerate(table.columns) if at not in widths]
    if left_out:
        lines.append(Text(f"not shown: {', '.join(left_out)} ({table.hint})", style=_HEAD_STYLE))
    return lines


def _widths(columns: Sequence[Column], natural: Sequence[int], width: int | None) -> dict[int, int]:
    """The width of each column that is shown, by its place."""
    if width is None:
        return dict(enumerate(natural))
    by_worth = sorted(range(len(columns)), key=lambda at: (not columns[at].fixed, -columns[at].worth, at))
    shown: dict[int, int] = {}
    left = width + GAP
    for at in by_worth:
        least = min(natural[at], LEAST_FOLD) if columns[at].folds else natural[at]
        if columns[at].fixed or least + GAP <= left:
            shown[at] = least
            left -= least + GAP
    for at in by_worth:  # texts that fold get what is over
        if at in shown and left > 0:
            more = min(left, natural[at] - shown[at])
            shown[at] += more
            left -= more
    return dict(sorted(shown.items()))


def _row_lines(columns: Sequence[Column], row: Sequence[Text], widths: dict[int, int]) -> list[Text]:
    parts = {
        at: chop_cells(row[at].plain, width) if cell_len(row[at].plain) > width else [row[at].plain]
        for at, width in widths.items()
    }
    lines = []
    for number in range(max(len(part) for part in parts.values())):
        line = Text()
        for place, (at, width) in enumerate(widths.items()):
            shown = parts[at][number] if number < len(parts[at]) else ""
            is_last = place == len(widths) - 1
            pad = " " * max(0, width - cell_len(shown))
            if columns[at].right:
                line.append(pad)
            line.append(shown, style=row[at].style)
            if not is_last:
                line.append(" " * GAP if columns[at].right else pad + " " * GAP)
        line.rstrip()
        lines.append(line)
    return lines


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(printable(cell))


def _padded(text: str, width: int) -> str:
    return text + " " * max(0, width - cell_len(text))


def _print(line: Text, console: Console) -> None:
    console.print(line, soft_wrap=True, highlight=False)
