"""The port for the stored statistics of ended jobs: their roll-ups, and how far each pool is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tidegate.domain.statistics.spans import Counted, Reached, Span


class StatisticsStore(Protocol):
    """The store of what the reaper counts.

    A roll-up is only ever put, and putting it again changes nothing. How far a pool is counted decides which times are
    read, so it goes forward under a condition.
    """

    def reached(self, pools: Sequence[str]) -> Mapping[str, Reached]:
        """Returns how far each pool is counted, without those that never were."""

    def advance(self, pool: str, before: Reached | None, after: Reached) -> bool:
        """Stores how far a pool is counted if `before` stands there, None for nothing. Returns whether it did."""

    def put(self, pool: str, span: Span, counted: Counted, *, expires_at_s: int) -> None:
        """Stores a roll-up until `expires_at_s` (seconds since the epoch), over an equal one of the same time."""

    def find(self, pool: str, span: Span, from_ms: int, to_ms: int) -> Sequence[Counted]:
        """Returns the roll-ups of this kind that begin from `from_ms` on and before `to_ms`, by their beginning.

        Reads all of them, also those that were put just before. Times are in milliseconds since the epoch.
        """
