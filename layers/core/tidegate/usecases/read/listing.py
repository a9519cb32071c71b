"""Looks at the jobs of a listing, section by section, each in an order that its source has by itself.

A section is some groups of the index over all their pools and shards, the READY jobs, or the jobs of one workflow. A
place in a section is what a cursor stores of it. A client sends the cursor back, so everything in it is checked.

A stream is one shard of one group of one pool in the index. The place of streams remembers the last entry of each.
READY jobs change lanes while they are listed, so their place goes by rank instead (`ready_listing`).
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from tidegate.domain import limits
from tidegate.domain.job import workflow_job_id
from tidegate.domain.rank import first_rank_of
from tidegate.domain.states import Group
from tidegate.ports import IndexEntry
from tidegate.usecases.read.ready_listing import Lane, ReadyPage, ReadyPosition, list_ready
from tidegate.usecases.services import Services

Place = Sequence[Any]  # JSON values; None stands for the beginning, or the end
Stream = tuple[str, int, int]  # a pool, a shard, and the number of a group in its section

_LANE_CHARACTERS = 256
_SORT = re.compile("-?[0-9]{1,38}")  # the numbers that the index can hold
_FULL_PAGES = 250  # up to so many entries are asked of each stream, so that no stream needs a second query


class Looked(Protocol):
    """The entries that were looked at, in the section's order, and the places behind them."""

    @property
    def entries(self) -> Sequence[IndexEntry]:
        """The entries that were looked at."""

    def place_behind(self, count: int) -> Place | None:
        """Returns the place behind the first `count` entries; None at the end of the section."""

    def entries_up_to(self, end: Place | None) -> list[IndexEntry]:
        """Returns the entries that are not behind `end`, a place that an earlier look gave."""


class Section(Protocol):
    """A part of a listing."""

    def check(self, services: Services, place: Place) -> None:
        """Raises an error that `cursors.checked` catches if `place` is none of this section."""

    def look(self, services: Services, place: Place | None, at_most: int) -> Looked:
        """Looks at the entries behind a checked `place`, at most `at_most` (1 or more). Raises ServiceUnavailable."""


# --- groups whose jobs stay in their streams -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StreamsSection:
    """The jobs of some groups (not READY), merged by the moment by which each group is sorted.

    `from_ms` and `to_ms` (inclusive, milliseconds since the epoch) bound that moment; None does not.
    """

    groups: tuple[Group, ...]
    pools: tuple[str, ...]
    descending: bool
    from_ms: int | None = None
    to_ms: int | None = None

    def check(self, services: Services, place: Place) -> None:
        """Checks every part of a place."""
        self._begun(services, place)

    def look(self, services: Services, place: Place | None, at_most: int) -> Looked:
        """Merges the streams; each job that stays in its stream is met once."""
        begun = self._begun(services, place)
        finished: set[Stream] = set()
        needed = at_most + 1  # one more shows whether there is more
        per_query = (
            needed if needed <= _FULL_PAGES else max(_FULL_PAGES, needed * 5 // 4 // max(1, len(begun)))
        )
        sign = -1 if self.descending else 1
        streams = [self._stream(services, stream, begun, finished, per_query) for stream in begun]
        merged = heapq.merge(*streams, key=lambda item: sign * item[0].sort)
        found = list(islice(merged, needed))
        unfinished = frozenset(begun.keys() - finished)
        return _StreamsLooked(self, services.index.shards, begun, tuple(found), unfinished, at_most)

    def _stream(
        self,
        services: Services,
        stream: Stream,
        begun: Mapping[Stream, IndexEntry | None],
        finished: set[Stream],
        per_query: int,
    ) -> Iterator[tuple[IndexEntry, Stream]]:
        """Yields a stream's entries, page by page as they are needed, and notes at its end that it is finished."""
        pool, shard, group = stream
        after: IndexEntry | None = begun[stream] or self._before_first()
        while True:
            page = services.index.page(
                pool,
                self.groups[group],
                shard,
                limit=per_query,
                descending=self.descending,
                after=after,
                up_to=self.to_ms,
            )
            for entry in page.entries:
                if self.from_ms is not None and entry.sort < self.from_ms:
                    if self.descending:
                        finished.add(stream)
                        return
                    continue
                yield entry, stream
            after = page.next
            if after is None:
                finished.add(stream)
                return

    def _before_first(self) -> IndexEntry | None:
        if self.descending or not self.from_ms:
            return None
        return IndexEntry("0", self.from_ms - 1)

    def _begun(self, services: Services, place: Place | None) -> dict[Stream, IndexEntry | None]:
        """Returns the streams that have more, each with the last entry that was met, None for none."""
        shards = services.index.shards
        all_streams: dict[Stream, IndexEntry | None] = {
            (pool, shard, group): None
            for pool in self.pools
            for shard in range(shards)
            for group in range(len(self.groups))
        }
        if place is None:
            return all_streams
        then_shards, then_pools, *marks = place
        if (
            type(then_shards) is not int
            or not isinstance(then_pools, list)
            or not all(map(_is_text, then_pools))
        ):
            raise TypeError(place)
        marked = {(str(pool), shard, group): _entry(at) for pool, shard, group, *at in marks}
        if len(marked) != len(marks) or not marked.keys() <= all_streams.keys():
            raise ValueError("names a stream twice, or an unknown one")
        # Shards and pools that were added since the listing began are listed from their beginning.
        new = {
            stream: None for stream in all_streams if stream[0] not in then_pools or stream[1] >= then_shards
        }
        return {**new, **marked}


@dataclass(frozen=True, slots=True)
class _StreamsLooked:
    section: StreamsSection
    shards: int
    begun: Mapping[Stream, IndexEntry | None]
    found: tuple[tuple[IndexEntry, Stream], ...]
    unfinished: frozenset[Stream]
    at_most: int

    @property
    def entries(self) -> Sequence[IndexEntry]:
        return [entry for entry, _ in self.found[: self.at_most]]

    def place_behind(self, count: int) -> Place | None:
        taken, cut_off = self.found[:count], {stream for _, stream in self.found[count:]}
        following = {**self.begun, **{stream: entry for entry, stream in taken}}
        marks = [
            [*stream, *_mark(after)]
            for stream, after in following.items()
            if stream in cut_off | self.unfinished
        ]
        return [self.shards, list(self.section.pools), *marks] if marks else None

    def entries_up_to(self, end: Place | None) -> list[IndexEntry]:
        if end is None:
            return list(self.entries)
        _, _, *marks = end
        last = {(str(pool), shard, group): _entry(at) for pool, shard, group, *at in marks}
        kept: list[IndexEntry] = []
        behind: set[Stream] = {stream for stream, entry in last.items() if entry is None}
        sign = -1 if self.section.descending else 1
        for entry, stream in self.found[: self.at_most]:
            mark = last.get(stream)
            # The last entry may be gone. Its own place is then known by its moment alone.
            if stream in behind or (mark is not None and sign * entry.sort > sign * mark.sort):
                continue
            kept.append(entry)
            if mark is not None and mark.job_id == entry.job_id:
                behind.add(stream)
        return kept


# --- READY jobs --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadySection:
    """The READY jobs of some pools, most urgent first."""

    pools: tuple[str, ...]

    def check(self, _services: Services, place: Place) -> None:
        """Checks every part of a place."""
        self._position(place)

    def look(self, services: Services, place: Place | None, at_most: int) -> Looked:
        """Goes down the ranks over all lanes; see `ready_listing`."""
        position = ReadyPosition(self.pools) if place is None else self._position(place)
        return _ReadyLooked(self, list_ready(services, position, at_most), at_most)

    def _position(self, place: Place) -> ReadyPosition:
        after, until, *behind = place
        return ReadyPosition(self.pools, _entry(behind), _lane(self.pools, after), _lane(self.pools, until))


@dataclass(frozen=True, slots=True)
class _ReadyLooked:
    section: ReadySection
    page: ReadyPage
    at_most: int

    @property
    def entries(self) -> Sequence[IndexEntry]:
        return self.page.found[: self.at_most]

    def place_behind(self, count: int) -> Place | None:
        at = self.page.position_behind(count)
        return None if at is None else [at.after, at.until, *_mark(at.behind)]

    def entries_up_to(self, end: Place | None) -> list[IndexEntry]:
        last = None if end is None else _entry(end[2:])
        if last is None:  # the end of the section, or of a round over lanes
            return list(self.entries)
        place = first_rank_of(last.sort), last.job_id
        return [entry for entry in self.entries if (first_rank_of(entry.sort), entry.job_id) >= place]


# --- the jobs of a workflow --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkflowSection:
    """The jobs of one workflow, in the order of submission. Its entries carry nothing but the id."""

    workflow_id: str
    job_count: int

    def check(self, _services: Services, place: Place) -> None:
        """Checks that the place is one of the workflow's jobs."""
        (start,) = place
        if type(start) is not int or not 0 <= start < self.job_count:
            raise ValueError(place)

    def look(self, _services: Services, place: Place | None, at_most: int) -> Looked:
        """Names the next jobs by their ids, which costs nothing."""
        start = 0 if place is None else place[0]
        return _WorkflowLooked(self, start, min(start + at_most, self.job_count))


@dataclass(frozen=True, slots=True)
class _WorkflowLooked:
    section: WorkflowSection
    start: int
    stop: int

    @property
    def entries(self) -> Sequence[IndexEntry]:
        ids = (workflow_job_id(self.section.workflow_id, index) for index in range(self.start, self.stop))
        return [IndexEntry(job_id, 0) for job_id in ids]

    def place_behind(self, count: int) -> Place | None:
        at = self.start + count
        return [at] if at < self.section.job_count else None

    def entries_up_to(self, end: Place | None) -> list[IndexEntry]:
        stop = self.section.job_count if end is None else end[0]
        return list(self.entries)[: max(0, stop - self.start)]


# --- what places hold --------------------------------------------------------------------------------


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _lane(pools: Sequence[str], plain: Any) -> Lane | None:
    if plain is None:
        return None
    pool, lane = plain
    if pool not in pools or not isinstance(lane, str) or not 0 < len(lane) <= _LANE_CHARACTERS:
        raise ValueError(plain)
    lane.encode()  # raises for a lone surrogate, which the registry could not be asked for
    return str(pool), lane


def _mark(entry: IndexEntry | None) -> list[str]:
    return [] if entry is None else [str(entry.sort), entry.job_id]


def _entry(plain: Sequence[Any]) -> IndexEntry | None:
    if not plain:
        return None
    sort, job_id = plain
    if not isinstance(sort, str) or not _SORT.fullmatch(sort) or not isinstance(job_id, str):
        raise TypeError(plain)
    if not job_id.isascii() or not 0 < len(job_id) <= limits.MAX_JOB_ID_CHARACTERS:
        raise ValueError(job_id)
    return IndexEntry(job_id, int(sort))
