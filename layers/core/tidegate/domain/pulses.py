"""Pulses: when each part that nobody calls last did its work, and whether that means that it works.

Two schedules and two readers of a stream wake functions. Each of these parts stores a pulse, which is the time of its
last work. A schedule without a recent pulse is dead. A reader without one may only have had nothing to read, so it
counts as dead only where a change is known that it should have read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Part(StrEnum):
    """A part of the system that nobody calls."""

    DISPATCHER = "dispatcher"  # the schedule of the dispatcher's ticks
    REAPER = "reaper"  # the schedule of the reaper
    RELEASE = "release"  # the dispatcher, as a reader of the stream of Jobs
    RECORD = "record"  # the recorder, as a reader of the stream of Jobs


SCHEDULES = (Part.DISPATCHER, Part.REAPER)
READERS = (Part.RELEASE, Part.RECORD)

EVERY_SECONDS = 120
"""The time between two pulses of a part that works all the time."""

# A process stores no pulse within this time of its last one. Schedules come once a minute and not to the millisecond,
# so theirs is half a minute shorter: it lets every second run through.
PAUSES_MS: Mapping[Part, int] = MappingProxyType(
    {part: EVERY_SECONDS * 1_000 - (30_000 if part in SCHEDULES else 0) for part in Part}
)
DEAD_AFTER_MS = 300_000  # without a pulse: two pulses are missing, and a minute is for slow runs
READ_WITHIN_MS = 60_000  # a younger change may still be on its way to its reader
# A reader without any pulse is new, or dead from the start. Only changes of this time are known to be from after the
# deployment that began to store pulses.
UNSEEN_MS = 900_000


@dataclass(frozen=True, slots=True)
class Life:
    """A part's last pulse and what it means.

    `last_at_ms` is in milliseconds since the epoch, None without any pulse. `is_idle` is said of a reader whose last
    pulse is old although no change is known that it missed.
    """

    part: Part
    last_at_ms: int | None
    is_alive: bool
    is_idle: bool = False


def is_recent(last_at_ms: int | None, now_ms: int) -> bool:
    """Tells whether a pulse at `last_at_ms` shows by itself that its part works at `now_ms`."""
    return last_at_ms is not None and last_at_ms >= now_ms - DEAD_AFTER_MS


def life_of_schedule(part: Part, last_at_ms: int | None, *, now_ms: int) -> Life:
    """Returns the life of a schedule, which is alive only with a recent pulse."""
    return Life(part, last_at_ms, is_recent(last_at_ms, now_ms))


def life_of_reader(part: Part, last_at_ms: int | None, *, change_at_ms: int | None, now_ms: int) -> Life:
    """Returns the life of a reader, of which `change_at_ms` is the latest known change that it should have read.

    That change must be older than `READ_WITHIN_MS`; None where no change is known. A reader that has read it has a
    pulse that is at most one pause older, and half a minute is for clocks that differ.
    """
    if is_recent(last_at_ms, now_ms):
        return Life(part, last_at_ms, is_alive=True)
    read_to_ms = now_ms - UNSEEN_MS if last_at_ms is None else last_at_ms + PAUSES_MS[part] + 30_000
    is_alive = change_at_ms is None or change_at_ms <= read_to_ms
    return Life(part, last_at_ms, is_alive, is_idle=is_alive)
