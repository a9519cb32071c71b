"""Lists one group of jobs over all pools and shards, page by page, with a cursor to the next page.

A stream is one shard of one pool in the index. The cursor remembers the place in each stream. READY jobs change lanes
while they are listed, so their listing goes by rank instead (`ready_listing`). A client sends the cursor back,
so everything in it is checked.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tidegate.domain import limits
from tidegate.domain.states import TERMINAL, Group, State, group_of
from tidegate.ports import IndexEntry
from tidegate.usecases.pools.earlier_pools import listed_pools
from tidegate.usecases.read import cursors
from tidegate.usecases.read.ready_listing import Lane, ReadyPage, ReadyPosition, list_ready
from tidegate.usecases.services import Services

Shard = tuple[str, int]  # of a pool

_LANE_CHARACTERS = 256
_SORT = re.compile("-?[0-9]{1,38}")  # the numbers that the index can hold
_ENDED = frozenset(group_of(state) for state in TERMINAL)


class Listing(Protocol):
    """A page of entries in the group's order, with a cursor behind any of them."""

    @property
    def entries(self) -> list[IndexEntry]:
        """The entries of the page."""

    def cursor_behind(self, count: int) -> str | None:
        """Returns the cursor behind the first `count` entries; None at the end of the listing."""


@dataclass(frozen=True, slots=True)
class Position:
    """The place where a listing continues.

    `pool` narrows the listing to one pool; None lists all. `streams` maps each stream to the last entry that was
    listed, None for none. `ready` is the place of a listing of READY jobs. `shards` and `pools` are those of the
    deployment when the listing began: a stream that was added later has not been listed yet.
    """

    group: Group
    pool: str | None
    shards: int
    pools: tuple[str, ...]
    streams: Mapping[Shard, IndexEntry | None]
    ready: ReadyPosition

    @staticmethod
    def read(services: Services, state: State, pool: str | None, cursor: str | None) -> Position:
        """Returns the position of a client's cursor, or the start if `cursor` is None.

        Raises InvalidRequest for an unknown pool, or for a cursor that is malformed or of another listing.
        """
        listed = tuple(listed_pools(services, pool))
        start = _start(services, group_of(state), pool, listed)
        if cursor is None:
            return start
        with cursors.checked():
            return _continued(start, cursors.read_packed(cursor))


@dataclass(frozen=True, slots=True)
class StreamsListing:
    """A page of a group whose jobs stay in their streams. `unfinished` are the streams that have further entries."""

    position: Position
    found: tuple[tuple[IndexEntry, Shard], ...]
    unfinished: frozenset[Shard]
    limit: int

    @property
    def entries(self) -> list[IndexEntry]:
        """The entries of the page, at most `limit`."""
        return [entry for entry, _ in self.found[: self.limit]]

    def cursor_behind(self, count: int) -> str | None:
        """Returns the cursor behind the first `count` entries; None at the end of the listing."""
        taken, cut_off = self.found[:count], {stream for _, stream in self.found[count:]}
        following = {**self.position.streams, **{stream: entry for entry, stream in taken}}
        remaining = [
            [*stream, *_place(after)]
            for stream, after in following.items()
            if stream in cut_off | self.unfinished
        ]
        at = self.position
        return cursors.packed([at.group, at.pool, at.shards, at.pools, *remaining]) if remaining else None


@dataclass(frozen=True, slots=True)
class RankListing:
    """A page of READY jobs."""

    position: Position
    page: ReadyPage
    limit: int

    @property
    def entries(self) -> list[IndexEntry]:
        """The entries of the page, at most `limit`."""
        return list(self.page.found[: self.limit])

    def cursor_behind(self, count: int) -> str | None:
        """Returns the cursor behind the first `count` entries; None at the end of the listing."""
        at = self.page.position_behind(count)
        if at is None:
            return None
        return cursors.packed(
            [self.position.group, self.position.pool, at.after, at.until, *_place(at.behind)]
        )


def list_group(services: Services, position: Position, limit: int) -> Listing:
    """Reads a page of at most `limit` (1 or more) entries in the group's order, over all streams.

    Ended jobs come latest first, READY jobs by rank, all others oldest first. Raises ServiceUnavailable.
    """
    if position.group is Group.READY:
        return RankListing(position, list_ready(services, position.ready, limit), limit)
    descending = position.group in _ENDED
    pages: list[list[tuple[IndexEntry, Shard]]] = []
    unfinished: set[Shard] = set()
    for (pool, shard), after in position.streams.items():
        page = services.index.page(
            pool, position.group, shard, limit=limit, descending=descending, after=after
        )
        pages.append([(entry, (pool, shard)) for entry in page.entries])
        if page.next is not None:
            unfinished.add((pool, shard))
    sign = -1 if descending else 1
    # The merge keeps the order within each stream, so a stream continues behind its last entry on the page.
    found = heapq.merge(*pages, key=lambda item: sign * item[0].sort)
    return StreamsListing(position, tuple(found), frozenset(unfinished), limit)


def _start(services: Services, group: Group, pool: str | None, listed: tuple[str, ...]) -> Position:
    shards = services.index.shards
    streams = {(each, shard): None for each in listed for shard in range(shards)}
    return Position(group, pool, shards, listed, streams, ReadyPosition(listed))


def _continued(start: Position, plain: Sequence[Any]) -> Position:
    """Reads the position from a cursor's content. Raises an error that `checked` catches for one of another listing."""
    group, pool, *rest = plain
    if group != start.group or pool != start.pool:
        raise ValueError("of another listing")
    if start.group is Group.READY:
        after, until, *behind = rest
        ready = ReadyPosition(
            start.pools, _entry(behind), _lane(start.pools, after), _lane(start.pools, until)
        )
        return Position(start.group, start.pool, start.shards, start.pools, {}, ready)
    shards, pools, *marks = rest
    if type(shards) is not int or not isinstance(pools, list) or not all(map(_is_text, pools)):
        raise TypeError(rest)
    marked = {(str(pool), shard): _entry(place) for pool, shard, *place in marks}
    if len(marked) != len(marks) or not marked.keys() <= start.streams.keys():
        raise ValueError("names a stream twice, or an unknown one")
    # Shards and pools that were added since the listing began are listed from their beginning.
    new = {(pool, shard): None for pool, shard in start.streams if pool not in pools or shard >= shards}
    return Position(
        start.group, start.pool, start.shards, start.pools, {**new, **marked}, ReadyPosition(start.pools)
    )


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


def _place(entry: IndexEntry | None) -> list[str]:
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
