"""Requests about timetables, whose shape has been checked, and what they make of a timetable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate.domain.amendments import KEPT, Kept
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.timetables.timetable import (
    Cron,
    Every,
    Missed,
    Overlap,
    Recurrence,
    SubmissionKind,
)

_SECOND_MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRecurrence:
    """The recurrence that a caller named: a cron expression with a zone, or seconds with an anchor. None is not given.

    `anchor_ms` is in milliseconds since the epoch.
    """

    cron: str | None = None
    zone: str | None = None
    every_seconds: int | None = None
    anchor_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTemplate:
    """The job or workflow that a timetable is to submit, as its caller sent it."""

    kind: SubmissionKind
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimetableChange:
    """The new values of a timetable, or all values of a new one. `KEPT` leaves a value as it is, None takes it off.

    Times are in milliseconds since the epoch.
    """

    recurrence: AskedRecurrence = field(default_factory=AskedRecurrence)
    template: AskedTemplate | None = None
    name: str | Kept | None = KEPT
    start_ms: int | Kept | None = KEPT
    end_ms: int | Kept | None = KEPT
    jitter_seconds: int | Kept = KEPT
    missed: Missed | Kept = KEPT
    grace_seconds: int | Kept = KEPT
    overlap: Overlap | Kept = KEPT

    def plain(self) -> dict[str, Any]:
        """Returns the values that are given beside the recurrence and the template, by the fields of Timetable."""
        names = ("name", "start_ms", "end_ms", "jitter_seconds", "missed", "grace_seconds", "overlap")
        return {name: value for name in names if (value := getattr(self, name)) is not KEPT}


def recurrence_from(asked: AskedRecurrence, standing: Recurrence | None, now_ms: int) -> Recurrence:
    """Returns the recurrence that a caller asked for; what it does not name stays as in `standing`.

    An anchor that nobody named is the second at `now_ms`, a zone is UTC. Raises InvalidRequest where the fields do not
    fit together.
    """
    if asked.cron is not None and asked.every_seconds is not None:
        raise InvalidRequest.of("every_seconds", "stands beside cron; give one of the two")
    if asked.cron is not None or (isinstance(standing, Cron) and asked.every_seconds is None):
        if asked.anchor_ms is not None:
            raise InvalidRequest.of("anchor", "is for every_seconds; a cron expression has no anchor")
        kept = standing if isinstance(standing, Cron) else Cron("", "UTC")
        return Cron(asked.cron or kept.expression, asked.zone or kept.zone)
    if asked.every_seconds is None and standing is None:
        raise InvalidRequest.of("cron", "is required, unless every_seconds is given; an example is 0 6 * * *")
    if asked.zone is not None:
        raise InvalidRequest.of("zone", "is for cron; every_seconds counts from its anchor, in no zone")
    every = standing if isinstance(standing, Every) else Every(0, now_ms // _SECOND_MS * _SECOND_MS)
    return Every(
        asked.every_seconds or every.seconds, every.anchor_ms if asked.anchor_ms is None else asked.anchor_ms
    )
