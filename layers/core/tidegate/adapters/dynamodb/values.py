"""Converts plain values to and from DynamoDB's JSON, and computes the size and write units that DynamoDB bills."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any

Attribute = Mapping[str, Any]
Item = dict[str, Any]


class Strings(frozenset[str]):
    """A set of strings. It has a type of its own, because an empty set does not show what it is a set of."""


Plain = (
    None | bool | int | float | str | bytes | AbstractSet[int] | Strings | Sequence[Any] | Mapping[str, Any]
)


def compact_json(value: Any) -> str:
    """Returns the value as JSON without spaces between its parts."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def encode(value: Plain) -> dict[str, Any]:
    """Returns one attribute in DynamoDB's JSON. AWS refuses empty sets; a set of strings must be `Strings`."""
    if isinstance(value, str):  # first, because texts are the most frequent
        return {"S": str(value)}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        return {"N": repr(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, Strings):
        return {"SS": sorted(value)}
    if isinstance(value, AbstractSet):
        return {"NS": [str(number) for number in sorted(value)]}
    if isinstance(value, Mapping):
        return {"M": {key: encode(inner) for key, inner in value.items()}}
    return {"L": [encode(inner) for inner in value]}


def decode(attribute: Attribute) -> Any:
    """Returns the plain value of one attribute; whole numbers become int, others float."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return _number(value)
    if kind == "NS":
        return frozenset(int(number) for number in value)
    if kind == "M":
        return {key: decode(inner) for key, inner in value.items()}
    if kind == "L":
        return [decode(inner) for inner in value]
    return None if kind == "NULL" else value


def encode_item(values: Mapping[str, Plain]) -> Item:
    """Returns an item of all values that are not None, because an absent attribute costs nothing."""
    return {name: encode(value) for name, value in values.items() if value is not None}


def decode_item(item: Mapping[str, Attribute]) -> dict[str, Any]:
    """Returns the plain values of an item, by attribute name."""
    return {name: decode(attribute) for name, attribute in item.items()}


def item_size(item: Mapping[str, Attribute]) -> int:
    """Returns the bytes of an item as DynamoDB bills them: names and values, by the rules of its developer guide."""
    return sum(len(name.encode()) + _value_size(attribute) for name, attribute in item.items())


def write_units(size_bytes: int) -> int:
    """Returns the cost of one write of an item of this size: one unit for each KB begun."""
    return max(1, math.ceil(size_bytes / 1_024))


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _value_size(attribute: Attribute) -> int:
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return _number_size(value)
    if kind == "B":
        return len(value)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "NS":
        return sum(_number_size(number) for number in value)
    if kind == "L":
        return 3 + sum(1 + _value_size(inner) for inner in value)
    if kind == "M":
        return 3 + sum(1 + len(key.encode()) + _value_size(inner) for key, inner in value.items())
    return sum(len(inner) for inner in value)  # SS and BS


def _number_size(text: str) -> int:
    """Returns the bytes of a number.

    A number takes one byte, one for each two digits before the point and each two digits after it, and one more if it
    is negative. Zeros at both ends don't count. The developer guide describes it differently, so this rule was
    measured on AWS (docs/reference/aws-truth.md).
    """
    sign, digits, exponent = Decimal(text).as_tuple()
    written = "".join(map(str, digits))
    significant = written.strip("0")
    before_point = len(written.lstrip("0")) + int(exponent)
    whole = min(max(before_point, 0), len(significant))
    return 1 + (whole + 1) // 2 + (len(significant) - whole + 1) // 2 + sign
