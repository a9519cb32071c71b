"""The course of each attempt in a simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tidegate.domain.job import Json
from tidegate.ports import Assignment, Outcome, OutcomeKind


class Fate(StrEnum):
    """The fate of the worker during an attempt."""

    WORKS = "WORKS"
    DIES = "DIES"  # silently: no more heartbeats, no outcome, the message is not acknowledged
    STALLS = "STALLS"  # no heartbeats, but it reports the outcome at the end, perhaps long after its lease
    HANDS_BACK = "HANDS_BACK"  # it stops: a drain, a scale-in, a Spot interruption with its notice
    NEVER_BEGINS = "NEVER_BEGINS"  # it had claimed the job ahead, and hands it back unbegun


@dataclass(frozen=True, slots=True)
class Course:
    """One attempt: its duration, and its outcome unless the worker dies.

    It waits for `ahead_ms` after its claim before its code begins.
    """

    duration_ms: int
    outcome: Outcome
    fate: Fate = Fate.WORKS
    ahead_ms: int = 0


Scenario = Callable[[Assignment], Course]


def succeeds(duration_ms: int, result: Json = None) -> Course:
    """Returns the course of an attempt that succeeds."""
    return Course(duration_ms, Outcome(OutcomeKind.SUCCEEDED, result))


def fails(duration_ms: int, *, retryable: bool = True) -> Course:
    """Returns the course of an attempt that fails by its own error."""
    outcome = Outcome(OutcomeKind.FAILED, code="broken", message="it broke", retryable=retryable)
    return Course(duration_ms, outcome)


def dies(duration_ms: int) -> Course:
    """Returns the course of an attempt whose worker dies in its midst."""
    return Course(duration_ms, Outcome(OutcomeKind.LOST), Fate.DIES)


def stalls(course: Course, stalled_ms: int) -> Course:
    """Returns the course of an attempt that falls silent for `stalled_ms` before it ends as `course` says."""
    return Course(course.duration_ms + stalled_ms, course.outcome, Fate.STALLS)


def hands_back(duration_ms: int) -> Course:
    """Returns the course of an attempt that its worker hands back."""
    return Course(duration_ms, Outcome(OutcomeKind.HANDED_BACK), Fate.HANDS_BACK)


def never_begins(ahead_ms: int) -> Course:
    """Returns the course of an attempt that is claimed ahead and handed back after `ahead_ms`, unbegun."""
    return Course(0, Outcome(OutcomeKind.HANDED_BACK), Fate.NEVER_BEGINS, ahead_ms)
