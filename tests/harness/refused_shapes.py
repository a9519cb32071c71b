"""Statements that a DynamoDB may not understand: shapes of PartiQL that AWS does not document, refused one by one.

No public capture shows whether AWS accepts each of them. The adapters must replace refused ones by calls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

_REMOVED = re.compile(r'REMOVE "(\w+)"')
_ADDED = re.compile(r'SET "(\w+)" = "\1" \+ \?')
_EVENT = "before-call.dynamodb.BatchExecuteStatement"

Has = Callable[[str, Mapping[str, Any]], bool]
"""Whether a statement has the shape: from its text, and from the item that it is about."""

SHAPES: Mapping[str, Has] = {
    "several REMOVE clauses": lambda text, _item: len(_REMOVED.findall(text)) > 1,
    "REMOVE of an absent attribute": lambda text, item: any(
        name not in item for name in _REMOVED.findall(text)
    ),
    "contains": lambda text, _item: "contains(" in text,
    "a set compared": lambda text, _item: '"waiting_on" = ?' in text,
    "a number added": lambda text, _item: _ADDED.search(text) is not None,
    "list_append": lambda text, _item: "list_append(" in text,
    "set_delete": lambda text, _item: "set_delete(" in text,
    "IS MISSING": lambda text, _item: "IS MISSING" in text,
    "IN": lambda text, _item: " IN [" in text,
    "any UPDATE": lambda text, _item: text.startswith("UPDATE"),
}


@dataclass(slots=True)
class Refusals:
    """The number of statements or calls refused so far."""

    count: int = 0


@contextmanager
def refusing(client: Any, aside: Any, has: Has, *, whole: bool) -> Iterator[Refusals]:
    """Makes `client` refuse statements of a shape as not understood. `aside` executes the other statements.

    With `whole`, a batch that holds one refused statement is refused as a whole.
    """
    refusals = Refusals()

    def answer(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        statements = json.loads(params["body"])["Statements"]
        refused = [has(each["Statement"], _item_of(aside, each)) for each in statements]
        refusals.count += sum(refused)
        if whole and any(refused):
            return _answer(400, {"Error": {"Code": "ValidationException", "Message": "what is that?"}})
        understood = [each for each, no in zip(statements, refused, strict=True) if not no]
        done = iter(_execute(aside, understood))
        responses = [
            {"Error": {"Code": "ValidationError", "Message": "what is that?"}} if no else next(done)
            for no in refused
        ]
        return _answer(200, {"Responses": responses})

    client.meta.events.register_first(_EVENT, answer)
    try:
        yield refusals
    finally:
        client.meta.events.unregister(_EVENT, answer)


@contextmanager
def bringing_no_item(client: Any) -> Iterator[Refusals]:
    """Takes the item off every refusal of a call. AWS is milder: it returns the item if asked for it."""
    refusals = Refusals()

    def take_off(parsed: dict[str, Any], **_: Any) -> None:
        if "Error" in parsed:
            refusals.count += parsed.pop("Item", None) is not None

    client.meta.events.register("after-call.dynamodb", take_off)
    try:
        yield refusals
    finally:
        client.meta.events.unregister("after-call.dynamodb", take_off)


def _execute(aside: Any, statements: Sequence[Any]) -> Sequence[Any]:
    if not statements:
        return ()
    found: Sequence[Any] = aside.batch_execute_statement(Statements=statements)["Responses"]
    return found


def _item_of(aside: Any, statement: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the present item of an UPDATE, or an empty one if there is none."""
    text = statement["Statement"]
    head, key, _ = text.partition('WHERE "job_id" = ?')
    if not key:
        return {}
    table = text.split('"')[1]
    job_id = statement["Parameters"][head.count("?")]
    item: Mapping[str, Any] = aside.get_item(TableName=table, Key={"job_id": job_id}).get("Item", {})
    return item


def _answer(status: int, parsed: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    metadata = {"HTTPStatusCode": status, "RetryAttempts": 0}
    return SimpleNamespace(status_code=status), {**parsed, "ResponseMetadata": metadata}
