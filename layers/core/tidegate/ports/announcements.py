"""The port for the job types that worker processes announce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tidegate.domain.announcements import Announcement


@dataclass(frozen=True, slots=True)
class AnnouncedTypes:
    """The announcements, faded ones included, by type. `unreadable` names the types that can't be decoded.

    `is_all` is False where the bound of one reading left some out.
    """

    by_type: dict[str, Announcement]
    unreadable: tuple[str, ...] = ()
    is_all: bool = True


class TypeAnnouncements(Protocol):
    """The announcements of job types: one for each type."""

    def load(self) -> AnnouncedTypes:
        """Returns the announcements, by one bounded reading. One of the last moment may be missing."""

    def announce_if_later(self, announcement: Announcement) -> bool:
        """Stores an announcement unless another one stands that says the same, or is of a worker that started later.

        One that has faded by then, or is ahead of it, does not stand. Returns whether it did. One that was stored and
        is sent again returns False and changes nothing.
        """

    def renew_if_standing(self, job_type: str, digest: str, seen_at_ms: int) -> bool:
        """Stores that a worker has the type as the standing announcement with this digest says.

        Returns False, and changes nothing, where another description stands, or one that was seen later.
        """
