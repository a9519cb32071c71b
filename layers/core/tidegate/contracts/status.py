"""The answer about the status of the deployment: its model and the function that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from typing_extensions import TypedDict

from tidegate.contracts.times import Time, to_wire
from tidegate.domain.pulses import EVERY_SECONDS, Life


class ScheduleOut(TypedDict):
    """A schedule. `last_at` is null before its first run."""

    name: str
    last_at: Time | None
    expected_every_seconds: int
    alive: bool


class StreamOut(TypedDict):
    """A reader of the stream of jobs.

    `idle` is true if it has read nothing lately although no job is known that it missed.
    """

    name: str
    last_at: Time | None
    expected_every_seconds: int
    alive: bool
    idle: bool


class PoolPausedOut(TypedDict):
    """A pool, and whether an operator has paused it."""

    name: str
    paused: bool


class StatusOut(TypedDict):
    """The status of the deployment. `healthy` is true if every schedule and every stream is alive."""

    healthy: bool
    version: str
    schedules: list[ScheduleOut]
    streams: list[StreamOut]
    pools: list[PoolPausedOut]


def status_out(
    schedules: Sequence[Life],
    readers: Sequence[Life],
    paused: Mapping[str, bool],
    *,
    healthy: bool,
    version: str,
) -> StatusOut:
    """Returns the status as clients read it."""
    return {
        "healthy": healthy,
        "version": version,
        "schedules": [_schedule(life) for life in schedules],
        "streams": [{**_schedule(life), "idle": life.is_idle} for life in readers],
        "pools": [{"name": name, "paused": each} for name, each in paused.items()],
    }


def _schedule(life: Life) -> ScheduleOut:
    return {
        "name": life.part,
        "last_at": to_wire(life.last_at_ms),
        "expected_every_seconds": EVERY_SECONDS,
        "alive": life.is_alive,
    }
