"""What the emulator's statements lack: they do what AWS says they do once this has put them right.

An INSERT and an UPDATE reach the table's stream; without this, what they write would wait for the schedule to be
noticed. LIST_APPEND appends. A statement of a batch is parsed once, where the emulator by itself parses it twice, and a
text that was split into tokens before is not split again: that took a good quarter of its time under load
(docs/decisions/0011-worker-pipeline.md).

A version of the emulator that lacks these functions, or passes other arguments, fails the contract suite and the
end-to-end tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ministack.services import _dynamodb_keywords, dynamodb

from tidegate_cli.local_stack.parse_once import ParseOnce

_TEXTS_KEPT = 256

_insert = dynamodb._partiql_insert
_update = dynamodb._partiql_update
_call = dynamodb._pq_call


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


def put_right() -> None:
    """Changes the emulator of this process; once is enough."""
    dynamodb._partiql_insert = _insert_and_tell_the_stream
    dynamodb._partiql_update = _update_and_tell_the_stream
    dynamodb._pq_call = _call_or_append
    dynamodb._parse_partiql = ParseOnce(dynamodb._parse_partiql)
    _dynamodb_keywords._tokenize = lru_cache(_TEXTS_KEPT)(_dynamodb_keywords._tokenize)
