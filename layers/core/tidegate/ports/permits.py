"""The port for the permits of concurrency keys and of type limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tidegate.domain.permits import Permit


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

    def standing_of(self, permits: Sequence[str]) -> Mapping[str, Permit]:
        """Returns many permits (0-100), by name, as `standing` does. One that nobody ever took is empty."""
