"""Reads the statistics of ended jobs: stored roll-ups of a time, merged into the rows that a caller asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tidegate.domain.errors import InvalidRequest
from tidegate.domain.statistics.asked import By, Statistics, StatisticsQuery, StatisticsRow
from tidegate.domain.statistics.figures import NONE, Figures, together
from tidegate.domain.statistics.rollup import MAIN_LANE, OTHER, Rollup
from tidegate.domain.statistics.spans import (
    DAY_MS,
    HOUR_MS,
    KEPT_MS,
    WINDOW_MS,
    Counted,
    Piece,
    Reached,
    Span,
    ceil_to,
    floor_to,
    pieces,
    windows,
)
from tidegate.usecases.pools.earlier_pools import listed_pools
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.ends_by_step import EndsByStep
from tidegate.usecases.statistics.told_times import told_times

DEFAULT_RANGE_MS: Final = DAY_MS
MAX_RANGE_MS: Final = 366 * DAY_MS
MAX_HOURS: Final = 31 * 24  # rows of an answer by hours
MAX_WORK: Final = 24_000_000
"""How much an answer adds up, in buckets of histograms. That takes about 11 s of a whole processor."""
MAX_ROWS: Final = 1_000
_SPARE_MS: Final = DAY_MS  # shorter roll-ups are not read on the last day that they are kept


class _Key(NamedTuple):
    """The key of a row. A row of an hour or a day begins at `from_ms`, any other row has -1 there."""

    from_ms: int = -1
    pool: str | None = None
    type: str | None = None
    share: str | None = None
    worker: str | None = None


_TOTAL: Final = _Key()
_REST: Final = {
    By.TYPE: _Key(type=OTHER),
    By.SHARE: _Key(share=OTHER),
    By.WORKER: _Key(worker=OTHER),
}
"""The row of all that is beyond MAX_ROWS."""
_PORTION_MS: Final = {Span.SLICE: HOUR_MS, Span.HOUR: 4 * DAY_MS, Span.DAY: 100 * DAY_MS}


@dataclass(slots=True)
class _OfPools:
    """Adds up what is known of pools as a whole: their slot time and longest wait, for each row and for all together.

    A pool, an hour and a day have slots of their own. A type, a share and a worker have not.
    """

    query: StatisticsQuery
    reached: Mapping[str, Reached]
    sums: dict[_Key, int | None] = field(default_factory=dict)
    longest: dict[_Key, int] = field(default_factory=dict)

    def add(self, key: _Key | None, counted: Counted) -> None:
        """Adds a roll-up to its row, if it belongs to one as a whole, and to all."""
        for each in {_TOTAL, _TOTAL if key is None else key}:
            before_ms, more_ms = self.sums.get(each, 0), counted.slot_ms
            self.sums[each] = None if before_ms is None or more_ms is None else before_ms + more_ms
            if counted.oldest_ready_ms is not None:
                self.longest[each] = max(counted.oldest_ready_ms, self.longest.get(each, 0))

    def longest_wait(self, key: _Key) -> int | None:
        """Returns the longest wait of a row, None where it has none of its own or nobody looked."""
        return self.longest.get(key) if self._is_whole(key) else None

    def slots(self, key: _Key, from_ms: int, to_ms: int) -> int | None:
        """Returns the slot time of a row, None where it has none of its own or a part of it is not known."""
        if not self._is_whole(key):
            return None
        pools = [reached for pool, reached in self.reached.items() if key.pool in (None, pool)]
        counted = [each for each in pools if each.since_ms < to_ms]
        if not counted or not all(each.tells_slots(from_ms) for each in counted):
            return None
        return self.sums.get(key, 0)

    def _is_whole(self, key: _Key) -> bool:
        return self.query.job_type is None and (key == _TOTAL or self.query.by in _WITH_SLOTS)


_WITH_SLOTS: Final = (By.POOL, By.HOUR, By.DAY)


def read_statistics(services: Services, query: StatisticsQuery, *, now_ms: int) -> Statistics:
    """Returns the statistics of a time, by default of the last 24 hours. Rows by time are in its order, others by size.

    Both ends are rounded outward to ten minutes, to hours a few days back, and to days some months back, because
    shorter roll-ups are kept no longer. All pools are read up to the time before which each of them is counted, so that
    rows of several pools are whole. Raises InvalidRequest for a time or a pool that can't be answered, and for one of
    which more than MAX_WORK buckets of histograms or more than MAX_STEPS hours or days of rows tell.
    """
    _check(query)
    from_ms, to_ms = _time(query, now_ms)
    reached = services.statistics.reached(listed_pools(services, query.pool))
    since_ms = min((each.since_ms for each in reached.values()), default=None)
    until_ms = None if since_ms is None else max(since_ms, _common_until(reached.values(), now_ms))
    counted_from = from_ms if since_ms is None else min(to_ms, max(from_ms, since_ms))
    counted_to = counted_from if until_ms is None else max(counted_from, min(to_ms, until_ms))
    pools = _OfPools(query, reached)
    steps = EndsByStep[_Key](None if query.step is None else query.step_ms)
    grouped = _grouped(services, query, reached, from_ms, counted_to, pools, steps)
    rows = [
        _row(query.by, key, figures, counted_from, counted_to, pools, steps)
        for key, figures in grouped.items()
    ]
    total = together([NONE, *grouped.values()])
    return Statistics(
        from_ms,
        to_ms,
        since_ms,
        until_ms,
        tuple(sorted(rows, key=_order(query.by))),
        StatisticsRow(
            from_ms=counted_from,
            to_ms=counted_to,
            figures=total,
            slot_ms=pools.slots(_TOTAL, counted_from, counted_to),
            oldest_ready_ms=pools.longest_wait(_TOTAL),
            steps=steps.total(counted_from),
        ),
    )


def _check(query: StatisticsQuery) -> None:
    """Raises InvalidRequest for parts of a question that don't go together."""
    if query.job_type is not None and query.by in (By.SHARE, By.WORKER):
        raise InvalidRequest.of(
            "type", f"can't be combined with by={query.by}; roll-ups tell the two apart singly"
        )
    if query.step is not None and query.by in (By.HOUR, By.DAY):
        raise InvalidRequest.of("step", f"means nothing beside by={query.by}, whose rows are steps already")


def _common_until(reached: Iterable[Reached], now_ms: int) -> int:
    """Returns the last time before which all pools are counted, and which roll-ups that are still kept end at."""
    until_ms = min(each.counted_ms for each in reached)
    return floor_to(until_ms, _unit_ms(until_ms, now_ms))


def _time(query: StatisticsQuery, now_ms: int) -> tuple[int, int]:
    """Returns the time that is asked for, rounded. Raises InvalidRequest."""
    to_ms = now_ms if query.to_ms is None else query.to_ms
    from_ms = max(0, to_ms - DEFAULT_RANGE_MS) if query.from_ms is None else query.from_ms
    if from_ms >= to_ms:
        raise InvalidRequest.of("from", "must be earlier than to")
    unit_ms = _unit_ms(from_ms, now_ms)
    by_hours, named = query.step_ms == HOUR_MS, "by" if query.step is None else "step"
    unit_ms = max(unit_ms, query.step_ms or 0)
    from_ms, to_ms = floor_to(from_ms, unit_ms), ceil_to(to_ms, unit_ms)
    if to_ms - from_ms > MAX_RANGE_MS + DAY_MS:
        raise InvalidRequest.of("from", "must be at most 366 days before to")
    if by_hours and unit_ms > HOUR_MS:
        raise InvalidRequest.of(named, f"hours are kept for 90 days; ask {named}=day about earlier times")
    if by_hours and to_ms - from_ms > (MAX_HOURS + 1) * HOUR_MS:
        raise InvalidRequest.of("from", f"must be at most 31 days before to with {named}=hour")
    return from_ms, to_ms


def _unit_ms(at_ms: int, now_ms: int) -> int:
    """Returns the length of the shortest roll-ups that are surely still kept of a time."""
    if at_ms >= now_ms - KEPT_MS[Span.SLICE] + _SPARE_MS:
        return WINDOW_MS
    return HOUR_MS if at_ms >= now_ms - KEPT_MS[Span.HOUR] + _SPARE_MS else DAY_MS


def _grouped(
    services: Services,
    query: StatisticsQuery,
    reached: Mapping[str, Reached],
    from_ms: int,
    to_ms: int,
    pools: _OfPools,
    steps: EndsByStep[_Key],
) -> dict[_Key, Figures]:
    """Returns the figures of each row, at most MAX_ROWS. Adds them up portion by portion as it reads.

    Adds what it reads of pools as a whole to `pools`, and the ends of each row to `steps`.
    """
    longest = Span.HOUR if query.step_ms == HOUR_MS else Span.DAY
    grouped: dict[_Key, Figures] = {}
    left = MAX_WORK
    for pool in sorted(reached):
        wanted = pieces(from_ms, to_ms, reached[pool], longest=longest)
        for portion in _portions(services, pool, wanted, reached[pool].idle):
            left -= sum(counted.rollup.work for counted in portion)
            if left < 0:
                raise InvalidRequest.of(
                    "from",
                    "must be later: one answer can't add up that much; ask about a shorter time or about one pool",
                )
            parts: dict[_Key, list[Figures]] = {}
            for counted in portion:
                pools.add(_key_with_slots(query, pool, counted), counted)
                for key, figures in _keyed(query, pool, counted):
                    parts.setdefault(key, []).append(figures)
                    steps.add(key, counted.from_ms, figures)
            for key, found in parts.items():
                grouped[key] = together([grouped.get(key, NONE), *found])
        if query.by in (By.SHARE, By.WORKER):  # nothing that follows adds to the rows of this pool
            grouped = _bounded(query.by, grouped, steps)
    return _bounded(query.by, grouped, steps)


def _portions(
    services: Services, pool: str, wanted: Iterable[Piece], growing: Counted | None
) -> Iterator[Sequence[Counted]]:
    """Yields what is counted of a pool, about a hundred roll-ups at once."""
    for piece in wanted:
        for begin_ms, end_ms in windows(piece.from_ms, piece.to_ms, _PORTION_MS[piece.span]):
            yield told_times(services, pool, piece.span, begin_ms, end_ms, growing)


def _bounded(by: By, grouped: dict[_Key, Figures], steps: EndsByStep[_Key]) -> dict[_Key, Figures]:
    """Returns at most MAX_ROWS rows: the largest, and the rest in one. Rows of pools and times are never as many."""
    rest = _REST.get(by)
    if rest is None or len(grouped) <= MAX_ROWS:
        return grouped
    own = sorted(grouped.keys() - {rest}, key=lambda key: (-grouped[key].ended, key.pool or "", key[2:]))
    kept = {key: grouped[key] for key in own[: MAX_ROWS - 1]}
    others = own[MAX_ROWS - 1 :]
    steps.fold(others, rest)
    return {**kept, rest: together([grouped.get(rest, NONE), *(grouped[key] for key in others)])}


def _keyed(query: StatisticsQuery, pool: str, counted: Counted) -> Iterable[tuple[_Key, Figures]]:
    rollup, by = counted.rollup, query.by
    if by is By.SHARE:
        return [(_Key(pool=pool, share=share), each) for share, each in rollup.shares.items()]
    if by is By.WORKER:
        return [(_Key(pool=pool, worker=worker), each) for worker, each in rollup.workers.items()]
    types = _types(rollup, query.job_type)
    if by is By.TYPE:
        return [(_Key(type=job_type), each) for job_type, each in types.items()]
    key = _key_with_slots(query, pool, counted)
    figures = together([NONE, *types.values()])
    has_more = query.job_type is None and (counted.slot_ms or counted.oldest_ready_ms)
    return [(key, figures)] if key is not None and (figures.ended or has_more) else []


def _key_with_slots(query: StatisticsQuery, pool: str, counted: Counted) -> _Key | None:
    """Returns the key of the row that a roll-up belongs to as a whole, None where rows tell its parts apart."""
    if query.by not in _WITH_SLOTS:
        return None
    if query.by is By.POOL:
        return _Key(pool=pool)
    return _Key(from_ms=floor_to(counted.from_ms, HOUR_MS if query.by is By.HOUR else DAY_MS))


def _types(rollup: Rollup, job_type: str | None) -> Mapping[str, Figures]:
    if job_type is None:
        return rollup.types
    return {job_type: rollup.types[job_type]} if job_type in rollup.types else {}


def _row(
    by: By,
    key: _Key,
    figures: Figures,
    from_ms: int,
    to_ms: int,
    pools: _OfPools,
    steps: EndsByStep[_Key],
) -> StatisticsRow:
    if by in (By.HOUR, By.DAY):
        end_ms = key.from_ms + (HOUR_MS if by is By.HOUR else DAY_MS)
        from_ms, to_ms = max(from_ms, key.from_ms), min(to_ms, end_ms)
    return StatisticsRow(
        pool=key.pool,
        type=key.type,
        share=key.share,
        worker=key.worker,
        from_ms=from_ms,
        to_ms=to_ms,
        figures=figures,
        slot_ms=pools.slots(key, from_ms, to_ms),
        oldest_ready_ms=pools.longest_wait(key),
        steps=steps.of(key, from_ms),
    )


def _order(by: By) -> Callable[[StatisticsRow], tuple[int, int, str, str]]:
    def place(row: StatisticsRow) -> tuple[int, int, str, str]:
        name = row.type or row.share or row.worker or MAIN_LANE
        size = 0 if by in (By.HOUR, By.DAY) else -row.figures.ended
        return (size, row.from_ms, row.pool or "", name)

    return place
