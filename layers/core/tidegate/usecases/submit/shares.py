"""Checks and notes the shares of submitted jobs.

A share is noted for its pools before any of its jobs is written, so that every dispatcher knows the share's lane.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.errors import Violation
from tidegate.domain.lanes import share_lane, share_of
from tidegate.domain.requests import ShareRequest
from tidegate.ports import KnownLane
from tidegate.usecases.pools.lanes import LANES_AT_MOST, LanesByPool
from tidegate.usecases.services import Services
from tidegate.usecases.submit.checked import CheckedSubmission, JobInRequest


@dataclass(frozen=True, slots=True)
class _Use:
    """The use of a share in one pool that a job of the share may run in. `field` is its path in the request."""

    pool: str
    share: ShareRequest
    field: str

    @property
    def lane(self) -> str:
        return share_lane(self.share.name)


def lanes_for_shares(services: Services, jobs: Sequence[JobInRequest]) -> LanesByPool:
    """Reads the lanes of each pool that a job with a share may run in, with one query a pool.

    Reads nothing if such a job fits no pool, because the submission is refused then. Raises ServiceUnavailable or
    ServiceRefused.
    """
    return {
        pool: {each.lane: each for each in services.lanes.list_lanes(pool, limit=LANES_AT_MOST)}
        for pool in sorted({use.pool for use in _uses(jobs)})
    }


def share_violations(jobs: Sequence[JobInRequest], known: LanesByPool) -> Iterator[Violation]:
    """Yields a violation for each new share that would exceed a pool's limit of `MAX_SHARES_PER_POOL`.

    `known` are the lanes that `lanes_for_shares` returned for these jobs. Yields nothing if a job with a share fits no
    pool, because other checks say so.
    """
    lanes = {pool: set(by_name) for pool, by_name in known.items()}
    for use in _uses(jobs):
        if use.lane not in lanes[use.pool]:
            lanes[use.pool].add(use.lane)
            # Resting shares count too. Otherwise new shares could replace them, and waiting jobs could then bring back
            # any number of the old ones.
            if sum(bool(share_of(lane)) for lane in lanes[use.pool]) > limits.MAX_SHARES_PER_POOL:
                yield Violation(
                    use.field,
                    f"{use.share.name!r} would be one share too many: pool {use.pool!r} has "
                    f"{limits.MAX_SHARES_PER_POOL} already; use one of them; unused shares are removed after a day",
                )


def note_shares(services: Services, checked: CheckedSubmission, now_ms: int) -> LanesByPool:
    """Notes the shares of these jobs in their pools, unless they are in use already; returns the lanes after that.

    The weight counts only for a share that is new or rests. A submission can't change the weight of a share in use.
    Raises ServiceUnavailable or ServiceRefused.
    """
    lanes = {pool: dict(by_name) for pool, by_name in checked.lanes.items()}
    for use in {(use.pool, use.lane): use for use in _uses(checked.jobs)}.values():
        standing = lanes[use.pool].get(use.lane)
        if standing is None or standing.resting:
            services.lanes.note(use.pool, use.lane, weight=use.share.weight, now_ms=now_ms)
            lanes[use.pool][use.lane] = KnownLane(use.lane, use.share.weight, now_ms)
    return lanes


def _uses(jobs: Sequence[JobInRequest]) -> Sequence[_Use]:
    sharing = [(job, job.share) for job in jobs if job.share is not None]
    if any(not job.pools for job, _ in sharing):
        return ()
    return [_Use(pool.name, share, job.path("share")) for job, share in sharing for pool in job.pools]
