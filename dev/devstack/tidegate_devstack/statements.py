"""Patches the emulator's PartiQL statements, so that they do what AWS's documentation says.

An INSERT and an UPDATE reach the table's stream. Without that the dispatcher would notice their writes at its next tick
only. LIST_APPEND appends. A statement of a batch is parsed once, where the unpatched emulator parses it twice. A text
that was split into tokens before is not split again. Under load that took a good quarter of the emulator's time
(docs/decisions/0011-worker-pipeline.md).

A batch is answered as strictly as on AWS (docs/decisions/0019-refusals-are-judged-by-one-read.md). A statement that its
condition refused never returns the item, even if it asked for that. Two writes of the same item make AWS refuse the
whole batch.

A version of the emulator that lacks these functions, or passes other arguments, fails the contract suite and the
end-to-end tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ministack.services import _dynamodb_keywords, dynamodb

from tidegate_devstack.parse_once import ParseOnce

_TEXTS_KEPT = 256
_DUPLICATES = "Provided list of item keys contains duplicates"

_insert = dynamodb._partiql_insert
_update = dynamodb._partiql_update
_call = dynamodb._pq_call
_batch = dynamodb._batch_execute_statement


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


def _batch_as_on_aws(data: Mapping[str, Any]) -> tuple[Any, ...]:
    """Executes a batch as AWS does: refuses two writes of one item, and returns no item of a refused statement."""
    # ParseOnce compares objects by identity, so the same statement objects are passed on to the emulator.
    statements = [
        {name: value for name, value in each.items() if name != "ReturnValuesOnConditionCheckFailure"}
        for each in data.get("Statements") or []
    ]
    parse = dynamodb._parse_partiql
    try:
        written = list(_written_items(parse, statements))
        if len(set(written)) < len(written):
            answer: tuple[Any, ...] = dynamodb.error_response_json("ValidationException", _DUPLICATES, 400)
            return answer
        answered: tuple[Any, ...] = _batch({**data, "Statements": statements})
        return answered
    finally:
        parse.forget()


def _written_items(parse: ParseOnce, statements: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Yields the table and the key of each item that a statement would write.

    A malformed statement is skipped here. The emulator answers it with an error of its own.
    """
    for each in statements:
        try:
            parsed = parse.ahead(each.get("Statement", ""), each.get("Parameters", []))
        except ValueError:
            continue
        table = dynamodb._tables.get(parsed["table"])
        if table is None or parsed["op"] == "SELECT":
            continue
        if parsed["op"] == "INSERT":
            item = parsed["item"]["M"] if set(parsed["item"]) == {"M"} else parsed["item"]
            names = [name for name in (table["pk_name"], table["sk_name"]) if name]
            yield parsed["table"], *(dynamodb._extract_key_val(item.get(name)) for name in names)
        else:
            partition, sort, _, problem = dynamodb._partiql_key_target(table, parsed)
            if not problem:
                yield parsed["table"], partition, sort


def put_right() -> None:
    """Patches the emulator of this process. Call it once."""
    # Patches ministack: `dynamodb._partiql_insert` and `_partiql_update`, because they write no stream records.
    dynamodb._partiql_insert = _insert_and_tell_the_stream
    dynamodb._partiql_update = _update_and_tell_the_stream
    # Patches ministack: `dynamodb._pq_call`, which calls PartiQL functions, because it does not know LIST_APPEND.
    dynamodb._pq_call = _call_or_append
    # Patches ministack: `dynamodb._parse_partiql`, because it parses each statement of a batch twice.
    dynamodb._parse_partiql = ParseOnce(dynamodb._parse_partiql)
    # Patches ministack: `dynamodb._batch_execute_statement`, because it accepts two writes of one item, and returns the
    # item of a refused statement.
    dynamodb._batch_execute_statement = _batch_as_on_aws
    # Patches ministack: `_dynamodb_keywords._tokenize`, because it splits the same few texts again for every call.
    _dynamodb_keywords._tokenize = lru_cache(_TEXTS_KEPT)(_dynamodb_keywords._tokenize)
