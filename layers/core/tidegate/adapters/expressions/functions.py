"""The functions that an expression can call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tidegate.adapters.expressions import values
from tidegate.adapters.expressions.meter import CHARACTERS_PER_STEP, Run
from tidegate.domain.errors import ConditionError


def _size(value: Any) -> int:
    if type(value) is str or values.is_map(value) or values.is_list(value):
        return len(value)
    raise values.no_overload("size", value)


def _contains(run: Run, text: Any, part: Any) -> bool:
    _texts("contains", text, part)
    # Python's search takes time in proportion to the text, but for a short text to the product of both. Measured, this
    # count stays under 20 ns a step.
    worst = len(text) * (min(len(part), 100) // 8 + 1 if len(text) < 30_000 else 6)
    run.spend((worst + len(part)) // CHARACTERS_PER_STEP)
    return part in text


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


# Of one argument, and of a size that does not matter.
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
