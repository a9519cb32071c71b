"""Reads all ends of a pool in a time that has settled: from the index, and the kept ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tidegate.domain.states import TERMINAL, Group, group_of
from tidegate.domain.statistics.ended import EndedJob, EndPlace
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.services import Services

ENDS_PER_PAGE: Final = 500
PAGES_PER_RUN: Final = 60  # of one pool's index, beyond the first page of each shard; as many of kept ends
_GROUPS: Final = tuple(sorted(group_of(state) for state in TERMINAL))


@dataclass(slots=True)
class _Shard:
    """One shard of a terminal group. All its ends before `known_ms` have been read."""

    group: Group
    number: int
    known_ms: int
    after: EndPlace | None = None


@dataclass(frozen=True, slots=True)
class SettledEnds:
    """The ends of a pool. No portion of a read begins after `until`."""

    services: Services
    pool: str
    until: Deadline = NEVER

    def oldest_ms(self, to_ms: int) -> int | None:
        """Returns the time of the oldest end in the index before `to_ms`, None where there is none."""
        pages = [
            self.services.index.ended(self.pool, shard.group, shard.number, from_ms=0, to_ms=to_ms, limit=1)
            for shard in self._shards(0)
        ]
        return min((end.ended_at_ms for page in pages for end in page.entries), default=None)

    def between(self, from_ms: int, to_ms: int) -> tuple[list[EndedJob], int]:
        """Returns all ends from `from_ms` on and before a time, and that time, which is `to_ms` or earlier."""
        found, to_ms = self._ends_of_index(from_ms, to_ms)
        if from_ms >= to_ms:
            return [], from_ms
        # Kept ends are read behind the index, because an end is kept before it leaves the index.
        kept, to_ms = self._kept_ends(from_ms, to_ms)
        ends = {(end.job_id, end.ended_at_ms): end for end in (*found, *kept) if end.ended_at_ms < to_ms}
        return [*ends.values()], to_ms

    def _shards(self, from_ms: int) -> list[_Shard]:
        return [
            _Shard(group, number, from_ms)
            for group in _GROUPS
            for number in range(self.services.index.shards)
        ]

    def _ends_of_index(self, from_ms: int, to_ms: int) -> tuple[list[EndedJob], int]:
        """Returns ends from `from_ms` on, and the time before which they are all, `to_ms` if there was time for it.

        Always reads the shard that is known least far. If more ends are of one millisecond than a run may read, those
        beyond are left out, because no later run could tell them apart.
        """
        ends: list[EndedJob] = []
        shards = self._shards(from_ms)
        for shard in shards:
            if self.until.is_over():  # nothing is known of this shard, so a later run begins here again
                return [], from_ms
            self._read(shard, ends, from_ms, to_ms)
        for _ in range(PAGES_PER_RUN):
            least = min(shards, key=lambda shard: shard.known_ms)
            if least.known_ms >= to_ms or self.until.is_over():
                return ends, least.known_ms
            self._read(least, ends, from_ms, to_ms)
        return ends, max(from_ms + 1, min(shard.known_ms for shard in shards))

    def _read(self, shard: _Shard, ends: list[EndedJob], from_ms: int, to_ms: int) -> None:
        page = self.services.index.ended(
            self.pool,
            shard.group,
            shard.number,
            from_ms=from_ms,
            to_ms=to_ms,
            limit=ENDS_PER_PAGE,
            after=shard.after,
        )
        ends += page.entries
        shard.after = page.next
        shard.known_ms = page.next.ended_at_ms if page.next else to_ms

    def _kept_ends(self, from_ms: int, to_ms: int) -> tuple[list[EndedJob], int]:
        """Returns kept ends from `from_ms` on, and the time before which they are all."""
        ends: list[EndedJob] = []
        after: EndPlace | None = None
        for _ in range(PAGES_PER_RUN):
            page = self.services.kept_ends.page(self.pool, from_ms, to_ms, limit=ENDS_PER_PAGE, after=after)
            ends += page.entries
            after = page.next
            if after is None:
                return ends, to_ms
            if self.until.is_over():
                return ends, after.ended_at_ms
        return ends, to_ms if after is None else max(from_ms + 1, after.ended_at_ms)
