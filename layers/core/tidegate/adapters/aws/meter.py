"""Counts the usage that AWS bills: requests, write units and read units."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tidegate.adapters.aws.errors import (
    CONDITION_FAILED,
    CONDITION_FAILED_IN_STATEMENT,
    DUPLICATE_IN_STATEMENT,
)
from tidegate.adapters.aws.item_sizes import item_size
from tidegate.domain.stored import units_of

BASE = "table"  # stands for the table itself where an index is named
_ASKED = "tidegate_asked"

_BILLED_REFUSALS = (CONDITION_FAILED_IN_STATEMENT, DUPLICATE_IN_STATEMENT)
_INSERTED_NAME = re.compile(r"'([^']+)': \?")  # matches the inserts of adapters/dynamodb/batches.py
_Units = tuple[tuple[str, str], float]  # table and index, units


def _frozen(counts: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType({key: count for key, count in sorted(counts.items()) if count})


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage up to a moment.

    `requests` counts by (service, operation), retries included. `write_units` counts by (table, index); the index is
    "table" for the table itself. `read_units` is the sum over all tables.
    """

    requests: Mapping[tuple[str, str], int] = field(default_factory=lambda: MappingProxyType({}))
    write_units: Mapping[tuple[str, str], float] = field(default_factory=lambda: MappingProxyType({}))
    read_units: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        """Returns the usage of both spans together."""
        units = dict(self.write_units)
        for key, count in other.write_units.items():
            units[key] = units.get(key, 0.0) + count
        requests = Counter(self.requests) + Counter(other.requests)
        return Usage(_frozen(requests), _frozen(units), self.read_units + other.read_units)

    def __sub__(self, earlier: Usage) -> Usage:
        """Returns the usage since `earlier`."""
        requests = Counter(self.requests)
        requests.subtract(earlier.requests)
        units = dict(self.write_units)
        for key, count in earlier.write_units.items():
            units[key] = units.get(key, 0.0) - count
        return Usage(_frozen(requests), _frozen(units), self.read_units - earlier.read_units)

    def to_json(self) -> dict[str, Any]:
        """Returns the usage for the log: requests by "service.operation", and the units."""
        return {
            "requests": {".".join(call): count for call, count in self.requests.items()},
            "write_units": self.write_units_total,
            "read_units": self.read_units,
        }

    def requests_of(self, service: str) -> int:
        """Returns the number of requests to one service: `dynamodb` or `sqs`."""
        return sum(count for (name, _), count in self.requests.items() if name == service)

    @property
    def write_units_total(self) -> float:
        """The write units of tables and indexes together."""
        return sum(self.write_units.values())

    @property
    def base_write_units(self) -> float:
        """The write units of the tables themselves."""
        return sum(count for (_, index), count in self.write_units.items() if index == BASE)

    @property
    def index_write_units(self) -> float:
        """The write units of all indexes."""
        return sum(count for (_, index), count in self.write_units.items() if index != BASE)


class Meter:
    """Hooks into boto3 clients and counts their usage; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str]] = Counter()
        self._write_units: dict[tuple[str, str], float] = {}
        self._read_units = 0.0

    def attach(self, client: Any) -> None:
        """Counts every call of a boto3 client from now on."""
        service = client.meta.service_model.service_name
        events = client.meta.events
        events.register(f"provide-client-params.{service}", self._ask_for_units)
        events.register(f"after-call.{service}", self._count)
        events.register(f"after-call-error.{service}", self._count_failure)

    def snapshot(self) -> Usage:
        """Returns the usage so far."""
        with self._lock:
            return Usage(_frozen(self._requests), _frozen(self._write_units), self._read_units)

    def _ask_for_units(
        self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> dict[str, Any]:
        context[_ASKED] = params
        shape = model.input_shape
        if shape is not None and "ReturnConsumedCapacity" in shape.members:
            return {"ReturnConsumedCapacity": "INDEXES", **params}
        return params

    def _count(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        tries = 1 + parsed.get("ResponseMetadata", {}).get("RetryAttempts", 0)
        reported = _consumed(parsed)
        is_read = model.name in _READING
        writes = (
            [] if is_read else [*_written(reported), *_refused(parsed, reported, context.get(_ASKED) or {})]
        )
        reads = sum(float(consumed.get("CapacityUnits", 0.0)) for consumed in reported) if is_read else 0.0
        with self._lock:
            self._requests[(model.service_model.service_name, model.name)] += tries
            self._read_units += reads
            for key, units in writes:
                self._write_units[key] = self._write_units.get(key, 0.0) + units

    def _count_failure(self, event_name: str, **_: Any) -> None:
        # No answer came, so the number of requests is unknown; at least one was sent.
        _event, service, operation = event_name.split(".", 2)
        with self._lock:
            self._requests[(service, operation)] += 1


def _written(reported: Iterable[Mapping[str, Any]]) -> Iterator[_Units]:
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


def _refused(
    parsed: Mapping[str, Any], reported: Sequence[Mapping[str, Any]], asked: Mapping[str, Any]
) -> Iterator[_Units]:
    """Yields the write units of writes that their condition refused.

    AWS bills such a write by the larger of the stored item and the item that was sent. It does not report the units
    of a refused call, nor those of refused statements if no statement on the same table succeeded. The answer holds
    the stored item if the call asked for it. An unknown size counts as one unit, the minimum.
    """
    if parsed.get("Error", {}).get("Code") == CONDITION_FAILED and not reported:
        sizes = (item_size(item) for item in (parsed.get("Item") or {}, asked.get("Item") or {}))
        yield (asked.get("TableName") or "unknown", BASE), float(units_of(max(sizes)))
    tables = {consumed["TableName"] for consumed in reported}
    responses = parsed.get("Responses") if "Statements" in asked else None
    for statement, response in zip(asked.get("Statements") or (), responses or (), strict=False):
        table = response.get("TableName") or "unknown"
        error = response.get("Error", {})
        if error.get("Code") in _BILLED_REFUSALS and table not in tables:
            sizes = (item_size(item) for item in (error.get("Item") or {}, _inserted(statement)))
            yield (table, BASE), float(units_of(max(sizes)))


def _inserted(statement: Mapping[str, Any]) -> dict[str, Any]:
    names = _INSERTED_NAME.findall(statement["Statement"])
    return dict(zip(names, statement["Parameters"], strict=True)) if names else {}


_READING = frozenset({"GetItem", "BatchGetItem", "Query"})


def _consumed(parsed: Mapping[str, Any]) -> list[dict[str, Any]]:
    consumed = parsed.get("ConsumedCapacity") or []
    return consumed if isinstance(consumed, list) else [consumed]
