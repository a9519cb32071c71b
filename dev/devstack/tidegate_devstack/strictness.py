"""Makes the emulator's DynamoDB as strict as AWS: in refusals, sizes of answers, expiry of items, and units.

The patches wrap the emulator's functions one by one, and each wrapped function still does all that it did.
strict_requests.py finds the refusals. docs/reference/aws-truth.md has AWS's answers and their sources.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from ministack.services import dynamodb

from tidegate_devstack.strict_bills import (
    Answer,
    Bill,
    arms,
    billing,
    consumed_by,
    current_bill,
    read_units,
    with_units,
)
from tidegate_devstack.strict_requests import refusal_of
from tidegate_devstack.strict_statements import refusal_of_statement
from tidegate_devstack.strict_values import Refusal, Schema, schema_of

MAX_BATCH_GET_BYTES = 16 * 1_048_576
_TTL_THREAD = "dynamodb-ttl-reaper"  # the emulator's thread that removes expired items
_BILLED_REFUSALS = ("ConditionalCheckFailed", "DuplicateItem")
_MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_Handler: TypeAlias = Callable[[dict[str, Any]], Answer]

# The functions before the patch, by name. A benchmark may have wrapped them before.
_wrapped: dict[str, Any] = {}


def make_strict() -> None:
    """Patches the emulator of this process. A second call changes nothing."""
    if _wrapped:
        return
    # Patches ministack: `dynamodb._put_item` and the other handlers here, because they accept requests that AWS
    # refuses. `_get_item`, `_query`, `_batch_get_item` and `_batch_execute_statement` also report other units than AWS.
    for operation, name in (
        ("PutItem", "_put_item"),
        ("GetItem", "_get_item"),
        ("DeleteItem", "_delete_item"),
        ("UpdateItem", "_update_item"),
        ("Query", "_query"),
        ("BatchGetItem", "_batch_get_item"),
        ("BatchWriteItem", "_batch_write_item"),
        ("BatchExecuteStatement", "_batch_execute_statement"),
    ):
        setattr(dynamodb, name, _checked(operation, getattr(dynamodb, name)))
    # Patches ministack: `dynamodb._paginate_evaluated_items`, because it does not count the items that a query looks
    # at, and AWS bills them all.
    # Patches ministack: `dynamodb._eval_set_value`, because it accepts operands of wrong types in list_append, + and -.
    # Patches ministack: `dynamodb._set_item` and `_remove_item`, because a batch is billed for the items before and
    # after each write, and because the emulator removes an expired item without a record in the stream.
    for name, around in (
        ("_paginate_evaluated_items", _paginate_and_note),
        ("_eval_set_value", _value_of_right_types),
        ("_set_item", _set_and_note),
        ("_remove_item", _remove_and_note),
    ):
        _wrapped[name] = getattr(dynamodb, name)
        setattr(dynamodb, name, around)


def _checked(operation: str, handler: _Handler) -> _Handler:
    carry_out = _CARRY_OUT.get(operation)

    def checked(data: dict[str, Any]) -> Answer:
        refusal = _refusal(operation, data)
        if refusal is not None:
            answer: Answer = dynamodb.error_response_json(refusal.code, refusal.message, 400)
            return answer
        return handler(data) if carry_out is None else carry_out(handler, data)

    return checked


def _refusal(operation: str, data: Mapping[str, Any]) -> Refusal | None:
    try:
        return refusal_of(operation, data, _Schemas())
    except _MALFORMED:
        return None  # the emulator itself refuses a malformed call


class _Schemas(Mapping[str, Schema]):
    """The schemas of the emulator's tables, by name."""

    def __getitem__(self, name: str) -> Schema:
        return schema_of(dynamodb._tables[name])

    def __iter__(self) -> Iterator[str]:
        return iter(dynamodb._tables)

    def __len__(self) -> int:
        return len(dynamodb._tables)


# --- updates ------------------------------------------------------------------------------------------


def _value_of_right_types(tokens: list[Any], item: Any, values: Any, names: Any) -> Any:
    """Returns the value that a SET assigns. Raises ValueError if an operand of list_append, + or - has a wrong type.

    The unpatched emulator treats such an operand as empty.
    """
    for kind, operand in _operands(tokens):
        if kind not in (dynamodb._eval_set_value(operand, item, values, names) or {}):
            raise ValueError("An operand in the update expression has an incorrect data type")
    return _wrapped["_eval_set_value"](tokens, item, values, names)


def _operands(tokens: list[Any]) -> list[tuple[str, list[Any]]]:
    """Returns the operands of the outermost +, - or list_append in a SET's value, with the type that each must have."""
    depth = 0
    for number, (kind, *_) in enumerate(tokens):
        depth += (kind == "LPAREN") - (kind == "RPAREN")
        if depth == 0 and kind in ("PLUS", "MINUS") and number > 0:
            return [("N", tokens[:number]), ("N", tokens[number + 1 :])]
    if len(tokens) > 1 and tokens[0][:2] == ("IDENT", "list_append") and tokens[1][0] == "LPAREN":
        inner = tokens[2 : dynamodb._find_matching_paren(tokens, 1)]
        return [("L", operand) for operand in dynamodb._split_by_comma(inner)]
    return []


# --- reads: billed for all items looked at -----------------------------------------------------------


def _paginate_and_note(items: Any, limit: Any, table: Any, index_name: str | None = None) -> Any:
    page, more = _wrapped["_paginate_evaluated_items"](items, limit, table, index_name)
    bill = current_bill.get()
    if bill is not None:
        for item in page:
            entry = dynamodb._apply_index_projection(item, table, index_name) if index_name else item
            bill.scanned_bytes += dynamodb._item_size_bytes(entry)
    return page, more


def _get(handler: _Handler, data: dict[str, Any]) -> Answer:
    table = dynamodb._tables.get(data.get("TableName"))
    size = dynamodb._item_size_bytes(dynamodb._get_item_by_key(table, data["Key"]) or {}) if table else 0
    return with_units(handler(data), data, read_units(size, consistent=bool(data.get("ConsistentRead"))))


def _query(handler: _Handler, data: dict[str, Any]) -> Answer:
    with billing() as bill:
        answer = handler(data)
    units = read_units(bill.scanned_bytes, consistent=bool(data.get("ConsistentRead")))
    return with_units(answer, data, units)


def _batch_get(handler: _Handler, data: dict[str, Any]) -> Answer:
    """Answers with at most 16 MB, and returns the keys beyond that unprocessed. Adds the units, which are missing."""
    now, later, consumed, total = {}, {}, [], 0
    for name, asked in data["RequestItems"].items():
        table = dynamodb._tables.get(name)
        if table is None:
            return handler(data)
        sizes = [
            dynamodb._item_size_bytes(dynamodb._get_item_by_key(table, key) or {}) for key in asked["Keys"]
        ]
        taken = 0
        for size in sizes:
            if total and total + size > MAX_BATCH_GET_BYTES:
                break
            total += size
            taken += 1
        if taken:
            now[name] = {**asked, "Keys": asked["Keys"][:taken]}
        if taken < len(sizes):
            later[name] = {**asked, "Keys": asked["Keys"][taken:]}
        consistent = bool(asked.get("ConsistentRead"))
        consumed.append((name, sum(read_units(size, consistent=consistent) for size in sizes[:taken])))
    status, headers, body = handler({**data, "RequestItems": now})
    if status != 200:
        return status, headers, body
    payload = {**json.loads(body), "UnprocessedKeys": later}
    if data.get("ReturnConsumedCapacity", "NONE") != "NONE":
        payload["ConsumedCapacity"] = [
            {"TableName": name, "CapacityUnits": units, **arms(data, units, {})} for name, units in consumed
        ]
    return status, headers, json.dumps(payload, ensure_ascii=False).encode()


# --- statements -----------------------------------------------------------------------------------------


def _set_and_note(table: Any, hash_value: Any, range_value: Any, item: Any) -> Any:
    old = _wrapped["_set_item"](table, hash_value, range_value, item)
    bill = current_bill.get()
    if bill is not None:
        bill.written.append((table, old, item))
    return old


def _remove_and_note(table: Any, hash_value: Any, range_value: Any) -> Any:
    old = _wrapped["_remove_item"](table, hash_value, range_value)
    bill = current_bill.get()
    if bill is not None:
        bill.written.append((table, old, None))
    if old is not None and threading.current_thread().name == _TTL_THREAD:
        _tell_of_expiry(table["TableName"], old)
    return old


def _tell_of_expiry(table: str, old: Any) -> None:
    """Emits the stream record of an expired item, marked as removed by DynamoDB itself. The emulator emits none."""
    before = len(dynamodb._stream_records.get(table) or ())
    dynamodb._emit_stream_event(table, "REMOVE", old, None)
    for record in (dynamodb._stream_records.get(table) or ())[before:]:
        record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def _execute(handler: _Handler, data: dict[str, Any]) -> Answer:
    """Executes a batch of statements. Each is checked on its own, and the units are reported by table and index.

    Refused statements are billed too. If no statement on a table succeeded, AWS reports no units for that table.
    """
    refusals = [_statement_refusal(statement) for statement in data["Statements"]]
    left = [each for each, refusal in zip(data["Statements"], refusals, strict=True) if refusal is None]
    responses: Iterator[Any] = iter(())
    status, headers = 200, {"Content-Type": "application/x-amz-json-1.0"}
    with billing() as bill:
        if left:
            status, headers, body = handler({**data, "Statements": left})
            if status != 200:
                return status, headers, body
            responses = iter(json.loads(body)["Responses"])
    answered = []
    for statement, refusal in zip(data["Statements"], refusals, strict=True):
        if refusal is not None:
            answered.append({"Error": {"Code": "ValidationError", "Message": refusal.message}})
            continue
        response = next(responses)
        if response.get("Error", {}).get("Code") in _BILLED_REFUSALS:
            _note_refused(bill, response, statement)
        answered.append(response)
    payload: dict[str, Any] = {"Responses": answered}
    if data.get("ReturnConsumedCapacity", "NONE") != "NONE":
        payload["ConsumedCapacity"] = consumed_by(data, bill)
    return status, headers, json.dumps(payload, ensure_ascii=False).encode()


def _statement_refusal(statement: Mapping[str, Any]) -> Refusal | None:
    try:
        return refusal_of_statement(statement, _Schemas())
    except _MALFORMED:
        return None


def _note_refused(bill: Bill, response: Mapping[str, Any], statement: Mapping[str, Any]) -> None:
    """Notes a refused statement on the bill, with the size of its own item or of the stored one, if that is larger."""
    table = dynamodb._tables[response["TableName"]]
    parsed = dynamodb._parse_partiql(statement["Statement"], list(statement.get("Parameters") or ()))
    carried = parsed.get("item") or {}
    carried = carried["M"] if set(carried) == {"M"} else carried
    if carried:
        standing = dynamodb._get_item_by_key(table, carried)
    else:
        partition, sort, _, _ = dynamodb._partiql_key_target(table, parsed)
        standing = table["items"].get(partition, {}).get(sort)
    bill.refused.append((table, max(map(dynamodb._item_size_bytes, (carried, standing or {})))))


_CARRY_OUT: Mapping[str, Callable[[_Handler, dict[str, Any]], Answer]] = {
    "GetItem": _get,
    "Query": _query,
    "BatchGetItem": _batch_get,
    "BatchExecuteStatement": _execute,
}
