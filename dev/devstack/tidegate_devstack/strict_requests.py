"""Finds the faults for which DynamoDB refuses a request before it looks at any item.

These are pure functions over the parameters of a call. Every double of DynamoDB uses them: the local stack's and the
tests'. Each refusal has AWS's code and, where it is known, AWS's text. docs/reference/aws-truth.md names the sources.
"""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tidegate_devstack.strict_statements import in_batch
from tidegate_devstack.strict_values import (
    Attribute,
    Refusal,
    Schema,
    as_text,
    in_empty_keys,
    in_index_keys,
    in_item,
    in_key,
    in_values,
)

MAX_WRITES = 25
MAX_READS = 100
MAX_EXPRESSION_BYTES = 4_096
MAX_OPERANDS_OF_IN = 100
_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_NAME, _VALUE = re.compile(r"#\w+"), re.compile(r":\w+")
_IN = re.compile(r"\bIN\s*\(([^()]*)\)")
_SAME_OPERANDS = re.compile(r"\b(?:contains|begins_with)\s*\(\s*([#\w.]+)\s*,\s*([#\w.]+)\s*\)")
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operators.eq,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}


def refusal_of(operation: str, params: Mapping[str, Any], schemas: Mapping[str, Schema]) -> Refusal | None:
    """Returns AWS's refusal of a whole call; None if AWS would start to carry it out.

    `operation` is the call's name, such as PutItem, and `params` are its parameters. `schemas` are the tables' schemas
    by name. A table that is not among them is not checked, because the double itself refuses a missing table.
    """
    check = _CHECKS.get(operation)
    return None if check is None else next(check(params, schemas), None)


# --- expressions --------------------------------------------------------------------------------------


def _in_expressions(params: Mapping[str, Any]) -> Iterator[Refusal]:
    texts = [params[name] for name in _EXPRESSIONS if name in params]
    for what, pattern, mark in (
        ("ExpressionAttributeNames", _NAME, "name"),
        ("ExpressionAttributeValues", _VALUE, "value"),
    ):
        given = params.get(what)
        used = {each for text in texts for each in pattern.findall(text)}
        if given is not None and not given:
            yield Refusal(f"{what} must not be empty")
        if given is not None and not texts:
            yield Refusal(f"{what} can only be specified when using expressions")
        for each in sorted(used - set(given or ())):
            yield Refusal(
                f"Invalid expression: An expression attribute {mark} used in the document path is not defined; "
                f"attribute {mark}: {each}"
            )
        for each in sorted(set(given or ()) - used):
            yield Refusal(f"Value provided in {what} unused in expressions: keys: {{{each}}}")
    yield from in_values(list((params.get("ExpressionAttributeValues") or {}).values()))
    for text in texts:
        yield from _in_expression(text)


def _in_expression(text: str) -> Iterator[Refusal]:
    if len(text.encode()) > MAX_EXPRESSION_BYTES:
        yield Refusal("Invalid expression: Expression size has exceeded the maximum allowed size")
    for operands in _IN.findall(text):
        number = operands.count(",") + 1
        if number > MAX_OPERANDS_OF_IN:
            yield Refusal(
                "Invalid ConditionExpression: The IN operator is provided with too many operands; "
                f"number of operands: {number}"
            )
    for first, second in _SAME_OPERANDS.findall(text):
        if first == second:
            yield Refusal(
                "Invalid ConditionExpression: The first operand must be distinct from the remaining"
            )


# --- one call -----------------------------------------------------------------------------------------

_Schemas = Mapping[str, Schema]


def _in_put(params: Mapping[str, Any], schemas: _Schemas) -> Iterator[Refusal]:
    yield from _in_expressions(params)
    yield from in_item(params["Item"], schemas.get(params["TableName"]))


def _in_keyed(params: Mapping[str, Any], schemas: _Schemas) -> Iterator[Refusal]:
    yield from _in_expressions(params)
    schema = schemas.get(params["TableName"])
    if schema is not None:
        yield from in_key(params["Key"], schema)


def _in_update(params: Mapping[str, Any], schemas: _Schemas) -> Iterator[Refusal]:
    yield from _in_keyed(params, schemas)
    schema = schemas.get(params["TableName"])
    if schema is None:
        return
    names, values = (
        params.get("ExpressionAttributeNames") or {},
        params.get("ExpressionAttributeValues") or {},
    )
    text = params.get("UpdateExpression", "")
    yield from _in_paths([_resolved(path, names) for path in _changed_paths(text)])
    assigned = re.findall(r"([#\w]+)\s*=\s*(:\w+)(?=\s*(?:,|$|REMOVE|ADD|DELETE))", text)
    yield from in_index_keys({names.get(name, name): values[value] for name, value in assigned}, schema)


def _changed_paths(text: str) -> Iterator[str]:
    """Yields the paths that an UpdateExpression changes: those before = in SET, the first of each part in others."""
    sections = re.split(r"\b(SET|REMOVE|ADD|DELETE)\b", text)[1:]
    for verb, section in zip(sections[::2], sections[1::2], strict=True):
        if verb == "SET":
            yield from re.findall(r"([#\w.\[\]]+)\s*=", section)
        else:
            yield from (part.split()[0] for part in section.split(",") if part.strip())


def _resolved(path: str, names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(names.get(part, part) for part in re.findall(r"[#\w]+", path))


def _in_paths(paths: Sequence[tuple[str, ...]]) -> Iterator[Refusal]:
    for number, path in enumerate(paths):
        for other in paths[number + 1 :]:
            shared = min(len(path), len(other))
            if path[:shared] == other[:shared]:
                yield Refusal(
                    "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one "
                    f"of these paths; path one: [{', '.join(path)}], path two: [{', '.join(other)}]"
                )


def _in_query(params: Mapping[str, Any], schemas: _Schemas) -> Iterator[Refusal]:
    yield from _in_expressions(params)
    schema = schemas.get(params["TableName"])
    if schema is None:
        return
    index = params.get("IndexName")
    if index is not None and params.get("ConsistentRead"):
        yield Refusal("Consistent reads are not supported on global secondary indexes")
    keyed_by = schema.key if index is None else schema.indexes.get(index, ())
    names, values = (
        params.get("ExpressionAttributeNames") or {},
        params.get("ExpressionAttributeValues") or {},
    )
    asked = params.get("KeyConditionExpression", "")
    compared = re.findall(r"([#\w]+)\s*(=|<=|>=|<|>)\s*(:\w+)", asked)
    condition = {names.get(name, name): values[value] for name, _, value in compared}
    prefixes = [values[value] for value in re.findall(r"begins_with\s*\([#\w]+\s*,\s*(:\w+)\)", asked)]
    if any("N" in prefix for prefix in prefixes):
        yield Refusal(
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
            "operator or function: begins_with, operand type: N"
        )
    for name, value in condition.items():
        if name in keyed_by and next(iter(value)) != schema.types[name]:
            yield Refusal(
                "One or more parameter values were invalid: Condition parameter type does not match schema type"
            )
    yield from in_empty_keys(keyed_by, condition)
    filtered = {
        names.get(name, name)
        for name in re.findall(r"(?<![:.#\w])[#\w]+", params.get("FilterExpression", ""))
    }
    for name in keyed_by:
        if name in filtered:
            yield Refusal(
                "Filter Expression can only contain non-primary key attributes: Primary key attribute: "
                + name
            )
    start = params.get("ExclusiveStartKey")
    if start is not None:
        types = {name: next(iter(value)) for name, value in start.items()}
        if types != {name: schema.types[name] for name in {*schema.key, *keyed_by}}:
            yield Refusal("The provided starting key is invalid")
            return
        yield from in_empty_keys((*schema.key, *keyed_by), start)
        for name, operator, value in compared:
            if not _holds(start[names.get(name, name)], operator, values[value]):
                yield Refusal("The provided starting key does not match the range key predicate")


def _holds(key: Attribute, operator: str, bound: Attribute) -> bool:
    ((kind, held),), ((_, limit),) = key.items(), bound.items()
    left, right = (Decimal(held), Decimal(limit)) if kind == "N" else (held, limit)
    return bool(_COMPARED[operator](left, right))


def _in_batch_get(params: Mapping[str, Any], schemas: _Schemas) -> Iterator[Refusal]:
    if sum(len(asked["Keys"]) for asked in params["RequestItems"].values()) > MAX_READS:
        yield Refusal("Too many items requested for the BatchGetItem call")
    for table, asked in params["RequestItems"].items():
        yield from _in_expressions(asked)
        yield from _in_keys(asked["Keys"], schemas.get(table))


def _in_batch_write(params: Mapping[str, Any], schemas: _Schemas) -> Iterator[Refusal]:
    requests = params["RequestItems"]
    if sum(map(len, requests.values())) > MAX_WRITES:
        yield Refusal("Too many items requested for the BatchWriteItem call")
    for table, writes in requests.items():
        schema = schemas.get(table)
        keys = []
        for write in writes:
            if "PutRequest" in write:
                item = write["PutRequest"]["Item"]
                yield from in_item(item, schema)
                keys.append({name: item[name] for name in (schema.key if schema else ()) if name in item})
            else:
                keys.append(write["DeleteRequest"]["Key"])
        if schema is not None:
            yield from _in_keys(keys, schema)


def _in_keys(keys: Sequence[Mapping[str, Attribute]], schema: Schema | None) -> Iterator[Refusal]:
    if schema is not None:
        for key in keys:
            yield from in_key(key, schema)
    if len({as_text(key) for key in keys}) < len(keys):
        yield Refusal("Provided list of item keys contains duplicates")


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], _Schemas], Iterator[Refusal]]] = {
    "PutItem": _in_put,
    "GetItem": _in_keyed,
    "DeleteItem": _in_keyed,
    "UpdateItem": _in_update,
    "Query": _in_query,
    "BatchGetItem": _in_batch_get,
    "BatchWriteItem": _in_batch_write,
    "BatchExecuteStatement": in_batch,
}
