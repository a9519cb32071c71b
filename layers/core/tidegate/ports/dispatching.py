"""What dispatchers keep between their runs: the lanes that jobs wait in, permits, and who fills a pool's window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tidegate.domain.dispatch_plan import DEFAULT_WEIGHT
from tidegate.domain.permits import Permit


@dataclass(frozen=True, slots=True)
class KnownLane:
    """A lane of a pool, its share's `weight` (1 or more), and when it was last noted (ms).

    While it is `resting`, none of its share's jobs is READY or dispatched, so that no dispatcher looks into it.
    """

    lane: str
    weight: int
    noted_at_ms: int
    resting: bool = False


class LaneRegistry(Protocol):
    """The lanes of each pool beside its main lane. A lane is noted before a job goes there."""

    def list_lanes(self, pool: str, *, limit: int, before: str | None = None) -> tuple[KnownLane, ...]:
        """At most `limit` lanes of a pool, the last by name first; may be a little old.

        With `before` only lanes whose name comes before that one, so that a caller can go on where a list ended.

        So shares and types, of which there are few, come before keys.
        """

    def note(self, pool: str, lane: str, *, weight: int = DEFAULT_WEIGHT, now_ms: int) -> None:
        """Notes a lane, or that it is in use still; one that rests is awake again.

        The weight is that of a new or resting lane. One that is awake keeps the weight that it has.
        """

    def rest_if_not_noted_since(self, pool: str, lane: str, *, noted_at_ms: int) -> bool:
        """Lets a lane rest that was last noted at this time; False where it was noted again, rests, or is gone."""

    def forget_if_not_noted_since(self, pool: str, lane: str, *, noted_at_ms: int) -> bool:
        """Removes a lane that was last noted at this time; False where it was noted again, or is gone."""


class Permits(Protocol):
    """Who may be dispatched under a bound that must hold strictly: a set of holders for each permit."""

    def take_if_free(self, permit: str, holder: str, *, limit: int, now_ms: int) -> bool:
        """Adds a holder where fewer than `limit` (1-100) others are; True also where it was one before."""

    def take_under_least(self, permit: str, holder: str, *, limit: int, now_ms: int) -> bool:
        """Adds a holder (`domain.permits.asking`) that asks for `limit` (1-100), where there is room for it.

        The least limit that it, any other holder, or a job that is noted as waiting asked for must hold afterwards.
        True also where it was a holder before.
        """

    def note_waiting(self, permit: str, limit: int, *, now_ms: int) -> None:
        """Notes that a job waits which asks for `limit`; the least that is noted holds, and any note renews it."""

    def set_waiting_if_not_noted_since(self, permit: str, limit: int | None, *, noted_at_ms: int) -> bool:
        """Sets the least limit that a job waits with, None for nobody; False where one was noted after that time."""

    def give_back(self, permit: str, holders: Sequence[str]) -> None:
        """Takes holders (at least one) off; no error where they are none."""

    def standing(self, permit: str) -> Permit:
        """Reads consistently who holds the permit and which limit waits for it."""


class DispatchLeases(Protocol):
    """One dispatcher at a time fills a pool's window, where several may run."""

    def take_if_free(self, pool: str, owner: str, *, now_ms: int, until_ms: int) -> bool:
        """Takes the lease until a time (ms); False where another has it, who will learn that it was asked for."""

    def release_if_not_asked(self, pool: str, owner: str, *, until_ms: int) -> bool:
        """Gives the lease back; True also where it is another's by now.

        False where another asked for it meanwhile: the owner keeps it, until `until_ms` from now on, and goes again.
        """

    def release(self, pool: str, owner: str) -> None:
        """Gives the lease back, whoever asked; no error where it is another's by now."""
