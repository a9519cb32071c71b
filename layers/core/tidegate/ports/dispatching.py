"""Ports for what dispatchers keep between their runs: lanes, permits, and leases on a pool's window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tidegate.domain.dispatch_plan import DEFAULT_WEIGHT
from tidegate.domain.permits import Permit


@dataclass(frozen=True, slots=True)
class KnownLane:
    """A lane of a pool, the `weight` (1 or more) of its share, and when it was last noted.

    `noted_at_ms` is in milliseconds since the epoch.

    While the lane is `resting`, none of its share's jobs is READY or dispatched, so no dispatcher reads it.
    """

    lane: str
    weight: int
    noted_at_ms: int
    resting: bool = False


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


class Permits(Protocol):
    """The permits of bounds that must hold strictly. A permit is a set of holders: the jobs that may be dispatched."""

    def take_if_free(self, permit: str, holder: str, *, limit: int, now_ms: int) -> bool:
        """Adds a holder where fewer than `limit` (1-100) other holders exist.

        Returns True where it is a holder now, also where it was one before.
        """

    def take_under_least(self, permit: str, holder: str, *, limit: int, now_ms: int) -> bool:
        """Adds a holder (`domain.permits.asking`) that asks for `limit` (1-100), where every limit allows one more.

        The limits are those that it, the other holders, and the jobs noted as waiting ask for. Returns True where it is
        a holder now, also where it was one before.
        """

    def note_waiting(self, permit: str, limit: int, *, now_ms: int) -> None:
        """Notes that a waiting job asks for `limit`. The lowest noted limit applies, and each note renews it."""

    def set_waiting_if_not_noted_since(self, permit: str, limit: int | None, *, noted_at_ms: int) -> bool:
        """Sets the lowest limit of the waiting jobs, None where no job waits.

        Returns False where a limit was noted after `noted_at_ms`, in milliseconds since the epoch.
        """

    def give_back(self, permit: str, holders: Sequence[str]) -> None:
        """Removes holders (at least one). A holder that is not there is no error."""

    def standing(self, permit: str) -> Permit:
        """Returns the permit's holders and its waiting limit from a consistent read."""


class DispatchLeases(Protocol):
    """The leases that let one dispatcher at a time fill a pool's window, where several may run."""

    def take_if_free(self, pool: str, owner: str, *, now_ms: int, until_ms: int) -> bool:
        """Takes the lease until `until_ms`, in milliseconds since the epoch.

        Returns False where another owner has it. That owner then learns that this one asked.
        """

    def release_if_not_asked(self, pool: str, owner: str, *, until_ms: int) -> bool:
        """Gives the lease back. Returns True also where it belongs to another owner by now.

        Returns False where another dispatcher asked for it meanwhile. The owner then keeps the lease until `until_ms`
        and dispatches once more.
        """

    def release(self, pool: str, owner: str) -> None:
        """Gives the lease back, whether or not another dispatcher asked. A lease of another owner is no error."""
