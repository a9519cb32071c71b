"""A listing of READY jobs over all pools, lanes and shards, that misses none and repeats none while they move.

A READY job may be moved to another lane at any time, and a lane may be new. Its rank stays. So a listing goes down the
ranks over all lanes at once, and its cursor is a place among the ranks: what ranks higher was listed, wherever it is by
now, and what ranks lower comes, wherever it is then. The lanes are read anew for each page.

Jobs move from the lanes in which they wait for their turn to those in which they are held back. The former are read
first: one that moves in the middle of a page is seen twice, which shows, and not missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tidegate.domain.lanes import MAIN, is_sharded, key_of, share_of, type_of
from tidegate.domain.rank import first_rank_of
from tidegate.domain.states import Group
from tidegate.ports import IndexEntry, IndexPage
from tidegate.usecases.pools.lanes import LANES_AT_MOST
from tidegate.usecases.services import Services

Lane = tuple[str, str]  # a pool and the name of one of its lanes
Stream = tuple[int, str, str, int]  # the step in which it is read, a pool, a lane and a shard

STREAMS_PER_PAGE = 1_000  # a query each; more only where so many lanes came during one listing
FEW_STREAMS = 100  # of which each may fill a page by itself
_ENTRIES_OF_MANY = 20  # of each stream, where there are more
_LISTS_PER_PAGE = 4  # of lanes: thousands of them may rest
_TIES_AT_MOST = 4_096  # jobs of one rank in one stream; ranks differ but for jobs of the same millisecond


@dataclass(frozen=True, slots=True)
class ReadyPosition:
    """Where a listing goes on: behind the rank and the id of `behind`, in a round over lanes.

    Where there are very many lanes, a listing goes down the ranks several times, each time over other lanes: those
    behind `after` (None: from the first on) up to `until` (None: to the last). All main lanes are in the first round.
    """

    pools: tuple[str, ...]
    behind: IndexEntry | None = None
    after: Lane | None = None
    until: Lane | None = None


@dataclass(frozen=True, slots=True)
class ReadyPage:
    """The entries of a page with some of those behind it, best first.

    `is_last_of_round` says that none of the round's lanes has any behind these.
    """

    position: ReadyPosition
    found: tuple[IndexEntry, ...]
    is_last_of_round: bool

    def position_behind(self, count: int) -> ReadyPosition | None:
        """Finds the position behind the first `count` entries; None at the end."""
        taken = self.found[:count]
        if len(taken) < len(self.found) or not self.is_last_of_round:
            return replace(self.position, behind=taken[-1] if taken else self.position.behind)
        if self.position.until is None:
            return None
        return ReadyPosition(self.position.pools, after=self.position.until)


def list_ready(services: Services, position: ReadyPosition, limit: int) -> ReadyPage:
    """Reads at most `limit` (1 or more) entries behind `position`; fewer may come before the end."""
    lanes, until = _round(services, position)
    position = replace(position, until=until)
    streams = sum(services.index.shards if is_sharded(lane) else 1 for _, lane in lanes)
    # One more than a page, and the one that the position is behind.
    per_stream = limit + 2 if streams <= FEW_STREAMS else min(limit + 2, _ENTRIES_OF_MANY)
    while True:
        pages, position = _read(services, position, lanes, per_stream)
        # Where a stream goes on, further jobs of the last rank that it showed may come: only higher ranks are whole.
        cuts = [
            first_rank_of(page.entries[-1].sort)
            for page in pages.values()
            if page.next is not None and page.entries
        ]
        if per_stream >= _TIES_AT_MOST:
            cuts = [cut - 1 for cut in cuts]  # so many of one rank: rather one of them missed than no way on
        floor = max(cuts, default=None)
        found = _found(pages, position.behind, floor)
        if found or floor is None:
            return ReadyPage(position, tuple(found), floor is None)
        per_stream = min(per_stream * 8, _TIES_AT_MOST)


def _found(
    pages: Mapping[Stream, IndexPage], behind: IndexEntry | None, floor: int | None
) -> list[IndexEntry]:
    """Picks the entries behind a place and above a rank, best first, those of one rank by id; each job once.

    All goes by the rank that a job had first: one that was passed over meanwhile is where it was.
    """
    found = {
        _place(entry): entry
        for page in pages.values()
        for entry in page.entries
        if (floor is None or first_rank_of(entry.sort) > floor)
        and (behind is None or _place(entry) < _place(behind))
    }
    return [found[place] for place in sorted(found, reverse=True)]


def _place(entry: IndexEntry) -> tuple[int, str]:
    return first_rank_of(entry.sort), entry.job_id


def _read(
    services: Services, position: ReadyPosition, lanes: Sequence[Lane], limit: int
) -> tuple[Mapping[Stream, IndexPage], ReadyPosition]:
    """Reads the pages of the round's `lanes` behind the position, and of lanes that come meanwhile.

    The round may end earlier where those are very many, so the position comes back.

    Jobs move from the lanes in which they wait for their turn to any other, and between those of types and of keys. So
    they are read in this order, those of types twice, and listed again behind each step.
    """
    pages: dict[Stream, IndexPage] = {}
    up_to = None if position.behind is None else first_rank_of(position.behind.sort)
    is_old = False
    for step, is_meant in enumerate((_is_of_turns, _is_of_type, _is_of_key, _is_of_type)):
        if is_old:
            lanes, until = _round(services, position)
            position = replace(position, until=until)
        by_pool: dict[str, list[str]] = {}
        for pool, lane in lanes:
            if is_meant(lane):
                by_pool.setdefault(pool, []).append(lane)
        for pool, names in by_pool.items():
            read = services.index.first_pages(
                pool, Group.READY, limit=limit, descending=True, up_to=up_to, lanes=names
            )
            pages |= {(step, pool, lane, shard): page for (lane, shard), page in read.items()}
        is_old = bool(by_pool)
    return pages, position


def _is_of_turns(lane: str) -> bool:
    return share_of(lane) is not None


def _is_of_type(lane: str) -> bool:
    return type_of(lane) is not None


def _is_of_key(lane: str) -> bool:
    return key_of(lane) is not None


def _round(services: Services, position: ReadyPosition) -> tuple[list[Lane], Lane | None]:
    """Lists the lanes of the round as they are now, with the last of them; None where no lanes come behind it."""
    shards = services.index.shards
    lanes = [(pool, MAIN) for pool in position.pools] if position.after is None else []
    streams, mains = shards * len(lanes), len(lanes)
    # A round that has begun keeps its end, for lanes behind that have a turn of their own.
    most = STREAMS_PER_PAGE if position.until is None else 2 * STREAMS_PER_PAGE
    for lane, is_known in _lanes_behind(services, position):
        if position.until is not None and _order(lane) > _order(position.until):
            break
        if not is_known:
            return lanes, lane
        needed = shards if is_sharded(lane[1]) else 1
        if streams + needed > most and len(lanes) > mains:
            return lanes, lanes[-1]
        lanes.append(lane)
        streams += needed
    return lanes, position.until


def _lanes_behind(services: Services, position: ReadyPosition) -> Iterator[tuple[Lane, bool]]:
    """Yields the lanes beside the main ones that do not rest, in their order.

    At the end comes, with False, the place up to which so many were looked through that the rest is for another page.
    """
    lists = 0
    for pool in position.pools:
        before = None
        if position.after is not None:
            if pool < position.after[0]:
                continue
            before = position.after[1] if pool == position.after[0] else None
        while True:
            listed = services.lanes.list_lanes(pool, limit=LANES_AT_MOST, before=before)
            lists += 1
            for each in listed:
                if not each.resting:
                    yield (pool, each.lane), True
            if len(listed) < LANES_AT_MOST:
                break
            before = listed[-1].lane
            if lists >= _LISTS_PER_PAGE:
                yield (pool, before), False
                return


def _order(lane: Lane) -> tuple[str, tuple[int, ...]]:
    """Pools by name, the lanes of each the last by name first, as the registry lists them."""
    pool, name = lane
    return pool, (*(-byte for byte in name.encode()), 1)
