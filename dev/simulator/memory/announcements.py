"""The announcements of job types in memory."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.announcements import Announcement
from tidegate.ports import AnnouncedTypes


class MemoryTypeAnnouncements:
    """Keeps announcements in a `MemoryWorld`; see ports.TypeAnnouncements."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world

    def load(self) -> AnnouncedTypes:
        """Returns the announcements."""
        self._world.charge("load_announced_types")
        with self._world.lock:
            return AnnouncedTypes(dict(sorted(self._world.announced.items())))

    def announce_if_later(self, announcement: Announcement) -> bool:
        """Stores an announcement unless another one stands that says the same, or is of a worker that started later."""
        self._world.charge("announce_type")
        with self._world.lock:
            standing = self._world.announced.get(announcement.type)
            stands = standing is not None and standing.stands(announcement.announced_at_ms)
            if standing is not None and stands:
                is_same = standing.digest == announcement.digest
                if is_same or standing.started_at_ms >= announcement.started_at_ms:
                    return False
            self._world.announced[announcement.type] = announcement
            return True

    def renew_if_standing(self, job_type: str, digest: str, seen_at_ms: int) -> bool:
        """Stores that a worker has the type as the standing announcement with this digest says."""
        self._world.charge("renew_type")
        with self._world.lock:
            standing = self._world.announced.get(job_type)
            if standing is None or standing.digest != digest or standing.seen_at_ms >= seen_at_ms:
                return False
            self._world.announced[job_type] = replace(standing, seen_at_ms=seen_at_ms)
            return True
