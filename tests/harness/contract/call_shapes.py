"""Turns a call of AWS into its shape: the call without its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tidegate.adapters.dynamodb import schema

_ATTRIBUTES = frozenset(
    value for name, value in vars(schema).items() if name.isupper() and isinstance(value, str)
)


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """One form of an AWS call: the operation and all of its parameters, without their values."""

    operation: str
    text: str


def shape_of(operation: str, params: Mapping[str, Any]) -> Shape:
    """Returns the shape of a call with these boto3 parameters."""
    return Shape(operation, _DESCRIBED.get(operation, _plain)(params))


def _plain(params: Mapping[str, Any]) -> str:
    return _joined(f"{name}" for name in sorted(params) if name not in ("QueueUrl", "ReturnConsumedCapacity"))


def _joined(parts: Iterable[str]) -> str:
    return " · ".join(part for part in parts if part)


def _table(params: Mapping[str, Any]) -> str:
    index = f".{params['IndexName']}" if "IndexName" in params else ""
    return f"{_logical(params['TableName'])}{index}"


def _logical(name: str) -> str:
    return name.rpartition("-")[2]


def _keys(key: Mapping[str, Any]) -> str:
    return f"key({', '.join(sorted(key))})"


def _flag(params: Mapping[str, Any], name: str) -> str:
    return f"{name}={params[name]}" if name in params else ""


def _given(params: Mapping[str, Any], name: str) -> str:
    return name if name in params else ""


def _expression(params: Mapping[str, Any], name: str) -> str:
    if name not in params:
        return ""
    names: Mapping[str, str] = params.get("ExpressionAttributeNames", {})
    values: Mapping[str, Any] = params.get("ExpressionAttributeValues", {})

    def named(match: re.Match[str]) -> str:
        attribute = names[match[0]]
        return attribute if attribute in _ATTRIBUTES else match[0]

    def typed(match: re.Match[str]) -> str:
        return f"?{next(iter(values[match[0]]))}"

    text = re.sub(r":\w+", typed, re.sub(r"#\w+", named, params[name]))
    return f"{name.removesuffix('Expression')}: {_collapsed(text)}"


@cache
def _collapsed(text: str) -> str:
    """Makes one of lists of any length and of repeated clauses, and writes assignments by their types alone.

    AWS does not care about an attribute's name behind a placeholder or in quotes.
    """
    text = re.sub(r"(?<=SET )\w+ = \?\w+(?:, \w+ = \?\w+(?=[, ]|$))*", _assigned("…"), text)
    text = re.sub(r'(?:SET "\w+" = \?\w+ )+', _assigned('SET "…"', " "), text)
    text = re.sub(r"REMOVE \w+(?:, \w+)+", "REMOVE …, …", re.sub(r"REMOVE \w+(?=$|\n)", "REMOVE …", text))
    text = re.sub(r'(?:REMOVE "\w+" ){2,}', 'REMOVE "…" REMOVE "…" ', text)
    text = re.sub(r"(\?\w+)(?:, \?\w+)+", r"\1, …", text)
    text = re.sub(r"\bIN \(\?(\w+)\)", r"IN (?\1, …)", text)
    text = re.sub(r"\bIN \[\?(\w+)\]", r"IN [?\1, …]", text)
    contains = r"contains\((\"?\w+\"?), \?(\w+)\)"
    return re.sub(rf"{contains}(?: AND contains\(\1, \?\2\))+", r"contains(\1, ?\2) AND …", text)


def _assigned(name: str, end: str = "") -> Callable[[re.Match[str]], str]:
    def types_of(match: re.Match[str]) -> str:
        types = sorted(set(re.findall(r"\?(\w+)", match[0])))
        return f"{name} = ?{'/'.join(types)}{end}"

    return types_of


def _written(params: Mapping[str, Any]) -> str:
    parts = [
        _table(params),
        _keys(params["Key"]) if "Key" in params else "",
        "Item" if "Item" in params else "",
        _expression(params, "UpdateExpression"),
        _expression(params, "ConditionExpression"),
        _flag(params, "ReturnValues"),
        _flag(params, "ReturnValuesOnConditionCheckFailure"),
    ]
    return _joined(parts)


def _got(params: Mapping[str, Any]) -> str:
    return _joined((_table(params), _keys(params["Key"]), _flag(params, "ConsistentRead")))


def _queried(params: Mapping[str, Any]) -> str:
    parts = [
        _table(params),
        *(_expression(params, f"{name}Expression") for name in ("KeyCondition", "Filter", "Projection")),
        _flag(params, "ConsistentRead"),
        _flag(params, "ScanIndexForward"),
        _flag(params, "Select"),
        _given(params, "Limit"),
        _given(params, "ExclusiveStartKey"),
    ]
    return _joined(parts)


def _got_many(params: Mapping[str, Any]) -> str:
    (each,) = params["RequestItems"].items()
    name, asked = each
    projection = _expression(asked, "ProjectionExpression")
    key = _keys(asked["Keys"][0])
    return _joined((_logical(name), f"Keys of {key}", projection, _flag(asked, "ConsistentRead")))


def _written_many(params: Mapping[str, Any]) -> str:
    (each,) = params["RequestItems"].items()
    name, requests = each
    kinds = sorted({kind for request in requests for kind in request})
    return _joined((_logical(name), *kinds))


def _stated(params: Mapping[str, Any]) -> str:
    texts = {_statement(each) for each in params["Statements"]}
    return "\n".join(sorted(texts))


def _statement(statement: Mapping[str, Any]) -> str:
    parameters = iter(statement["Parameters"])
    text = re.sub(r"\?", lambda _: "?" + next(iter(next(parameters))), statement["Statement"])
    text = re.sub(
        r'^(UPDATE|INSERT INTO) "([^"]+)"', lambda found: f'{found[1]} "{_logical(found[2])}"', text
    )
    text = re.sub(r"VALUE \{.*\}", "VALUE {'…': ?, …}", text)
    more = [_flag(statement, name) for name in statement if name not in ("Statement", "Parameters")]
    return _joined((_collapsed(text), *more))


_DESCRIBED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "GetItem": _got,
    "Query": _queried,
    "BatchGetItem": _got_many,
    "BatchWriteItem": _written_many,
    "BatchExecuteStatement": _stated,
    "PutItem": _written,
    "UpdateItem": _written,
    "DeleteItem": _written,
}


def shapes_of(operation: str, params: Mapping[str, Any]) -> list[Shape]:
    """Returns the shapes of a call. A batch of statements has one shape for each different statement."""
    shape = shape_of(operation, params)
    return [Shape(operation, text) for text in shape.text.split("\n")]
