"""Adds up the AWS requests and capacity units of a run, from the logs of functions and worker processes."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidegate_devstack.model import CLIENT_CONFIG, StackInfo

LOG_GROUPS = {
    "api": "ApiLogGroupName",
    "dispatcher": "DispatcherLogGroupName",
    "worker function": "WorkerLogGroupName",
    "reaper": "ReaperLogGroupName",
}
WORKER_PROCESS = "worker process"
_WINDOW_MS = 60_000
_MAX_WINDOWS = 240
_SETTLE_TRIES = 6
_SETTLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """Requests by `service.Operation`, and DynamoDB capacity units. `reports` counts the log lines read."""

    requests: Mapping[str, int] = field(default_factory=dict)
    write_units: float = 0.0
    read_units: float = 0.0
    reports: int = 0

    @property
    def request_count(self) -> int:
        """Returns the number of all requests."""
        return sum(self.requests.values())

    def __add__(self, other: UsageTotals) -> UsageTotals:
        return UsageTotals(
            dict(Counter(self.requests) + Counter(other.requests)),
            self.write_units + other.write_units,
            self.read_units + other.read_units,
            self.reports + other.reports,
        )

    def as_json(self) -> dict[str, Any]:
        """Returns the figures as they stand in the report's JSON."""
        return {
            "requests": dict(sorted(self.requests.items())),
            "request_count": self.request_count,
            "write_units": round(self.write_units, 3),
            "read_units": round(self.read_units, 3),
        }


Usage = Mapping[str, UsageTotals]
"""By part: api, dispatcher, worker function, reaper, worker process."""


def total_of(usage: Usage) -> UsageTotals:
    """Returns the sum over all parts."""
    return sum(usage.values(), UsageTotals())


def read_usage(lines: Iterable[str]) -> UsageTotals:
    """Adds up the `usage` reports among log lines. Other lines are skipped."""
    total = UsageTotals()
    for line in lines:
        report = _report_in(line)
        if report is not None:
            total += report
    return total


def collect_usage(stack: StackInfo, since_ms: int, until_ms: int, worker_logs: Sequence[Path] = ()) -> Usage:
    """Returns the usage that the functions of `stack` logged between two times, by part.

    `since_ms` and `until_ms` are in milliseconds since the epoch; `until_ms` itself is excluded. `worker_logs` are
    log files of worker processes. All usage in them is added, whatever its time.

    Raises botocore's errors if the stack's logs can't be read, and OSError if a log file can't.
    """
    client = stack.session().client("logs", endpoint_url=stack.endpoint_url, config=CLIENT_CONFIG)
    window_ms = max(_WINDOW_MS, (until_ms - since_ms) // _MAX_WINDOWS + 1)
    found: dict[str, UsageTotals] = {}
    for part, output in LOG_GROUPS.items():
        total = UsageTotals()
        # Short spans: an answer holds at most 10,000 events, and some emulators give no token for the rest.
        for start_ms in range(since_ms, until_ms, window_ms):
            pages = client.get_paginator("filter_log_events").paginate(
                logGroupName=stack.outputs[output],
                startTime=start_ms,
                endTime=min(start_ms + window_ms, until_ms) - 1,
                filterPattern='{ $.message = "usage" }',
            )
            total += read_usage(event["message"] for page in pages for event in page["events"])
        found[part] = total
    processes = UsageTotals()
    for path in worker_logs:
        processes += read_usage(path.read_text(encoding="utf-8", errors="replace").splitlines())
    found[WORKER_PROCESS] = processes
    return found


def collect_settled(
    stack: StackInfo,
    since_ms: int,
    worker_logs: Sequence[Path] = (),
    *,
    now_ms: Callable[[], int] = lambda: int(time.time() * 1_000),
    sleep: Callable[[float], None] = time.sleep,
) -> Usage:
    """Returns the usage from `since_ms` until now. It reads the logs again until they bring no new reports.

    That is needed because a function logs its report after its last write to the table. `now_ms` (milliseconds since
    the epoch) and `sleep` (seconds) are for tests.
    """
    before = -1
    usage: Usage = {}
    for _ in range(_SETTLE_TRIES):
        usage = collect_usage(stack, since_ms, now_ms(), worker_logs)
        reports = total_of(usage).reports
        if reports == before:
            break
        before = reports
        sleep(_SETTLE_SECONDS)
    return usage


def _report_in(line: str) -> UsageTotals | None:
    start = line.find("{")
    if start < 0:
        return None
    try:
        entry = json.loads(line[start:])
    except ValueError:
        return None
    if not isinstance(entry, dict) or entry.get("message") != "usage":
        return None
    usage = entry.get("usage")
    if not isinstance(usage, dict):
        return None
    requests = usage.get("requests")
    return UsageTotals(
        {str(name): int(count) for name, count in requests.items()} if isinstance(requests, dict) else {},
        float(usage.get("write_units") or 0.0),
        float(usage.get("read_units") or 0.0),
        1,
    )
