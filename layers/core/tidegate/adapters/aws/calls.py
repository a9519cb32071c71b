"""Prepares what calls to AWS carry: many items in portions that a call may have, and JSON without spaces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Returns the items in order, in pieces of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def compact_json(value: Any) -> str:
    """Returns the value as JSON without spaces between its parts."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
