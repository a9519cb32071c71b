"""Counts the capacity units that a call of the emulator's DynamoDB consumes, and reports them as AWS does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ministack.services import dynamodb

Answer: TypeAlias = tuple[int, dict[str, str], bytes]

_READ_STEP_BYTES = 4_096


@dataclass(slots=True)
class Bill:
    """The writes and the reads of one call, from which its units are counted.

    `scanned_bytes` is the size of the items that it looked at. A refused statement is in `refused`. It is billed only
    if another statement on the same table was not refused.
    """

    scanned_bytes: int = 0
    written: list[tuple[Any, Any, Any]] = field(default_factory=list)  # table, item before, item after
    refused: list[tuple[Any, int]] = field(default_factory=list)  # table, bytes


current_bill: ContextVar[Bill | None] = ContextVar("tidegate_bill", default=None)


@contextmanager
def billing() -> Iterator[Bill]:
    """Yields a bill that notes all writes and reads within the block."""
    bill = Bill()
    token = current_bill.set(bill)
    try:
        yield bill
    finally:
        current_bill.reset(token)


def read_units(size_bytes: int, *, consistent: bool) -> float:
    """Returns the read units for `size_bytes`: one for each 4 KB or part of it, half of that if not `consistent`."""
    return max(1, -(-size_bytes // _READ_STEP_BYTES)) * (1.0 if consistent else 0.5)


def with_units(answer: Answer, data: Mapping[str, Any], units: float) -> Answer:
    """Returns the answer with `units` in place of the units that the emulator reported, if it reported any.

    `data` are the call's parameters, which name the index that was read.
    """
    status, headers, body = answer
    payload = json.loads(body) if status == 200 else {}
    reported = payload.get("ConsumedCapacity")
    if not reported:
        return answer
    reported["CapacityUnits"] = units
    index = data.get("IndexName")
    if "Table" in reported:
        reported["Table"] = {"CapacityUnits": 0.0 if index else units}
        if index:
            reported["GlobalSecondaryIndexes"] = {index: {"CapacityUnits": units}}
    return status, headers, json.dumps(payload, ensure_ascii=False).encode()


def arms(data: Mapping[str, Any], units: float, indexes: Mapping[str, float]) -> dict[str, Any]:
    """Returns the units of a table and of each of its indexes, if the call `data` asks for them; else {}."""
    if data.get("ReturnConsumedCapacity") != "INDEXES":
        return {}
    by_index = {name: {"CapacityUnits": count} for name, count in indexes.items()}
    return {"Table": {"CapacityUnits": units}, **({"GlobalSecondaryIndexes": by_index} if by_index else {})}


def consumed_by(data: Mapping[str, Any], bill: Bill) -> list[dict[str, Any]]:
    """Returns ConsumedCapacity of a batch of statements: one entry for each table in which an item was written."""
    answered = []
    for name in dict.fromkeys(table["TableName"] for table, _, _ in bill.written):
        units, indexes = 0.0, dict[str, float]()
        for table, old, new in bill.written:
            if table["TableName"] == name:
                units += dynamodb._capacity_kb(max(map(dynamodb._item_size_bytes, (old or {}, new or {}))))
                for index in table.get("GlobalSecondaryIndexes") or ():
                    moved = dynamodb._index_write_units(table, index, old, new)
                    if moved:
                        indexes[index["IndexName"]] = indexes.get(index["IndexName"], 0.0) + moved
        units += sum(
            dynamodb._capacity_kb(size) for table, size in bill.refused if table["TableName"] == name
        )
        total = units + sum(indexes.values())
        answered.append({"TableName": name, "CapacityUnits": total, **arms(data, units, indexes)})
    return answered
