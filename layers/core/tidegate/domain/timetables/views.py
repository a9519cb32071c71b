"""Timetables and their runs as callers see them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tidegate.domain.timetables.timetable import Run, Timetable


class TimetableState(StrEnum):
    """The state of a timetable."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ENDED = "ENDED"  # none of its times is to come


@dataclass(frozen=True, slots=True)
class RunView:
    """A run, with the word of state of the job or workflow that it submitted; None where that is gone or was none."""

    run: Run
    state: str | None = None


@dataclass(frozen=True, slots=True)
class TimetableView:
    """A timetable, its next scheduled time in milliseconds since the epoch (None if none is to come), and its last run.

    A paused timetable has no next time.
    """

    timetable: Timetable
    next_ms: int | None
    last_run: RunView | None = None

    @property
    def state(self) -> TimetableState:
        """The timetable's state."""
        if self.timetable.is_paused:
            return TimetableState.PAUSED
        return TimetableState.ENDED if self.next_ms is None else TimetableState.ACTIVE
