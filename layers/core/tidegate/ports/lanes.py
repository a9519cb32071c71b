"""The port for the lanes that READY jobs wait in beside a pool's main lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tidegate.domain.dispatch_plan import DEFAULT_WEIGHT
from tidegate.domain.shares import ShareRule


@dataclass(frozen=True, slots=True)
class KnownLane:
    """A lane of a pool, the `weight` (1 or more) of its share, and when it was last noted.

    `rule` is None unless an operator made the share. `noted_at_ms` is in milliseconds since the epoch. While the lane
    is `resting`, none of its share's jobs is READY or dispatched, so no dispatcher reads it.
    """

    lane: str
    weight: int
    noted_at_ms: int
    resting: bool = False
    rule: ShareRule | None = None


class LaneRegistry(Protocol):
    """The lanes of each pool beside its main lane. A lane is noted before a job is put into it."""

    def list_lanes(self, pool: str, *, limit: int, before: str | None = None) -> tuple[KnownLane, ...]:
        """Returns at most `limit` lanes of a pool, the last by name first. The list may be a little old.

        With `before` it holds only lanes whose name comes before that one, so that a caller can go on where a list
        ended. The order puts shares and types, of which there are few, before keys.
        """

    def note(self, pool: str, lane: str, *, weight: int = DEFAULT_WEIGHT, now_ms: int) -> None:
        """Notes a new lane, or that a known lane is still in use. A resting lane wakes up.

        The weight is stored for a new or a resting lane. A lane that is awake keeps its weight.
        """

    def rest_if_not_noted_since(self, pool: str, lane: str, *, noted_at_ms: int) -> bool:
        """Puts a lane to rest. Returns False where it was noted after `noted_at_ms`, rests already, or is gone."""

    def forget_if_not_noted_since(self, pool: str, lane: str, *, noted_at_ms: int) -> bool:
        """Removes a lane. Returns False where it was noted after `noted_at_ms`, or is gone."""

    def define(self, pool: str, lane: str, *, weight: int, rule: ShareRule, now_ms: int) -> None:
        """Sets the weight and the rule of a share's lane, whatever it had; notes it as `note` does."""

    def undefine(self, pool: str, lane: str) -> bool:
        """Takes the rule from a share's lane, which keeps its weight. Returns False where it has none."""
