"""Finds the names that stand twice in an object of a body. A JSON reader keeps one of their values alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

Place = tuple[int | str, ...]
"""The path of a value in a body: names of fields, and indexes of lists."""


class _Doubled(dict[str, Any]):
    """An object of a body that gives a field more than once."""

    names: tuple[str, ...] = ()


def doubled_names(body: str, most: int) -> list[Place]:
    """Returns the places of at most `most` names that stand twice in one object.

    The body has been read before, so it is JSON and no deeper than that reader allows.
    """
    doubled = 0

    def make(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        doubled += 1
        if doubled > most:
            return made  # a body may hold hundreds of thousands of them
        marked = _Doubled(made)
        marked.names = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        return marked

    # Numbers stay text, because `int` refuses a very long one.
    value = json.loads(body, object_pairs_hook=make, parse_int=str, parse_float=str)
    return list(islice(_doubled_in(value, ()), most)) if doubled else []


def _doubled_in(value: Any, place: Place) -> Iterator[Place]:
    if isinstance(value, _Doubled):
        yield from ((*place, name) for name in value.names)
    if isinstance(value, dict):
        for name, held in value.items():
            yield from _doubled_in(held, (*place, name))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from _doubled_in(held, (*place, index))
