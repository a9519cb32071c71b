"""Counts what AWS bills: requests, write units and read units."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tidegate.adapters.aws_errors import (
    CONDITION_FAILED,
    CONDITION_FAILED_IN_STATEMENT,
    DUPLICATE_IN_STATEMENT,
)
from tidegate.adapters.dynamodb_schema import GROUP_INDEX, GROUP_KEY, GROUP_SORT, INDEX_ENTRY_BYTES
from tidegate.adapters.dynamodb_values import Item, item_size, read_units, write_units

BASE = "table"  # in the place of an index's name
_CONSISTENT = "tidegate_consistent_read"
_TABLE = "tidegate_table"
_STATEMENTS = "tidegate_statements"

_BILLED_REFUSALS = (CONDITION_FAILED_IN_STATEMENT, DUPLICATE_IN_STATEMENT)
_INSERTED_NAME = re.compile(r"'([^']+)': \?")  # as dynamodb_batches writes its statements
_Units = tuple[tuple[str, str], float]  # table and index, units


def _frozen(counts: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType({key: count for key, count in sorted(counts.items()) if count})


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used up to a moment.

    `requests` counts by (service, operation), retries included; `write_units` by (table, index), where the
    index is "table" for the table itself; `read_units` is the sum over all tables.
    """

    requests: Mapping[tuple[str, str], int] = field(default_factory=lambda: MappingProxyType({}))
    write_units: Mapping[tuple[str, str], float] = field(default_factory=lambda: MappingProxyType({}))
    read_units: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        """What was used in both spans together."""
        units = dict(self.write_units)
        for key, count in other.write_units.items():
            units[key] = units.get(key, 0.0) + count
        requests = Counter(self.requests) + Counter(other.requests)
        return Usage(_frozen(requests), _frozen(units), self.read_units + other.read_units)

    def __sub__(self, earlier: Usage) -> Usage:
        """What was used since `earlier`."""
        requests = Counter(self.requests)
        requests.subtract(earlier.requests)
        units = dict(self.write_units)
        for key, count in earlier.write_units.items():
            units[key] = units.get(key, 0.0) - count
        return Usage(_frozen(requests), _frozen(units), self.read_units - earlier.read_units)

    def to_json(self) -> dict[str, Any]:
        """For the log: requests by "service.operation", and the units."""
        return {
            "requests": {".".join(call): count for call, count in self.requests.items()},
            "write_units": self.write_units_total,
            "read_units": self.read_units,
        }

    def requests_of(self, service: str) -> int:
        """Requests to one service: `dynamodb` or `sqs`."""
        return sum(count for (name, _), count in self.requests.items() if name == service)

    @property
    def write_units_total(self) -> float:
        """Write units of tables and indexes together."""
        return sum(self.write_units.values())

    @property
    def base_write_units(self) -> float:
        """Write units of the tables themselves."""
        return sum(count for (_, index), count in self.write_units.items() if index == BASE)

    @property
    def index_write_units(self) -> float:
        """Write units of all indexes."""
        return sum(count for (_, index), count in self.write_units.items() if index != BASE)


class Meter:
    """Hooks into clients and counts; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str]] = Counter()
        self._write_units: dict[tuple[str, str], float] = {}
        self._read_units = 0.0

    def attach(self, client: Any) -> None:
        """Counts everything that a boto3 client does from now on."""
        service = client.meta.service_model.service_name
        events = client.meta.events
        events.register(f"provide-client-params.{service}", self._ask_for_units)
        events.register(f"after-call.{service}", self._count)
        events.register(f"after-call-error.{service}", self._count_failure)

    def snapshot(self) -> Usage:
        """What was used so far."""
        with self._lock:
            return Usage(_frozen(self._requests), _frozen(self._write_units), self._read_units)

    def _ask_for_units(
        self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> dict[str, Any]:
        context[_CONSISTENT] = _is_consistent(params)
        context[_TABLE] = params.get("TableName")
        context[_STATEMENTS] = params.get("Statements")
        shape = model.input_shape
        if shape is not None and "ReturnConsumedCapacity" in shape.members:
            return {"ReturnConsumedCapacity": "INDEXES", **params}
        return params

    def _count(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        tries = 1 + parsed.get("ResponseMetadata", {}).get("RetryAttempts", 0)
        writes = list(_writes(parsed, model.name, context))
        reads = _reads(parsed, model.name, bool(context.get(_CONSISTENT)))
        with self._lock:
            self._requests[(model.service_model.service_name, model.name)] += tries
            self._read_units += reads
            for key, units in writes:
                self._write_units[key] = self._write_units.get(key, 0.0) + units

    def _count_failure(self, event_name: str, **_: Any) -> None:
        # No answer came, so how often it was tried is not known: once at the least.
        _event, service, operation = event_name.split(".", 2)
        with self._lock:
            self._requests[(service, operation)] += 1


def _is_consistent(params: Mapping[str, Any]) -> bool:
    """Whether a call reads consistently; a batch says so for each of its tables."""
    tables = (params.get("RequestItems") or {}).values()
    of_batch = any(isinstance(wanted, Mapping) and wanted.get("ConsistentRead") for wanted in tables)
    return bool(params.get("ConsistentRead")) or of_batch


def _writes(parsed: Mapping[str, Any], operation: str, context: Mapping[str, Any]) -> Iterator[_Units]:
    if operation in _READING:
        return
    reported = _consumed(parsed)
    if operation == "BatchExecuteStatement" and not any("Table" in consumed for consumed in reported):
        yield from _statements(context.get(_STATEMENTS) or (), parsed.get("Responses") or ())
        return
    for consumed in reported:
        name = consumed["TableName"]
        indexes = {
            index: figures["CapacityUnits"]
            for index, figures in (consumed.get("GlobalSecondaryIndexes") or {}).items()
        }
        base = (consumed.get("Table") or {}).get("CapacityUnits")
        yield (name, BASE), consumed["CapacityUnits"] - sum(indexes.values()) if base is None else base
        for index, units in indexes.items():
            yield (name, index), units
    # A write refused by its condition is billed like any other, but local stacks do not report it.
    if parsed.get("Error", {}).get("Code") == CONDITION_FAILED and not reported:
        table = context.get(_TABLE) or "unknown"
        yield (table, BASE), float(write_units(item_size(parsed.get("Item") or {})))


def _statements(statements: Iterable[Any], responses: Iterable[Any]) -> Iterator[_Units]:
    """Units of statements from what they wrote: local stacks report one for each, whatever it was."""
    for statement, response in zip(statements, responses, strict=False):
        table = response.get("TableName") or "unknown"
        error = response.get("Error", {})
        if error.get("Code") in _BILLED_REFUSALS:
            # A batch does not bring the item back that refused, so its size is not known: a unit is the least.
            yield (table, BASE), 1.0
        elif not error:
            yield from _written(table, statement, response)


def _written(table: str, statement: Mapping[str, Any], response: Mapping[str, Any]) -> Iterator[_Units]:
    text = statement["Statement"]
    if text.startswith("UPDATE"):
        # The larger of the item before and after is billed; only the one after is known. Whatever sets the index's
        # attributes moves the job's entry, which every job has: one unit to take it out, one to put it in.
        yield (table, BASE), float(write_units(item_size(response.get("Item") or {})))
        if any(f'SET "{attribute}" =' in text for attribute in (GROUP_KEY, GROUP_SORT)):
            yield (table, GROUP_INDEX), 2.0
        return
    item = dict(zip(_INSERTED_NAME.findall(text), statement["Parameters"], strict=True))
    yield (table, BASE), float(write_units(item_size(item)))
    if GROUP_KEY in item:
        yield (table, GROUP_INDEX), 1.0


_READING = {"GetItem": 1, "BatchGetItem": 1, "Query": 1}


def _reads(parsed: Mapping[str, Any], operation: str, consistent: bool) -> float:
    """Read units. Local stacks report one step whatever was read, so the items are measured as well."""
    if operation not in _READING or "Error" in parsed:
        return 0.0
    reported = sum(float(consumed.get("CapacityUnits", 0.0)) for consumed in _consumed(parsed))
    if operation == "Query":
        items = parsed.get("Items")
        size = _total(items) if items else parsed.get("ScannedCount", 0) * INDEX_ENTRY_BYTES
        return max(reported, read_units(size, consistent=consistent))
    if operation == "GetItem":
        return max(reported, read_units(item_size(parsed.get("Item") or {}), consistent=consistent))
    found: Iterable[Item] = (item for items in (parsed.get("Responses") or {}).values() for item in items)
    return max(reported, sum(read_units(item_size(item), consistent=consistent) for item in found))


def _total(items: Iterable[Item]) -> int:
    return sum(item_size(item) for item in items)


def _consumed(parsed: Mapping[str, Any]) -> list[dict[str, Any]]:
    consumed = parsed.get("ConsumedCapacity") or []
    return consumed if isinstance(consumed, list) else [consumed]
