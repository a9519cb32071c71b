"""Draws numbers with characters: a sparkline of one line, and bars of two parts."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

_LEVELS = "▁▂▃▄▅▆▇█"
_ZERO = "·"
_UNKNOWN = " "
_FIRST, _SECOND = "█", "▒"  # differ without colours too


def sparkline(values: Sequence[float | None]) -> str:
    """Returns one character for each value: a block as high as the value, `·` for 0, a blank for None.

    The largest value gets the full block. No value is negative.
    """
    most = max((value for value in values if value is not None), default=0)
    return "".join(_level(value, most) for value in values)


def _level(value: float | None, most: float) -> str:
    if value is None:
        return _UNKNOWN
    if value <= 0:
        return _ZERO
    return _LEVELS[min(len(_LEVELS) - 1, int(value / most * len(_LEVELS)))]


def bar(first: float, second: float, most: float, width: int, styles: tuple[str, str] = ("", "")) -> Text:
    """Returns a bar of `first` and, behind it, `second`; one of `most` is `width` (2 or more) cells long.

    A part above 0 has at least one cell. The parts differ by their characters, and have the `styles` besides.
    """
    whole = _cells(first + second, most, width)
    second_cells = _cells(second, most, width)
    first_cells = whole - second_cells
    if first > 0 and first_cells < 1:
        first_cells, second_cells = 1, max(1, whole - 1)
    return Text.assemble((_FIRST * first_cells, styles[0]), (_SECOND * second_cells, styles[1]))


def _cells(value: float, most: float, width: int) -> int:
    return min(width, max(1, round(value / most * width))) if value > 0 else 0
