"""What the emulator asks of a caller's policies where it asks otherwise than AWS does by itself.

- A batch of statements needs the action of each statement on that statement's table, a batch of messages the action of
  a single one. The emulator by itself asks for the batch call's own name, an action that AWS does not have.
- `dynamodb:LeadingKeys` holds the partition keys that a call names. The emulator by itself has no such key, and a
  policy that says which items of a table a role may touch would let it touch all of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

_SINGLE = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
_VERBS = {"INSERT": "Insert", "UPDATE": "Update", "DELETE": "Delete", "SELECT": "Select"}
_STATEMENTS = frozenset({"dynamodb:BatchExecuteStatement", "dynamodb:ExecuteStatement"})
_TABLE = re.compile(
    r"""\s*(?:(INSERT)\s+INTO|(UPDATE)|(DELETE)\s+FROM|(SELECT)\s.*?\sFROM)\s+["']?([A-Za-z0-9_.-]+)""",
    re.IGNORECASE | re.DOTALL,
)


def single_action(action: str | None) -> str | None:
    """The action that AWS asks for where the emulator knows of `action`."""
    return None if action is None else _SINGLE.get(action, action)


def statement_checks(action: str, body: bytes) -> list[tuple[str, str]]:
    """The actions with their tables that a call of statements needs, each pair once; none for any other call.

    A statement that can't be read needs an action that nobody has.
    """
    if action not in _STATEMENTS:
        return []
    given = _parsed(body)
    statements = given.get("Statements", [given])
    return list(dict.fromkeys(_check(str(each.get("Statement", ""))) for each in statements))


def _check(statement: str) -> tuple[str, str]:
    match = _TABLE.match(statement)
    if match is None:
        return "dynamodb:PartiQL", "*"
    verb = next(word for word in match.groups()[:4] if word)
    return f"dynamodb:PartiQL{_VERBS[verb.upper()]}", match[5]


def leading_keys(body: bytes, key_of: Callable[[str], str | None]) -> list[str]:
    """The partition keys that a call names by key or item. `key_of` knows the name of a table's partition key."""
    given = _parsed(body)
    return [
        str(value)
        for table, item in _named_items(given)
        if (name := key_of(table)) is not None and name in item
        for value in item[name].values()
    ]


def _named_items(given: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for part in ("Key", "Item"):
        if part in given and "TableName" in given:
            yield str(given["TableName"]), given[part]
    for table, wanted in given.get("RequestItems", {}).items():
        for item in _requested(wanted):
            yield str(table), item


def _requested(wanted: Any) -> Iterable[Mapping[str, Any]]:
    if isinstance(wanted, dict):
        return list(wanted.get("Keys", ()))
    puts = [each["PutRequest"]["Item"] for each in wanted if "PutRequest" in each]
    return [*puts, *(each["DeleteRequest"]["Key"] for each in wanted if "DeleteRequest" in each)]


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
