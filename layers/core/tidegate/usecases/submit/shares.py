"""Checks and notes the shares of submitted jobs.

A share is noted for its pools before any of its jobs is written, so that every dispatcher knows the share's lane.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, Violation
from tidegate.domain.lanes import share_lane, share_of
from tidegate.domain.requests import ShareRequest
from tidegate.ports import KnownLane
from tidegate.usecases.pools.lanes import LANES_AT_MOST
from tidegate.usecases.services import Services
from tidegate.usecases.submit.validate import (
    JobInContext,
    pools_for,
)


@dataclass(frozen=True, slots=True)
class _Use:
    """The use of a share in one pool that a job of the share may run in. `field` is its path in the request."""

    pool: str
    share: ShareRequest
    field: str

    @property
    def lane(self) -> str:
        return share_lane(self.share.name)


def share_violations(
    services: Services, jobs: Sequence[JobInContext], default: ShareRequest | None
) -> Iterator[Violation]:
    """Yields a violation for each new share that would exceed a pool's limit of `MAX_SHARES_PER_POOL`.

    `default` is the share of jobs that name none. Yields nothing if a job fits no pool, because other checks say so.
    """
    try:
        uses = _uses(services, jobs, default)
    except InvalidRequest:
        return
    known = _known(services, uses)
    for use in uses:
        lanes = known[use.pool]
        if use.lane not in lanes:
            lanes[use.lane] = KnownLane(use.lane, use.share.weight, 0)
            # Resting shares count too. Otherwise new shares could replace them, and waiting jobs could then bring back
            # any number of the old ones.
            if sum(bool(share_of(lane)) for lane in lanes) > limits.MAX_SHARES_PER_POOL:
                yield Violation(
                    use.field,
                    f"{use.share.name!r} would be one share too many: pool {use.pool!r} has "
                    f"{limits.MAX_SHARES_PER_POOL} already; use one of them; unused shares are removed after a day",
                )


def note_shares(
    services: Services, jobs: Sequence[JobInContext], default: ShareRequest | None, now_ms: int
) -> None:
    """Notes the shares of these jobs in their pools, unless they are in use already.

    The weight counts only for a share that is new or rests. A submission can't change the weight of a share in use.
    Raises InvalidRequest if a job fits no pool, DependencyUnavailable or ServiceRefused.
    """
    uses = _uses(services, jobs, default)
    known = _known(services, uses)
    for use in {(use.pool, use.lane): use for use in uses}.values():
        standing = known[use.pool].get(use.lane)
        if standing is None or standing.resting:
            services.lanes.note(use.pool, use.lane, weight=use.share.weight, now_ms=now_ms)


def _uses(services: Services, jobs: Sequence[JobInContext], default: ShareRequest | None) -> Sequence[_Use]:
    return [
        _Use(pool.name, share, context.path("share"))
        for job, context in jobs
        if (share := job.share or default) is not None
        for pool in pools_for(services, job, context)
    ]


def _known(services: Services, uses: Sequence[_Use]) -> Mapping[str, dict[str, KnownLane]]:
    return {
        pool: {each.lane: each for each in services.lanes.list_lanes(pool, limit=LANES_AT_MOST)}
        for pool in sorted({use.pool for use in uses})
    }
