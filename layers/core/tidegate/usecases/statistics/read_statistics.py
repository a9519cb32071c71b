"""Reads the statistics of ended jobs: stored roll-ups of a time, merged into the rows that a caller asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from tidegate.domain.errors import InvalidRequest
from tidegate.domain.statistics.asked import By, Statistics, StatisticsQuery, StatisticsRow
from tidegate.domain.statistics.figures import NONE, Figures, together
from tidegate.domain.statistics.rollup import MAIN_LANE, Rollup
from tidegate.domain.statistics.spans import (
    DAY_MS,
    HOUR_MS,
    KEPT_MS,
    WINDOW_MS,
    Counted,
    Reached,
    Span,
    ceil_to,
    chain,
    floor_to,
    pieces,
)
from tidegate.usecases.pools.earlier_pools import listed_pools
from tidegate.usecases.services import Services

DEFAULT_RANGE_MS: Final = DAY_MS
MAX_RANGE_MS: Final = 366 * DAY_MS
MAX_HOURS: Final = 31 * 24  # rows of an answer by hours
MAX_ROLLUPS: Final = 2_000  # that an answer reads, of all its pools together
_SPARE_MS: Final = DAY_MS  # shorter roll-ups are not read on the last day that they are kept


class _Key(NamedTuple):
    """The key of a row. A row of an hour or a day begins at `from_ms`, any other row has -1 there."""

    from_ms: int = -1
    pool: str | None = None
    type: str | None = None
    share: str | None = None
    worker: str | None = None


def read_statistics(services: Services, query: StatisticsQuery, *, now_ms: int) -> Statistics:
    """Returns the statistics of a time, by default of the last 24 hours. Rows by time are in its order, others by size.

    Both ends are rounded outward to ten minutes, to hours a few days back, and to days some months back, because
    shorter roll-ups are kept no longer. Reads at most MAX_ROLLUPS roll-ups. Raises InvalidRequest for a time or a pool
    that can't be answered.
    """
    if query.job_type is not None and query.by in (By.SHARE, By.WORKER):
        raise InvalidRequest.of(
            "type", f"can't be combined with by={query.by}; roll-ups tell the two apart singly"
        )
    from_ms, to_ms = _time(query, now_ms)
    pools = listed_pools(services, query.pool)
    reached = services.statistics.reached(pools)
    longest = Span.HOUR if query.by is By.HOUR else Span.DAY
    _refuse_too_many(from_ms, to_ms, reached.values(), longest)
    grouped: dict[_Key, list[Figures]] = {}
    for pool in sorted(reached):
        for counted in _read(services, pool, from_ms, to_ms, reached[pool], longest):
            for key, figures in _keyed(query, pool, counted):
                grouped.setdefault(key, []).append(figures)
    since_ms = min((each.since_ms for each in reached.values()), default=None)
    until_ms = min((each.counted_ms for each in reached.values()), default=None)
    counted_from = from_ms if since_ms is None else min(to_ms, max(from_ms, since_ms))
    counted_to = counted_from if until_ms is None else max(counted_from, min(to_ms, until_ms))
    rows = [_row(query.by, key, together(found), counted_from, counted_to) for key, found in grouped.items()]
    total = together([NONE, *(row.figures for row in rows)])
    return Statistics(
        from_ms,
        to_ms,
        since_ms,
        until_ms,
        tuple(sorted(rows, key=_order(query.by))),
        StatisticsRow(from_ms=counted_from, to_ms=counted_to, figures=total),
    )


def _time(query: StatisticsQuery, now_ms: int) -> tuple[int, int]:
    """Returns the time that is asked for, rounded. Raises InvalidRequest."""
    to_ms = now_ms if query.to_ms is None else query.to_ms
    from_ms = max(0, to_ms - DEFAULT_RANGE_MS) if query.from_ms is None else query.from_ms
    if from_ms >= to_ms:
        raise InvalidRequest.of("from", "must be earlier than to")
    unit_ms = _unit_ms(from_ms, now_ms)
    if query.by is By.DAY:
        unit_ms = DAY_MS
    elif query.by is By.HOUR:
        unit_ms = max(unit_ms, HOUR_MS)
    from_ms, to_ms = floor_to(from_ms, unit_ms), ceil_to(to_ms, unit_ms)
    if to_ms - from_ms > MAX_RANGE_MS + DAY_MS:
        raise InvalidRequest.of("from", "must be at most 366 days before to")
    if query.by is By.HOUR and unit_ms > HOUR_MS:
        raise InvalidRequest.of("by", "hours are kept for 90 days; ask by=day about earlier times")
    if query.by is By.HOUR and to_ms - from_ms > MAX_HOURS * HOUR_MS:
        raise InvalidRequest.of("from", "must be at most 31 days before to with by=hour")
    return from_ms, to_ms


def _unit_ms(at_ms: int, now_ms: int) -> int:
    """Returns the length of the shortest roll-ups that are surely still kept of a time."""
    if at_ms >= now_ms - KEPT_MS[Span.SLICE] + _SPARE_MS:
        return WINDOW_MS
    return HOUR_MS if at_ms >= now_ms - KEPT_MS[Span.HOUR] + _SPARE_MS else DAY_MS


def _refuse_too_many(from_ms: int, to_ms: int, reached: Iterable[Reached], longest: Span) -> None:
    lengths = {Span.SLICE: WINDOW_MS, Span.HOUR: HOUR_MS, Span.DAY: DAY_MS}
    count = sum(
        (piece.to_ms - piece.from_ms) // lengths[piece.span]
        for each in reached
        for piece in pieces(from_ms, to_ms, each, longest=longest)
    )
    if count > MAX_ROLLUPS:
        raise InvalidRequest.of(
            "from", "reaches over too much for all pools at once; name a pool or a shorter time"
        )


def _read(
    services: Services, pool: str, from_ms: int, to_ms: int, reached: Reached, longest: Span
) -> Iterable[Counted]:
    for piece in pieces(from_ms, to_ms, reached, longest=longest):
        found = services.statistics.find(pool, piece.span, piece.from_ms, piece.to_ms)
        yield from chain(found, piece.from_ms, piece.to_ms) if piece.span is Span.SLICE else found


def _keyed(query: StatisticsQuery, pool: str, counted: Counted) -> Iterable[tuple[_Key, Figures]]:
    rollup, by = counted.rollup, query.by
    if by is By.SHARE:
        return [(_Key(pool=pool, share=share), each) for share, each in rollup.shares.items()]
    if by is By.WORKER:
        return [(_Key(pool=pool, worker=worker), each) for worker, each in rollup.workers.items()]
    types = _types(rollup, query.job_type)
    if by is By.TYPE:
        return [(_Key(type=job_type), each) for job_type, each in types.items()]
    figures = together([NONE, *types.values()])
    if not figures.ended:
        return []
    if by is By.POOL:
        return [(_Key(pool=pool), figures)]
    return [(_Key(from_ms=floor_to(counted.from_ms, HOUR_MS if by is By.HOUR else DAY_MS)), figures)]


def _types(rollup: Rollup, job_type: str | None) -> Mapping[str, Figures]:
    if job_type is None:
        return rollup.types
    return {job_type: rollup.types[job_type]} if job_type in rollup.types else {}


def _row(by: By, key: _Key, figures: Figures, from_ms: int, to_ms: int) -> StatisticsRow:
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
    )


def _order(by: By) -> Callable[[StatisticsRow], tuple[int, int, str, str]]:
    def place(row: StatisticsRow) -> tuple[int, int, str, str]:
        name = row.type or row.share or row.worker or MAIN_LANE
        size = 0 if by in (By.HOUR, By.DAY) else -row.figures.ended
        return (size, row.from_ms, row.pool or "", name)

    return place
