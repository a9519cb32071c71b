"""Reads a file of prices."""

from __future__ import annotations

import json
from pathlib import Path

from tidegate.domain.costs.prices import Prices, prices_from
from tidegate.domain.errors import InvalidRequest
from tidegate_cli.errors import MalformedFile


def read_prices(file: Path) -> Prices:
    """Returns the list prices with those of a JSON file in their place. Raises MalformedFile."""
    try:
        given: object = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise MalformedFile(f"{file} can't be read as JSON: {error}") from error
    if not isinstance(given, dict):
        raise MalformedFile(f"{file} holds no object of prices")
    try:
        return prices_from(given)
    except InvalidRequest as error:
        raise MalformedFile(f"{file}: {error}") from error
