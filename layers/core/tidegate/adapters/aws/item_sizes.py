"""Computes the size that DynamoDB bills for an item."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Returns the bytes of an item as DynamoDB bills them: names and values, by the rules of its developer guide."""
    size = 0
    for name, attribute in item.items():
        text = attribute.get("S")  # first, because texts are the most frequent
        size += len(name.encode()) + (_value_size(attribute) if text is None else len(text.encode()))
    return size


def _value_size(attribute: Mapping[str, Any]) -> int:
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
