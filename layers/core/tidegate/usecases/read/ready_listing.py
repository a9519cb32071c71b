"""Lists READY jobs over all pools, lanes and shards, without missing or repeating a job that changes lanes.

A READY job may be put into another lane at any time, and new lanes may come. Its rank stays the same. So a listing goes
down the ranks over all lanes at once, and its cursor is a rank: all jobs above it were listed, and all jobs below it
are still to come, in whatever lane they are by then. The lanes are read again for each page.

Jobs go from the main lane and the lanes of shares to the lanes of held jobs. The former are read first. A job that
changes lanes in the middle of a page is then read twice, which the listing notices, instead of being missed.
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

STREAMS_PER_PAGE = 1_000  # a query each; exceeded only if very many lanes were added during one listing
FEW_STREAMS = 100  # up to this many, a full page is read from each stream
_ENTRIES_OF_MANY = 20  # entries read from each stream if there are more than `FEW_STREAMS`
_LISTS_PER_PAGE = 4  # pages of the registry of lanes; bounded because thousands of lanes may rest
_TIES_AT_MOST = 4_096  # jobs of one rank in one stream; only jobs of the same millisecond share a rank


@dataclass(frozen=True, slots=True)
class ReadyPosition:
    """The place where a listing continues: behind the rank and the id of `behind`, in one round over lanes.

    If there are very many lanes, a listing goes down the ranks in several rounds, each over other lanes: those behind
    `after` (None: from the first) up to `until` (None: to the last). All main lanes are part of the first round.
    """

    pools: tuple[str, ...]
    behind: IndexEntry | None = None
    after: Lane | None = None
    until: Lane | None = None


@dataclass(frozen=True, slots=True)
class ReadyPage:
    """The entries of a page, and perhaps some more behind them, best first.

    `is_last_of_round` says that no lane of the round has entries behind these.
    """

    position: ReadyPosition
    found: tuple[IndexEntry, ...]
    is_last_of_round: bool

    def position_behind(self, count: int) -> ReadyPosition | None:
        """Returns the position behind the first `count` entries; None at the end of the listing."""
        taken = self.found[:count]
        if len(taken) < len(self.found) or not self.is_last_of_round:
            return replace(self.position, behind=taken[-1] if taken else self.position.behind)
        if self.position.until is None:
            return None
        return ReadyPosition(self.position.pools, after=self.position.until)


def list_ready(services: Services, position: ReadyPosition, limit: int) -> ReadyPage:
    """Reads a page behind `position` with up to `limit` (1 or more) entries; there may be fewer before the end.

    The page may also hold entries beyond `limit`, which the caller cuts off. Raises ServiceUnavailable.
    """
    lanes, until = _round(services, position)
    position = replace(position, until=until)
    streams = sum(services.index.shards if is_sharded(lane) else 1 for _, lane in lanes)
    # A page, one entry more to see whether it ends, and the entry that `position` is behind.
    per_stream = limit + 2 if streams <= FEW_STREAMS else min(limit + 2, _ENTRIES_OF_MANY)
    while True:
        pages, position = _read(services, position, lanes, per_stream)
        # A stream that has more entries may have more jobs of the last rank that was read. So only the ranks above
        # that one are complete.
        cuts = [
            first_rank_of(page.entries[-1].sort)
            for page in pages.values()
            if page.next is not None and page.entries
        ]
        if per_stream >= _TIES_AT_MOST:
            # With so many jobs of one rank the listing may miss some, but it must not get stuck.
            cuts = [cut - 1 for cut in cuts]
        floor = max(cuts, default=None)
        found = _found(pages, position.behind, floor)
        if found or floor is None:
            return ReadyPage(position, tuple(found), floor is None)
        per_stream = min(per_stream * 8, _TIES_AT_MOST)


def _found(
    pages: Mapping[Stream, IndexPage], behind: IndexEntry | None, floor: int | None
) -> list[IndexEntry]:
    """Returns the entries behind a place and above a rank, best first, each job once; equal ranks are ordered by id.

    Compares the rank that a job had when it became READY, because passing a job over changes its present rank.
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
    """Reads the pages of the round's `lanes` behind the position, also of lanes that are added meanwhile.

    Returns the pages and the position. The position may have changed, because very many added lanes end the round
    earlier.

    Jobs go from the main lanes and the lanes of shares to lanes of types and keys, and between those of types and keys
    in both directions. So the lanes are read in this order, those of types twice, and the list of lanes is read again
    after each step.
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
    """Lists the lanes of the round as they are now, and the last of them (None if no lanes come behind the round)."""
    shards = services.index.shards
    lanes = [(pool, MAIN) for pool in position.pools] if position.after is None else []
    streams, mains = shards * len(lanes), len(lanes)
    # A round that has begun keeps its end, because the lanes behind it belong to the next round.
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
    """Yields (lane, True) for each lane that does not rest, in order, without the main lanes.

    If the bound on reads of the registry is reached, ends with (last lane that was read, False).
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
    """Returns a sort key: pools by name, and the lanes of a pool by name in reverse, as the registry lists them."""
    pool, name = lane
    return pool, (*(-byte for byte in name.encode()), 1)
