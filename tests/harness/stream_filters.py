"""The filters of the functions' streams, as the template states them."""

from __future__ import annotations

import json
from typing import Any

from tests.harness.tables import resources


def filters_of(source: str, *, publishes: bool = False) -> list[Any]:
    """Returns the patterns of an event source by its logical id, in a stack that publishes events or does not."""
    stated = resources()[source]["Properties"]["FilterCriteria"]["Filters"]
    place = 1 if publishes else 2
    chosen = [each[place] if isinstance(each, list) else each for each in stated]
    patterns = [each["Pattern"] for each in chosen if isinstance(each, dict)]  # others are AWS::NoValue
    return [json.loads(each[place] if isinstance(each, list) else each) for each in patterns]
