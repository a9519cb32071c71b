"""The functions that an expression can call.

`PLAIN` holds those that take one argument at a fixed cost, `COUNTED` those whose cost grows with their arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tidegate.adapters.conditions import values
from tidegate.adapters.conditions.meter import CHARACTERS_PER_STEP, Run
from tidegate.domain.errors import ConditionError


def _size(value: Any) -> int:
    if type(value) is str or values.is_map(value) or values.is_list(value):
        return len(value)
    raise values.no_overload("size", value)


def _contains(run: Run, text: Any, part: Any) -> bool:
    _texts("contains", text, part)
    run.spend(_search_steps(len(text), len(part)))
    return part in text


def _search_steps(text: int, part: int) -> int:
    """Returns an upper bound of the steps of Python's search for a part in a text, from both lengths in characters.

    A step stands for under 70 ns here, as measured. In a short text, or for a short part, Python compares at every
    position, which takes the product of both lengths. Otherwise the time grows with the text alone, with one
    exception: for a part of a third of the text or more, Python compares at each of the last 2,000 positions where
    the part could begin.
    """
    places = max(0, text - part + 1)
    is_short = text < 2_500 or (part < 100 and text < 30_000)
    by_place = places if is_short else min(places, 2_000) if part // 4 * 3 >= text // 4 else 0
    compared = by_place * part
    return ((1 if is_short else 6) * text + part + compared // 8) // CHARACTERS_PER_STEP


def _starts_with(run: Run, text: Any, part: Any) -> bool:
    _texts("startsWith", text, part)
    run.spend(len(part) // CHARACTERS_PER_STEP)
    return bool(text.startswith(part))


def _ends_with(run: Run, text: Any, part: Any) -> bool:
    _texts("endsWith", text, part)
    run.spend(len(part) // CHARACTERS_PER_STEP)
    return bool(text.endswith(part))


def _texts(function: str, *given: Any) -> None:
    if any(type(value) is not str for value in given):
        raise values.no_overload(function, *given)


def _to_bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    if type(value) is not str or value not in ("true", "false"):
        raise ConditionError("bool(...) takes a bool, 'true' or 'false'")
    return value == "true"


# These take one argument, whose size does not change the cost.
PLAIN: dict[str, Callable[[Any], Any]] = {
    "size": _size,
    "int": values.to_int,
    "double": values.to_double,
    "string": values.to_text,
    "bool": _to_bool,
    "type": values.kind_of,
}
COUNTED: dict[str, Callable[[Run, Any, Any], bool]] = {
    "contains": _contains,
    "startsWith": _starts_with,
    "endsWith": _ends_with,
}
