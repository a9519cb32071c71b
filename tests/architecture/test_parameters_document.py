"""docs/reference/parameters.md has every parameter of the template, with its own default and range."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.harness.template import parameters

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "parameters.md"
COLUMNS = ("parameter", "meaning", "unit", "range", "default", "cost while idle")
PARAMETERS = parameters()


def _rows() -> dict[str, dict[str, str]]:
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert all(len(row) == len(COLUMNS) for row in rows), [row for row in rows if len(row) != len(COLUMNS)]
    found = {row[0].strip("`"): dict(zip(COLUMNS, row, strict=True)) for row in rows}
    assert len(found) == len(rows), "a parameter stands there twice"
    return found


def test_every_parameter_stands_there_and_no_other() -> None:
    assert sorted(_rows()) == sorted(PARAMETERS)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_parameter_is_said_as_the_template_has_it(name: str) -> None:
    row, stated = _rows()[name], PARAMETERS[name]
    default = str(stated["Default"])
    assert row["default"] == (f"`{default}`" if default else "empty")
    assert _range(stated) in (None, row["range"])
    assert all(row.values()), "no cell is empty"


def _range(stated: dict[str, Any]) -> str | None:
    """Returns the range in the document's words.

    None where the template has a pattern, which the page puts in words.
    """
    if "AllowedValues" in stated:
        return ", ".join(f"`{value}`" for value in stated["AllowedValues"])
    if "MinValue" in stated:
        return f"{stated['MinValue']} to {stated['MaxValue']}"
    return None


@pytest.mark.parametrize(
    "name", ["Window", "AgingPointsPerMinute", "RetryPenaltyPoints", "CriticalPathWeight"]
)
def test_a_range_that_the_template_has_as_a_pattern_ends_where_the_pattern_does(name: str) -> None:
    pattern = re.compile(PARAMETERS[name]["AllowedPattern"])
    least, greatest = _rows()[name]["range"].split(" to ")
    for end in (least, greatest):
        assert pattern.fullmatch(end), end
    for beyond in (str(int(least) - 1), str(int(float(greatest)) + 1)):
        assert not pattern.fullmatch(beyond), beyond
