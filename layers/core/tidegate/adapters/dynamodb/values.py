"""Converts plain values to and from DynamoDB's JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

Attribute = Mapping[str, Any]
Item = dict[str, Any]


class Strings(frozenset[str]):
    """A set of strings. It has a type of its own, because an empty set does not show what it is a set of."""


Plain = (
    None | bool | int | float | str | bytes | AbstractSet[int] | Strings | Sequence[Any] | Mapping[str, Any]
)


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
    return _DECODERS[kind](value) if kind in _DECODERS else value


def encode_item(values: Mapping[str, Plain]) -> Item:
    """Returns an item of all values that are not None, because an absent attribute costs nothing."""
    return {name: encode(value) for name, value in values.items() if value is not None}


def decode_item(item: Mapping[str, Attribute]) -> dict[str, Any]:
    """Returns the plain values of an item, by attribute name."""
    return {
        name: _DECODERS[kind](value) if kind in _DECODERS else value
        for name, attribute in item.items()
        for kind, value in attribute.items()
    }


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


# By the kind of an attribute; the values of all other kinds are plain already.
_DECODERS: Mapping[str, Callable[[Any], Any]] = {
    "N": _number,
    "NS": lambda numbers: frozenset(map(int, numbers)),
    "M": decode_item,
    "L": lambda attributes: [decode(attribute) for attribute in attributes],
    "NULL": lambda _: None,
}
