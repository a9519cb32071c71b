"""Finds the faults for which DynamoDB refuses values, keys and items, in any call.

Each check yields AWS's refusals of its arguments, in the order in which it finds them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

Attribute = Mapping[str, Any]

MAX_HASH_KEY_BYTES, MAX_RANGE_KEY_BYTES = 2_048, 1_024
MAX_DIGITS = 38
MAX_EXPONENT, MIN_EXPONENT = 125, -130


@dataclass(frozen=True, slots=True)
class Refusal:
    """AWS's answer to a request that it does not carry out."""

    message: str
    code: str = "ValidationException"


@dataclass(frozen=True, slots=True)
class Schema:
    """The keys of a table and, by name, of its indexes, hash first, with the types of all key attributes."""

    key: tuple[str, ...]
    indexes: Mapping[str, tuple[str, ...]]
    types: Mapping[str, str]


def schema_of(description: Mapping[str, Any]) -> Schema:
    """Returns the schema in the arguments of CreateTable, or in the table of DescribeTable's answer."""

    def names(keyed: Mapping[str, Any]) -> tuple[str, ...]:
        parts = sorted(keyed["KeySchema"], key=lambda part: str(part["KeyType"]))
        return tuple(str(part["AttributeName"]) for part in parts)  # HASH sorts before RANGE

    indexes = description.get("GlobalSecondaryIndexes") or ()
    return Schema(
        names(description),
        {str(index["IndexName"]): names(index) for index in indexes},
        {
            str(each["AttributeName"]): str(each["AttributeType"])
            for each in description["AttributeDefinitions"]
        },
    )


def in_values(values: Sequence[Any]) -> Iterator[Refusal]:
    """Yields the refusals of values: an empty set, a member twice, a number that is too long or not a number."""
    for value in values:
        yield from _in_value(value)


def _in_value(value: Attribute) -> Iterator[Refusal]:
    ((kind, held),) = value.items()
    if kind in ("SS", "NS", "BS"):
        named = {"SS": "string", "NS": "number", "BS": "binary"}[kind]
        members = [Decimal(member) if kind == "NS" and _is_number(member) else member for member in held]
        if not held:
            yield Refusal(f"One or more parameter values were invalid: An {named} set  may not be empty")
        elif len(set(members)) < len(members):
            yield Refusal("One or more parameter values were invalid: Input collection contains duplicates.")
    numbers = held if kind == "NS" else [held] if kind == "N" else ()
    for number in numbers:
        yield from _in_number(str(number))
    if kind in ("L", "M"):
        yield from in_values(list(held.values()) if kind == "M" else held)


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _in_number(text: str) -> Iterator[Refusal]:
    if not _is_number(text):
        yield Refusal(f"The parameter cannot be converted to a numeric value: {text}")
        return
    number = Decimal(text)
    if len("".join(map(str, number.as_tuple().digits)).strip("0")) > MAX_DIGITS:
        yield Refusal("Attempting to store more than 38 significant digits in a Number")
    if number and not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        yield Refusal("Number overflow or underflow: its magnitude is not within the supported range")


def _key_bytes(value: Attribute) -> int:
    ((kind, held),) = value.items()
    return len(held.encode()) if kind == "S" else len(held) if kind == "B" else 0


def _in_key_sizes(names: Sequence[str], values: Mapping[str, Attribute]) -> Iterator[Refusal]:
    for name, what, most in zip(
        names, ("hashkey", "rangekey"), (MAX_HASH_KEY_BYTES, MAX_RANGE_KEY_BYTES), strict=False
    ):
        if name in values and _key_bytes(values[name]) > most:
            yield Refusal(
                f"One or more parameter values were invalid: Size of {what} has exceeded "
                f"the maximum size limit of{most} bytes"
            )


def in_key(key: Mapping[str, Attribute], schema: Schema) -> Iterator[Refusal]:
    """Yields the refusals of a key: attributes or types that differ from the table's, empty or too long values."""
    types = {name: next(iter(value)) for name, value in key.items()}
    if types != {name: schema.types[name] for name in schema.key}:
        yield Refusal("The provided key element does not match the schema")
    yield from in_empty_keys(schema.key, key)
    yield from _in_key_sizes(schema.key, key)


def in_empty_keys(names: Sequence[str], values: Mapping[str, Attribute]) -> Iterator[Refusal]:
    """Yields a refusal for each attribute of these `names` whose value is an empty text or empty bytes."""
    for name in names:
        if values.get(name) in ({"S": ""}, {"B": b""}):
            yield Refusal(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                f"an empty string value. Key: {name}"
            )


def in_index_keys(values: Mapping[str, Attribute], schema: Schema) -> Iterator[Refusal]:
    """Yields the refusals of attributes that are keys of an index: a wrong type, an empty or too long value."""
    for index, names in schema.indexes.items():
        for name in names:
            kind = next(iter(values[name])) if name in values else schema.types[name]
            if kind != schema.types[name]:
                yield Refusal(
                    f"One or more parameter values were invalid: Type mismatch for Index Key {name} "
                    f"Expected: {schema.types[name]} Actual: {kind} IndexName: {index}"
                )
        yield from in_empty_keys(names, values)
        yield from _in_key_sizes(names, values)


def in_item(item: Mapping[str, Attribute], schema: Schema | None) -> Iterator[Refusal]:
    """Yields the refusals of a whole item. Without a schema only its values are checked."""
    yield from in_values(list(item.values()))
    if schema is not None:
        missing = [name for name in schema.key if name not in item]
        if missing:
            yield Refusal(
                f"One or more parameter values were invalid: Missing the key {missing[0]} in the item"
            )
        else:
            yield from in_key({name: item[name] for name in schema.key}, schema)
        yield from in_index_keys(item, schema)


def as_text(value: Any) -> str:
    """Returns a key as text. Equal keys give the same text."""
    return json.dumps(value, sort_keys=True, default=repr)
