"""A listing over all pools, lanes and shards of one group, merged, with a cursor that remembers each of them.

A page asks a bounded number of streams. Where a group has more of them, which takes very many lanes, the listing goes
through them in rounds: it is ordered within a round. A cursor comes from outside, so all that it holds is checked.
"""

from __future__ import annotations

import base64
import heapq
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.lanes import MAIN, is_sharded, share_of
from tidegate.domain.states import TERMINAL, Group, State, group_of
from tidegate.ports import IndexEntry
from tidegate.usecases.earlier_pools import listed_pools
from tidegate.usecases.lanes import LANES_AT_MOST
from tidegate.usecases.services import Services

Stream = tuple[str, str, int]  # a pool, a lane and a shard

STREAMS_PER_ROUND = 100  # a query each on every page; more only where the pools' main lanes alone are more
_LANE_BYTES_PER_ROUND = 2_000  # of their names, so that a cursor fits into a request's line
_CURSOR_CHARACTERS = 16_384
_CURSOR_BYTES = 65_536  # unpacked
_LANE_CHARACTERS = 256
_SORT = re.compile("-?[0-9]{1,38}")  # what the index can hold
_ENDED = frozenset(group_of(state) for state in TERMINAL)
_BAD_CURSOR = (
    "is not a cursor of this listing; leave it out to start over, or pass on what the last page gave"
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a listing goes on: for each stream not yet at its end, the entry after which it continues.

    `later` is the last stream of this round, where others come after it.
    """

    group: Group
    descending: bool
    streams: Mapping[Stream, IndexEntry | None]
    later: Stream | None = None

    @staticmethod
    def read(services: Services, state: State, pool: str | None, cursor: str | None) -> Position:
        """The position that a client's cursor stands for; the start where there is none. Raises InvalidRequest."""
        listed = listed_pools(services, pool)
        group = group_of(state)
        if cursor is None:
            return _round(services, group, listed, None)
        try:
            of_group, streams, later = _decode(cursor)
            for stream in (*streams, *([later] if later else [])):
                _check(services, group, listed, stream)
        except (ValueError, TypeError, KeyError, RecursionError, zlib.error) as error:
            raise InvalidRequest.of("cursor", _BAD_CURSOR) from error
        if of_group != group or len(streams) > max(STREAMS_PER_ROUND, services.index.shards * len(listed)):
            raise InvalidRequest.of("cursor", _BAD_CURSOR)
        if not streams:
            return _round(services, group, listed, later)
        return Position(group, _is_descending(group), streams, later)


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
        has_more = bool(remaining) or self.position.later is not None
        return _encode(self.position.group, remaining, self.position.later) if has_more else None


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


def _is_descending(group: Group) -> bool:
    return group is Group.READY or group in _ENDED


def _round(services: Services, group: Group, pools: Sequence[str], after: Stream | None) -> Position:
    """The streams that come next: those of the main lanes together, then as many others as a page may ask."""
    all_streams = sorted(_streams(services, group, pools), key=_place)
    streams = [stream for stream in all_streams if after is None or _place(stream) > _place(after)]
    mains = sum(lane == MAIN for _, lane, _ in streams)
    count, lane_bytes, lanes = mains, 0, set[str]()
    for _, lane, _ in streams[mains:]:
        lane_bytes += 0 if lane in lanes else len(lane.encode())
        lanes.add(lane)
        if count and (count >= STREAMS_PER_ROUND or lane_bytes > _LANE_BYTES_PER_ROUND):
            break
        count += 1
    later = streams[count - 1] if count < len(streams) else None
    return Position(group, _is_descending(group), dict.fromkeys(streams[:count]), later)


def _place(stream: Stream) -> tuple[bool, bool, str, str, int]:
    """Where a stream comes among all: main lanes, lanes of shares, lanes of what is held back."""
    pool, lane, shard = stream
    return lane != MAIN, share_of(lane) is None, pool, lane, shard


def _streams(services: Services, group: Group, pools: Iterable[str]) -> Iterator[Stream]:
    for pool in pools:
        lanes = [MAIN]
        if group is Group.READY:
            known = services.lanes.list_lanes(pool, limit=LANES_AT_MOST)
            lanes += [each.lane for each in known if not each.resting]
        for lane in lanes:
            for shard in range(services.index.shards if is_sharded(lane) else 1):
                yield pool, lane, shard


def _check(services: Services, group: Group, pools: Sequence[str], stream: Stream) -> None:
    """Raises ValueError where the group can't have this stream."""
    pool, lane, shard = stream
    shards = services.index.shards if is_sharded(lane) else 1
    has_lanes = group is Group.READY or lane == MAIN
    if pool not in pools or not has_lanes or len(lane) > _LANE_CHARACTERS or not 0 <= shard < shards:
        raise ValueError(stream)


def _encode(group: Group, streams: Mapping[Stream, IndexEntry | None], later: Stream | None) -> str:
    plain = [
        str(group),
        later,
        *(
            [pool, lane, shard, *([str(after.sort), after.job_id] if after else [])]
            for (pool, lane, shard), after in streams.items()
        ),
    ]
    packed = zlib.compress(json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode())
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _decode(cursor: str) -> tuple[str, dict[Stream, IndexEntry | None], Stream | None]:
    """What a cursor holds; raises what `read` catches where it is none."""
    if len(cursor) > _CURSOR_CHARACTERS:
        raise ValueError("too long")
    packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    unpacked = zlib.decompressobj().decompress(packed, _CURSOR_BYTES + 1)
    if len(unpacked) > _CURSOR_BYTES:
        raise ValueError("too large")
    group, later, *plain = json.loads(unpacked)
    streams = {_stream(part[:3]): _entry(part[3:]) for part in plain}
    if not isinstance(group, str) or len(streams) != len(plain):
        raise ValueError("names a stream twice")
    return group, streams, None if later is None else _stream(later)


def _stream(plain: Sequence[Any]) -> Stream:
    pool, lane, shard = plain
    if not isinstance(pool, str) or not isinstance(lane, str) or type(shard) is not int:
        raise TypeError(plain)
    lane.encode()  # half a character is none that the index can be asked for
    return pool, lane, shard


def _entry(plain: Sequence[Any]) -> IndexEntry | None:
    if not plain:
        return None
    sort, job_id = plain
    if not isinstance(sort, str) or not _SORT.fullmatch(sort) or not isinstance(job_id, str):
        raise TypeError(plain)
    if not job_id.isascii() or not 0 < len(job_id) <= limits.MAX_JOB_ID_CHARACTERS:
        raise ValueError(job_id)
    return IndexEntry(job_id, int(sort))
