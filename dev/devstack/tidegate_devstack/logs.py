"""Reads the logs of a local stack's functions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from tidegate_devstack import emulator as emulators
from tidegate_devstack.cloud import readable_errors
from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.model import CLIENT_CONFIG, read_info
from tidegate_devstack.places import Places

_OUTPUTS = {
    "api": "ApiLogGroupName",
    "console": "ConsoleLogGroupName",
    "dispatcher": "DispatcherLogGroupName",
    "reaper": "ReaperLogGroupName",
    "recorder": "RecorderLogGroupName",
    "webhooks": "WebhooksLogGroupName",
    "worker": "WorkerLogGroupName",
}
FUNCTIONS = tuple(_OUTPUTS)
"""The names of functions that `logs` accepts."""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a function's log; `time_ms` is milliseconds since the epoch."""

    time_ms: int
    message: str


def logs(function: str, since_seconds: float = 600.0, *, home: Path | None = None) -> tuple[LogEvent, ...]:
    """Returns the log events of a function from the last `since_seconds`, oldest first.

    They are none if the stack was deployed without the function, as without OAuthApi it is without the console.
    `home` is the stack's folder (default: TIDEGATE_HOME, else `.tidegate` in the project). Raises LocalStackError for
    an unknown function, if the stack is not up, or if the emulator fails.
    """
    output = _OUTPUTS.get(function)
    if output is None:
        raise LocalStackError(f"no function {function!r}; functions are {', '.join(FUNCTIONS)}")
    places = Places.find(home)
    info = read_info(places.stack_info)
    if info is None or emulators.find_running(places) is None:
        raise LocalStackError("the local stack is not up: run `tidegate local up`")
    group = info.outputs.get(output)
    if group is None:
        return ()
    client = info.session().client("logs", endpoint_url=info.endpoint_url, config=CLIENT_CONFIG)
    start_ms = int((time.time() - since_seconds) * 1_000)
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=max(start_ms, 0))
    with readable_errors():
        events = [
            LogEvent(time_ms=event["timestamp"], message=event["message"].rstrip("\n"))
            for page in pages
            for event in page["events"]
        ]
    return tuple(sorted(events, key=lambda event: event.time_ms))
