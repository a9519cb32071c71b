"""Finds the permissions that AWS asks of a caller, for calls where the unpatched emulator asks for others.

- A batch of statements needs the action of each statement on that statement's table. A batch of messages needs the
  action for a single message. The unpatched emulator asks for the batch call's own name, an action that AWS does not
  have.
- Reading what is reserved for a function, and the account's executions, need the actions of these names. The unpatched
  emulator asks for the one that sets a reservation, and for none.
- `dynamodb:LeadingKeys` holds the partition keys that a call names. The unpatched emulator has no such key, so a policy
  that limits a role to some items of a table would let it touch all of them.
- The resource of a call about a log stream is that stream, whose name the pattern `<group>:*` of a policy covers. The
  unpatched emulator asks about the bare group, which that pattern does not cover.

emulator_process.py patches these functions into the emulator.
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
    """Returns the action that AWS asks for in place of the emulator's `action`; None for None."""
    return None if action is None else _SINGLE.get(action, action)


def lambda_action(method: str, path: str, action: str | None) -> str | None:
    """Returns the action of Lambda that AWS asks for in place of the emulator's `action`, without its service."""
    place = path.rstrip("/").rpartition("/")[2]
    if place == "account-settings":
        return "GetAccountSettings"
    if place == "concurrency":
        return {"GET": "GetFunctionConcurrency", "DELETE": "DeleteFunctionConcurrency"}.get(method, action)
    return action


def statement_checks(action: str, body: bytes) -> list[tuple[str, str]]:
    """Returns each pair of action and table name that a call with PartiQL statements needs; none for any other call.

    `body` is the call's JSON. For a statement that can't be read the action is one that no policy can allow.
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


def log_resource(resource: str, body: bytes) -> str:
    """Returns the resource that AWS asks about in place of the log group `resource`.

    `body` is the call's JSON.
    """
    return f"{resource}:log-stream:{_parsed(body).get('logStreamName', '')}" if resource != "*" else resource


def leading_keys(body: bytes, key_of: Callable[[str], str | None]) -> list[str]:
    """Returns the partition keys of the keys and items that a call names.

    `body` is the call's JSON. `key_of` returns the name of a table's partition key, None for an unknown table.
    """
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
    for each in given.get("TransactItems", ()):
        for operation in each.values():
            yield from _named_items(operation)
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
