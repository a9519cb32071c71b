"""A listing over all pools and shards of one group, merged, with a cursor that remembers each of them."""

from __future__ import annotations

import base64
import binascii
import heapq
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.lanes import MAIN, is_sharded
from tidegate.domain.states import TERMINAL, Group, State, group_of
from tidegate.ports import IndexEntry
from tidegate.usecases.lanes import LANES_AT_MOST
from tidegate.usecases.services import Services

Stream = tuple[str, str, int]  # a pool, a lane and a shard

_SORT_DIGITS = 38  # what the index can hold
_LANE_CHARACTERS = 256
_BAD_CURSOR = (
    "is not a cursor of this listing; leave it out to start over, or pass on what the last page gave"
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a listing goes on: for each stream not yet at its end, the entry after which it continues."""

    group: Group
    descending: bool
    streams: Mapping[Stream, IndexEntry | None]

    @staticmethod
    def read(services: Services, state: State, pool: str | None, cursor: str | None) -> Position:
        """The position that a client's cursor stands for; the start where there is none. Raises InvalidRequest."""
        pools = services.settings.pools
        if pool is not None and pool not in pools:
            raise InvalidRequest.of("pool", f"unknown pool {pool!r}; pools are {', '.join(sorted(pools))}")
        group = group_of(state)
        descending = group is Group.READY or state in TERMINAL
        if cursor is None:
            names = [pool] if pool is not None else sorted(pools)
            return Position(group, descending, dict.fromkeys(_streams(services, group, names)))
        of_group, streams = _decode(cursor)
        listed = pools if pool is None else (pool,)
        if of_group != group or any(
            name not in listed or not 0 <= shard < services.index.shards or not _is_storable(lane, after)
            for (name, lane, shard), after in streams.items()
        ):
            raise InvalidRequest.of("cursor", _BAD_CURSOR)
        return Position(group, descending, streams)


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries over all streams in the group's order, and where a listing goes on behind any of them."""

    position: Position
    found: tuple[tuple[IndexEntry, Stream], ...]
    unfinished: frozenset[Stream]
    limit: int

    @property
    def entries(self) -> list[IndexEntry]:
        """The entries of the page, at most `limit`."""
        return [entry for entry, _ in self.found[: self.limit]]

    def cursor_behind(self, count: int) -> str | None:
        """The cursor behind the first `count` entries (None at the end)."""
        taken, cut_off = self.found[:count], {stream for _, stream in self.found[count:]}
        following = {**self.position.streams, **{stream: entry for entry, stream in taken}}
        remaining = {
            stream: after for stream, after in following.items() if stream in cut_off | self.unfinished
        }
        return _encode(self.position.group, remaining) if remaining else None


def list_group(services: Services, position: Position, limit: int) -> Listing:
    """Reads at most `limit` entries over all streams in the group's order."""
    pages: list[list[tuple[IndexEntry, Stream]]] = []
    unfinished: set[Stream] = set()
    for (pool, lane, shard), after in position.streams.items():
        page = services.index.page(
            pool, position.group, shard, limit=limit, descending=position.descending, after=after, lane=lane
        )
        pages.append([(entry, (pool, lane, shard)) for entry in page.entries])
        if page.next is not None:
            unfinished.add((pool, lane, shard))
    sign = -1 if position.descending else 1
    # A merge keeps each stream's own order among equals, so the last entry taken of it is where it goes on.
    found = heapq.merge(*pages, key=lambda item: sign * item[0].sort)
    return Listing(position, tuple(found), frozenset(unfinished), limit)


def _streams(services: Services, group: Group, pools: Iterable[str]) -> Iterator[Stream]:
    for pool in pools:
        lanes = [MAIN]
        if group is Group.READY:
            known = services.lanes.list_lanes(pool, limit=LANES_AT_MOST)
            lanes += [each.lane for each in known if not each.resting]
        for lane in lanes:
            for shard in range(services.index.shards if is_sharded(lane) else 1):
                yield pool, lane, shard


def _is_storable(lane: str, entry: IndexEntry | None) -> bool:
    if len(lane) > _LANE_CHARACTERS:
        return False
    if entry is None:
        return True
    job_id = entry.job_id
    is_key = job_id.isascii() and 0 < len(job_id) <= limits.MAX_JOB_ID_CHARACTERS
    return is_key and abs(entry.sort) < 10**_SORT_DIGITS


def _encode(group: Group, streams: Mapping[Stream, IndexEntry | None]) -> str:
    plain = [
        str(group),
        *(
            [pool, lane, shard, *([str(after.sort), after.job_id] if after else [])]
            for (pool, lane, shard), after in streams.items()
        ),
    ]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[str, dict[Stream, IndexEntry | None]]:
    try:
        group, *plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return str(group), {
            (str(pool), str(lane), int(shard)): IndexEntry(str(after[1]), int(after[0])) if after else None
            for pool, lane, shard, *after in plain
        }
    except (binascii.Error, ValueError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise InvalidRequest.of("cursor", _BAD_CURSOR) from error
