"""The emulator's process, with what only it can put right: statements do what AWS says they do.

`python -m tidegate_cli.local_stack.emulator_process` is what `up` starts. An INSERT and an UPDATE reach the table's
stream; without this, what they write would wait for the schedule to be noticed. LIST_APPEND appends. A statement of a
batch is parsed once, where the emulator by itself parses it twice, and a text that was split into tokens before is not
split again: that took a good quarter of its time under load (docs/decisions/0011-worker-pipeline.md). Callers need the
permissions that AWS asks for (permissions.py).

A version of the emulator that lacks these functions, or passes other arguments, fails the contract suite and the
end-to-end tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ministack.app import main
from ministack.core import iam_actions
from ministack.services import _dynamodb_keywords, dynamodb

from tidegate_cli.local_stack.parse_once import ParseOnce
from tidegate_cli.local_stack.permissions import leading_keys, single_action, statement_checks

_TEXTS_KEPT = 256

_insert = dynamodb._partiql_insert
_update = dynamodb._partiql_update
_call = dynamodb._pq_call
_action_of = iam_actions.extract_iam_action
_checks_of = iam_actions.dynamodb_transaction_checks
_context_of = iam_actions.dynamodb_service_context


def _insert_and_tell_the_stream(table: Mapping[str, Any], parsed: Mapping[str, Any]) -> tuple[Any, ...]:
    answer: tuple[Any, ...] = _insert(table, parsed)
    if answer[0] == 200:
        item = parsed["item"]
        item = item["M"] if set(item) == {"M"} else item
        dynamodb._emit_stream_event(parsed["table"], "INSERT", None, item)
    return answer


def _update_and_tell_the_stream(
    table: Mapping[str, Any], parsed: Mapping[str, Any], data: Mapping[str, Any] | None = None
) -> tuple[Any, ...]:
    partition, sort, _, problem = dynamodb._partiql_key_target(table, parsed)
    old = (
        None if problem else table["items"].get(partition, {}).get(sort)
    )  # replaced, not changed, by the update
    answer: tuple[Any, ...] = _update(table, parsed, data)
    if answer[0] == 200:
        new = table["items"][partition][sort]
        dynamodb._emit_stream_event(parsed["table"], "MODIFY", old, new)
    return answer


def _call_or_append(name: str, arguments: list[Any], nodes: list[Any]) -> Any:
    if name != "list_append":
        return _call(name, arguments, nodes)
    if len(arguments) != 2 or None in arguments:
        raise ValueError("The provided expression refers to an attribute that does not exist in the item")
    if not all("L" in argument for argument in arguments):
        raise ValueError("An operand in the update expression has an incorrect data type")
    return {"L": [*arguments[0]["L"], *arguments[1]["L"]]}


def _single_action_of(*call: Any) -> str | None:
    return single_action(_action_of(*call))


def _checks_of_statements(action: str, body: bytes, region: str, account: str) -> list[tuple[str, str]]:
    stated = [
        (needed, iam_actions._dynamodb_table_arn(table, region, account) if table != "*" else table)
        for needed, table in statement_checks(action, body)
    ]
    return stated or list(_checks_of(action, body, region, account))


def _context_with_keys(body: bytes) -> dict[str, Any]:
    context: dict[str, Any] = _context_of(body)
    keys = leading_keys(body, _partition_key_of)
    return {**context, "dynamodb:LeadingKeys": keys} if keys else context


def _partition_key_of(table: str) -> str | None:
    found = dynamodb._tables.get(table.rpartition("/")[2])
    return found["pk_name"] if found else None


def run() -> None:
    """Runs the emulator until it is told to stop."""
    dynamodb._partiql_insert = _insert_and_tell_the_stream
    dynamodb._partiql_update = _update_and_tell_the_stream
    dynamodb._pq_call = _call_or_append
    dynamodb._parse_partiql = ParseOnce(dynamodb._parse_partiql)
    _dynamodb_keywords._tokenize = lru_cache(_TEXTS_KEPT)(_dynamodb_keywords._tokenize)
    iam_actions.extract_iam_action = _single_action_of
    iam_actions.dynamodb_transaction_checks = _checks_of_statements
    iam_actions.dynamodb_service_context = _context_with_keys
    main()


if __name__ == "__main__":
    run()
