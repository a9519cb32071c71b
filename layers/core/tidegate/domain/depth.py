"""A check of how deep JSON values are nested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidegate.domain.job import Json


def is_deeper_than(value: Json, levels: int) -> bool:
    """Tells whether lists and objects are nested more than `levels` deep.

    A recursive reader fails at some depth. This function does not recurse, so it reads any depth.
    """
    level: list[Json] = [value]
    for _ in range(levels):
        level = [inner for outer in level for inner in _inner(outer)]
    return any(isinstance(held, Mapping | list) for held in level)


def _inner(value: Json) -> Iterable[Json]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()
