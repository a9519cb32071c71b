"""Calls every operation of the client once, with every argument given."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from tidegate_client.operations import (
    bulk,
    callers,
    failures,
    jobs,
    operate,
    outside,
    timetables,
    webhooks,
    workflows,
)
from tidegate_client.wire import Listing, Operation, Request

MODULES: tuple[ModuleType, ...] = (
    jobs, bulk, workflows, operate, callers, failures, outside, timetables, webhooks,
)  # fmt: skip
_CHANGE: dict[str, Any] = {
    "name": "nightly",
    "cron": "0 6 * * *",
    "zone": "Europe/Berlin",
    "every_seconds": 3_600,
    "anchor": "2026-12-01T00:00:00Z",
    "start": "2026-12-01T00:00:00Z",
    "end": "2027-12-01T00:00:00Z",
    "jitter_seconds": 60,
    "missed": "once",
    "grace_seconds": 300,
    "overlap": "skip",
    "job": {"type": "text.count"},
    "workflow": {"jobs": [{"key": "a", "type": "text.count"}]},
}
SAMPLES: dict[str, Any] = {
    "change": _CHANGE,
    "timetable": {**_CHANGE, "paused": True},
    "body": {"type": "text.count"},
    "workflow": {"jobs": [{"key": "a", "type": "text.count"}]},
    "tag": ["team=data"],
    "namespaces": ["team"],
    "events": ["job.ended"],
    "types": ["text.count"],
    "pools": ["ecs"],
    "states": ["FAILED"],
    "tags": {"team": "data"},
    "parameters": {},
    "wanted": {"state": "READY"},
    "changes": {
        "about": ["01JD3V8Q5S2Y6W9K4M7N0P1R2T"],
        "slots": {"ecs": 8},
        "add_slots": {"lambda": 4},
        "priorities": {"01JD3V8Q5S2Y6W9K4M7N0P1R2T": 900},
        "pause_pools": ["gpu"],
        "pause_types": ["text.count"],
        "submit": {"type": "text.count"},
    },
}


def operations() -> Iterator[tuple[str, Operation[Any] | Listing[Any]]]:
    """Yields each operation by the name of its function."""
    for module in MODULES:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or name in ("accepted", "moment", "set_options"):
                continue
            if name.startswith("_"):
                continue
            values = {each: _sample(module, name, each) for each in inspect.signature(function).parameters}
            yield name, function(**values)


def requests() -> Iterator[tuple[str, Request]]:
    """Yields the request of each operation, that of a list with a cursor."""
    for name, found in operations():
        operation = found.at("c") if isinstance(found, Listing) else found
        yield name, operation.request


def _sample(module: ModuleType, function: str, parameter: str) -> Any:
    if function == "list_jobs" and parameter == "workflow":
        return "01JD3V8Q5S2Y6W9K4M7N0P1R2T"
    return (
        True
        if parameter in ("downstream", "dry_run", "overdue", "straggler")
        else SAMPLES.get(parameter, "x")
    )
