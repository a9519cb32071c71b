"""The operators and functions of expressions, applied to values.

A value is a JSON value or the type of a value (`Kind`). Operations whose cost grows with their operands count steps
on the `Run`; operands of a wrong type raise ConditionError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.adapters.conditions.meter import CHARACTERS_PER_STEP, ELEMENTS_PER_STEP, Run
from tidegate.domain.errors import ConditionError

_MIN_INT, _MAX_INT = -(2**63), 2**63 - 1
_MAX_NUMBER_CHARACTERS = 64
_WHOLE = re.compile(r"-?[0-9]+\Z")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a value, as `type(...)` returns it."""

    name: str


KINDS = {name: Kind(name) for name in ("bool", "int", "double", "string", "list", "map", "null_type", "type")}
_SCALARS = {bool: "bool", int: "int", float: "double", str: "string", type(None): "null_type", Kind: "type"}


def kind_of(value: Any) -> Kind:
    """Returns the type of a value."""
    name = _SCALARS.get(type(value))
    if name is None:
        name = "map" if is_map(value) else "list"
    return KINDS[name]


def is_map(value: Any) -> bool:
    """Returns True if the value is a map."""
    return type(value) is dict or isinstance(value, Mapping)


def is_list(value: Any) -> bool:
    """Returns True if the value is a list."""
    return type(value) is list or (isinstance(value, Sequence) and type(value) is not str)


def is_number(value: Any) -> bool:
    """Returns True if the value is an int or a double; a bool is neither."""
    return type(value) is int or type(value) is float


def no_overload(operator: str, *operands: Any) -> ConditionError:
    """Returns the error for an operator or a function that does not take operands of these types."""
    kinds = ", ".join(kind_of(operand).name for operand in operands)
    return ConditionError(f"there is no overload of {operator} for {kinds}; both sides must be of one type")


def truth(value: Any, where: str) -> bool:
    """Returns the value if it is a bool; otherwise raises ConditionError. `where` names the operator in the error."""
    if type(value) is not bool:
        raise no_overload(where, value)
    return value


def equal(run: Run, left: Any, right: Any) -> bool:
    """Returns True if two values are equal.

    An int and a double are compared as numbers; other values of different types are never equal.
    """
    kind = type(left)
    if kind is int or kind is float:
        return is_number(right) and bool(left == right)
    if kind is str:
        if type(right) is not str or len(left) != len(right):
            return False
        run.spend(len(left) // CHARACTERS_PER_STEP)
        return bool(left == right)
    if kind in _SCALARS:
        return kind is type(right) and left == right
    if is_map(left):
        return is_map(right) and _equal_maps(run, left, right)
    if not is_list(right) or len(left) != len(right):
        return False
    run.spend(2)
    for mine, other in zip(left, right, strict=True):
        run.spend(3)
        if not equal(run, mine, other):
            return False
    return True


def _equal_maps(run: Run, left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    if len(left) != len(right):
        return False
    run.spend(2)
    for key, mine in left.items():
        run.spend(4 + len(key) // CHARACTERS_PER_STEP)
        if key not in right or not equal(run, mine, right[key]):
            return False
    return True


def ordered(run: Run, left: Any, right: Any, operator: str) -> bool:
    """Compares two numbers, two texts or two bools by `<`, `<=`, `>` or `>=`."""
    if type(left) is str and type(right) is str:
        run.spend(min(len(left), len(right)) // CHARACTERS_PER_STEP)
    elif not (is_number(left) and is_number(right)) and not (type(left) is bool and type(right) is bool):
        raise no_overload(operator, left, right)
    if operator == "<":
        return bool(left < right)
    if operator == "<=":
        return bool(left <= right)
    return bool(left > right) if operator == ">" else bool(left >= right)


def is_in(run: Run, wanted: Any, holder: Any) -> bool:
    """Returns True if a list contains a value equal to `wanted`, or a map has it as a key."""
    if is_map(holder):
        if type(wanted) is not str:
            if type(wanted) in (int, bool):  # CEL allows such keys, but JSON has none
                return False
            raise no_overload("in", wanted, holder)
        run.spend(len(wanted) // CHARACTERS_PER_STEP)
        return wanted in holder
    if not is_list(holder):
        raise no_overload("in", wanted, holder)
    for element in holder:
        run.spend(3)
        if equal(run, wanted, element):
            return True
    return False


def arithmetic(run: Run, operator: str, left: Any, right: Any) -> Any:
    """Computes `+`, `-`, `*`, `/` or `%` of two ints or two doubles (no `%`); `+` also joins two texts or two lists.

    Raises ConditionError for other types, for an int result of more than 64 bits, and for a division of ints by zero.
    """
    if type(left) is int and type(right) is int:
        return _of_ints(operator, left, right)
    if type(left) is float and type(right) is float and operator != "%":
        return _of_doubles(operator, left, right)
    if operator == "+":
        if type(left) is str and type(right) is str:
            run.spend((len(left) + len(right)) // CHARACTERS_PER_STEP)
            return left + right
        if is_list(left) and is_list(right):
            run.spend((len(left) + len(right)) // ELEMENTS_PER_STEP)
            return [*left, *right]
    raise no_overload(operator, left, right)


def in_64_bits(value: int) -> int:
    """Returns the value; raises ConditionError if it needs more than 64 bits."""
    if not _MIN_INT <= value <= _MAX_INT:
        raise ConditionError("overflow: an int has 64 bits; use double(...)")
    return value


def _of_ints(operator: str, left: int, right: int) -> int:
    left, right = in_64_bits(left), in_64_bits(right)
    if operator == "+":
        return in_64_bits(left + right)
    if operator == "-":
        return in_64_bits(left - right)
    if operator == "*":
        return in_64_bits(left * right)
    if right == 0:
        raise ConditionError("division by zero")
    quotient = abs(left) // abs(right)  # CEL rounds towards zero, Python rounds down
    if (left < 0) != (right < 0):
        quotient = -quotient
    return in_64_bits(quotient) if operator == "/" else left - quotient * right


def _of_doubles(operator: str, left: float, right: float) -> float:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if right:
        return left / right
    return (
        float("nan") if not left or left != left else left * float("inf") * (1 if str(right) == "0.0" else -1)
    )


def negative(value: Any) -> Any:
    """Returns `-value` of a number."""
    if type(value) is int:
        return in_64_bits(-value)
    if type(value) is float:
        return -value
    raise no_overload("-", value)


def element(run: Run, holder: Any, key: Any) -> Any:
    """Returns `holder[key]`: an element of a list by its index, or a value of a map by its key.

    Raises ConditionError for an index out of bounds or a key that the map does not have.
    """
    if is_map(holder):
        if type(key) is not str:
            raise no_overload("[]", holder, key)
        run.spend(len(key) // CHARACTERS_PER_STEP)
        return field(holder, key)
    if not is_list(holder) or type(key) is not int:
        raise no_overload("[]", holder, key)
    if not 0 <= key < len(holder):
        raise ConditionError(f"the index {in_64_bits(key)} is out of bounds of a list of {len(holder):,}")
    return holder[key]


def field(holder: Any, name: str) -> Any:
    """Returns `holder.name` of a map; raises ConditionError if the map has no such field or `holder` is no map."""
    if not is_map(holder):
        raise ConditionError(
            f"there is no overload of .{name[:100]} for {kind_of(holder).name}, which has no fields; "
            "compare it with null first"
        )
    try:
        return holder[name]
    except KeyError:
        raise ConditionError(f"there is no field {name[:100]!r}; test it with has(...) first") from None


def to_int(value: Any) -> int:
    """Returns `int(value)` of a number or a text; a double is cut towards zero.

    Raises ConditionError where the text is no whole number, or the result needs more than 64 bits.
    """
    if type(value) is int:
        return in_64_bits(value)
    if type(value) is float:
        if not -(2.0**63) <= value < 2.0**63:
            raise ConditionError("overflow: the double is no int of 64 bits")
        return int(value)
    if type(value) is str:
        if len(value) > _MAX_NUMBER_CHARACTERS or not _WHOLE.match(value):
            raise ConditionError("the text is no whole number")
        return in_64_bits(int(value))
    raise no_overload("int", value)


def to_double(value: Any) -> float:
    """Returns `double(value)` of a number or a text.

    Raises ConditionError where the text is no number, or it is too large.
    """
    if type(value) is str:
        if len(value) > _MAX_NUMBER_CHARACTERS or not _DECIMAL.match(value):
            raise ConditionError("the text is no number")
    elif not is_number(value):
        raise no_overload("double", value)
    try:
        return float(value)
    except OverflowError:
        raise ConditionError("overflow: the number is beyond what a double holds") from None


def to_text(value: Any) -> str:
    """Returns `string(value)` of a number, a bool or a text."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(in_64_bits(value))
    if type(value) is float:
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    raise no_overload("string", value)
