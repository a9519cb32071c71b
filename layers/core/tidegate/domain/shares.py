"""The rule that an operator sets for a share of a pool."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShareRule:
    """The bounds of a share. It has one if an operator made the share, and then submissions may name it.

    `max_priority` (1-1000) is the highest priority of its jobs. `max_waiting` (1-1000) is how many of its jobs may be
    READY in its lane. None sets no bound. `by` is the subject of the operator, `at_ms` the time in milliseconds since
    the epoch.
    """

    max_priority: int | None
    max_waiting: int | None
    by: str
    at_ms: int
