"""Numbers as characters: a sparkline, and bars of two parts that keep to their width."""

from __future__ import annotations

import pytest

from tidegate_cli.plots import bar, sparkline


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([0, 1, 2, 4, 8], "·▂▃▅█"),
        ([0.001, None, 1_000.0], "▁ █"),
        ([0, 0], "··"),
        ([None], " "),
        ([], ""),
    ],
)
def test_a_sparkline_has_a_character_for_each_value(values: list[float | None], drawn: str) -> None:
    assert sparkline(values) == drawn


@pytest.mark.parametrize(
    ("first", "second", "drawn"),
    [
        (5, 5, "█████▒▒▒▒▒"),
        (2, 2, "██▒▒"),
        (0.001, 9.999, "█▒▒▒▒▒▒▒▒▒"),
        (9.999, 0.001, "█████████▒"),
        (0.001, 0.001, "█▒"),
        (0, 0.001, "▒"),
        (0.001, 0, "█"),
        (0, 0, ""),
    ],
)
def test_a_part_of_a_bar_is_seen_however_small(first: float, second: float, drawn: str) -> None:
    assert bar(first, second, 10, 10).plain == drawn
