"""Lays out all tables. It never cuts a value: if a line is too short, it leaves columns out.

In a pipe or a file every column is shown, and every row is one line. On a terminal the columns are added in the order
of their worth as long as they fit. A line below the table names the columns that were left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from tidegate_cli.views import printable

GAP = 2
LEAST_FOLD = 16  # narrower folded text is hard to read
_HEAD_STYLE = "dim"

Cell = str | Text


@dataclass(frozen=True, slots=True)
class Column:
    """A column with its head. On a short line the columns of the highest `worth` stay; a `fixed` column always stays.

    Long texts of a column that `folds` continue on the next line, in the same column. Ids and keys never fold, because
    people copy them. `right` aligns the column to the right.
    """

    head: str
    worth: int = 0
    right: bool = False
    fixed: bool = False
    folds: bool = False


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of columns and rows, which rich can render for the width that is available.

    `hint` tells the user how to see columns that were left out.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    hint: str = "a wider terminal, a pipe or --output json shows them"

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        for line in lines_of(self, options.max_width):
            line.overflow = "fold"
            yield line


def print_table(table: TextTable, console: Console) -> None:
    """Prints a table: to the width of the screen, or with every column if `console` is not a screen."""
    for line in lines_of(table, console.width if is_screen(console) else None):
        _print(line, console)


def print_fields(fields: Sequence[tuple[str, Cell]], console: Console) -> None:
    """Prints one line for each name and value. A long value stays one line, even if the terminal is narrower."""
    width = max((cell_len(name) for name, _ in fields), default=0)
    for name, value in fields:
        _print(Text(_padded(name, width) + " " * GAP, style=_HEAD_STYLE).append_text(_text(value)), console)


def is_screen(console: Console) -> bool:
    """True if `console` writes to a screen with a width. A pipe has none, even if FORCE_COLOR tells rich otherwise."""
    isatty = getattr(console.file, "isatty", None)
    return bool(isatty and isatty())


def lines_of(table: TextTable, width: int | None) -> list[Text]:
    """Returns the lines of a table. None is wider than `width` cells (None: no bound), unless a fixed column is."""
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
    """Returns the widths of the columns that are shown, by their index in `columns`."""
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
    for at in by_worth:  # columns that fold share the width that is left
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
