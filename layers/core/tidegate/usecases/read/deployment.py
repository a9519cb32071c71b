"""Says whether the parts of the deployment that nobody calls still work, and which pools are paused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tidegate.domain.progress import place_of
from tidegate.domain.pulses import (
    READ_WITHIN_MS,
    READERS,
    SCHEDULES,
    Life,
    Part,
    is_recent,
    life_of_reader,
    life_of_schedule,
)
from tidegate.domain.states import Group
from tidegate.ports import IndexEntry
from tidegate.usecases.services import Services

_NEWEST = 10  # entries of each shard; the latest job of a workflow may stand behind jobs without one


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """The lives of the schedules and of the streams' readers, and by name whether each deployed pool is paused."""

    schedules: tuple[Life, ...]
    readers: tuple[Life, ...]
    paused: dict[str, bool]

    @property
    def is_healthy(self) -> bool:
        """True if every part is alive."""
        return all(life.is_alive for life in (*self.schedules, *self.readers))


def deployment_status(services: Services, *, now_ms: int) -> DeploymentStatus:
    """Returns the status of the deployment at `now_ms`.

    Costs two reads, of the pulses and of the rules. Where a reader left no recent pulse, it also costs a query of the
    index for each pool and shard, which looks for the job that succeeded last: a reader that works has read of it.
    Raises ServiceUnavailable.
    """
    pulses = services.pulses.load()
    rules = services.rules.load()
    is_quiet = not all(is_recent(pulses.get(part), now_ms) for part in READERS)
    ended = _last_ended(services, now_ms - READ_WITHIN_MS) if is_quiet else ()
    read_of = {
        Part.RELEASE: _latest(ended),
        Part.RECORD: _latest(entry for entry in ended if place_of(entry.job_id) is not None),
    }
    return DeploymentStatus(
        tuple(life_of_schedule(part, pulses.get(part), now_ms=now_ms) for part in SCHEDULES),
        tuple(
            life_of_reader(part, pulses.get(part), change_at_ms=read_of[part], now_ms=now_ms)
            for part in READERS
        ),
        {pool: rules.is_paused(pool) for pool in sorted(services.settings.pools)},
    )


def _last_ended(services: Services, up_to_ms: int) -> tuple[IndexEntry, ...]:
    """Returns the entries of the jobs that were the last to succeed in each pool and shard, up to `up_to_ms`."""
    return tuple(
        entry
        for pool in sorted(services.settings.pools)
        for page in services.index.first_pages(
            pool, Group.SUCCEEDED, limit=_NEWEST, descending=True, up_to=up_to_ms
        ).values()
        for entry in page.entries
    )


def _latest(entries: Iterable[IndexEntry]) -> int | None:
    return max((entry.sort for entry in entries), default=None)
