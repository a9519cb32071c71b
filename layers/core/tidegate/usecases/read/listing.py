"""Listings over all pools and shards of one group of jobs, with a cursor that says where the next page begins.

A page asks a bounded number of streams of the index. READY jobs move between lanes, so their listing goes by rank
(usecases.ready_listing); the other groups' cursor remembers each stream. A cursor comes from outside, so all that it
holds is checked.
"""

from __future__ import annotations

import base64
import heapq
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.states import TERMINAL, Group, State, group_of
from tidegate.ports import IndexEntry
from tidegate.usecases.pools.earlier_pools import listed_pools
from tidegate.usecases.read.ready_listing import (
    Lane,
    ReadyPage,
    ReadyPosition,
    list_ready,
)
from tidegate.usecases.services import Services

Shard = tuple[str, int]  # of a pool

_CURSOR_CHARACTERS = 16_384
_CURSOR_BYTES = 65_536  # unpacked
_LANE_CHARACTERS = 256
_SORT = re.compile("-?[0-9]{1,38}")  # what the index can hold
_ENDED = frozenset(group_of(state) for state in TERMINAL)
_BAD_CURSOR = (
    "is not a cursor of this listing; leave it out to start over, or pass on what the last page gave"
)


class Listing(Protocol):
    """A page of entries in the group's order, and where a listing goes on behind any of them."""

    @property
    def entries(self) -> list[IndexEntry]:
        """The entries of the page."""

    def cursor_behind(self, count: int) -> str | None:
        """The cursor behind the first `count` entries (None at the end)."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a listing goes on that `pool` narrows, None for all: behind a place in each of `streams`, or among ranks.

    `shards` and `pools` are those that the listing began with. A stream that came since has not been listed.
    """

    group: Group
    pool: str | None
    shards: int
    pools: tuple[str, ...]
    streams: Mapping[Shard, IndexEntry | None]
    ready: ReadyPosition

    @staticmethod
    def read(services: Services, state: State, pool: str | None, cursor: str | None) -> Position:
        """The position that a client's cursor stands for; the start where there is none. Raises InvalidRequest."""
        listed = tuple(listed_pools(services, pool))
        start = _start(services, group_of(state), pool, listed)
        if cursor is None:
            return start
        try:
            return _continued(start, _unpacked(cursor))
        except (ValueError, TypeError, KeyError, RecursionError, zlib.error) as error:
            raise InvalidRequest.of("cursor", _BAD_CURSOR) from error


@dataclass(frozen=True, slots=True)
class StreamsListing:
    """A page of a group whose jobs stay in their streams; `unfinished` of those have more than was read."""

    position: Position
    found: tuple[tuple[IndexEntry, Shard], ...]
    unfinished: frozenset[Shard]
    limit: int

    @property
    def entries(self) -> list[IndexEntry]:
        """The entries of the page, at most `limit`."""
        return [entry for entry, _ in self.found[: self.limit]]

    def cursor_behind(self, count: int) -> str | None:
        """The cursor behind the first `count` entries (None at the end)."""
        taken, cut_off = self.found[:count], {stream for _, stream in self.found[count:]}
        following = {**self.position.streams, **{stream: entry for entry, stream in taken}}
        remaining = [
            [*stream, *_place(after)]
            for stream, after in following.items()
            if stream in cut_off | self.unfinished
        ]
        at = self.position
        return _packed([at.group, at.pool, at.shards, at.pools, *remaining]) if remaining else None


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
        """The cursor behind the first `count` entries (None at the end)."""
        at = self.page.position_behind(count)
        if at is None:
            return None
        return _packed([self.position.group, self.position.pool, at.after, at.until, *_place(at.behind)])


def list_group(services: Services, position: Position, limit: int) -> Listing:
    """Reads at most `limit` entries over all streams in the group's order."""
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
    # A merge keeps each stream's own order among equals, so the last entry taken of it is where it goes on.
    found = heapq.merge(*pages, key=lambda item: sign * item[0].sort)
    return StreamsListing(position, tuple(found), frozenset(unfinished), limit)


def _start(services: Services, group: Group, pool: str | None, listed: tuple[str, ...]) -> Position:
    shards = services.index.shards
    streams = {(each, shard): None for each in listed for shard in range(shards)}
    return Position(group, pool, shards, listed, streams, ReadyPosition(listed))


def _continued(start: Position, plain: Sequence[Any]) -> Position:
    """Reads the position off a cursor; raises what `read` catches where it is none of this listing."""
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
        raise ValueError("names a stream twice, or one that there is not")
    # Shards and pools that a deployment added since the listing began are listed from their own beginning.
    new = {(pool, shard): None for pool, shard in start.streams if pool not in pools or shard >= shards}
    return Position(
        start.group, start.pool, start.shards, start.pools, {**new, **marked}, ReadyPosition(start.pools)
    )


def _packed(plain: Sequence[Any]) -> str:
    packed = zlib.compress(json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode())
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _unpacked(cursor: str) -> Sequence[Any]:
    if len(cursor) > _CURSOR_CHARACTERS:
        raise ValueError("too long")
    packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    unpacked = zlib.decompressobj().decompress(packed, _CURSOR_BYTES + 1)
    if len(unpacked) > _CURSOR_BYTES:
        raise ValueError("too large")
    plain = json.loads(unpacked)
    if not isinstance(plain, list):
        raise TypeError(plain)
    return plain


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _lane(pools: Sequence[str], plain: Any) -> Lane | None:
    if plain is None:
        return None
    pool, lane = plain
    if pool not in pools or not isinstance(lane, str) or not 0 < len(lane) <= _LANE_CHARACTERS:
        raise ValueError(plain)
    lane.encode()  # half a character is none that the registry can be asked for
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
