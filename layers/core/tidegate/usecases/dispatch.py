"""Dispatch: the jobs whose turn it is go into their pool's queue, as many as its window allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tidegate.domain.dispatch_plan import Candidate, Dispatched, free_places, plan_dispatch, window_places
from tidegate.domain.errors import NotFound, TransitionRefused
from tidegate.domain.job import Job
from tidegate.domain.lanes import share_of
from tidegate.domain.pools import Pool
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import Group, State
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.ports import IndexEntry, IndexPage, KnownLane, Message, MoveOutcome
from tidegate.usecases.capacity import pool_capacity
from tidegate.usecases.each import raise_first_failure
from tidegate.usecases.lanes import hold, open_lanes
from tidegate.usecases.permits import PermitDesk
from tidegate.usecases.services import Services

ACTOR = "dispatcher"
MAX_JOBS_PER_RUN = 1_000
_ACTIVE = frozenset({State.QUEUED, State.RUNNING})
_TURNS = 10  # of one dispatcher while others ask for the lease; the schedule does what is left


@dataclass(frozen=True, slots=True)
class DispatchReport:
    """What one dispatch of one pool did.

    `unsent` jobs are QUEUED without a message; the reaper sends them again. `held` were moved out of the way of
    others because their concurrency key or type is taken up or paused.
    """

    pool: str
    free: int = 0
    dispatched: int = 0
    unsent: int = 0
    held: int = 0

    def __add__(self, later: DispatchReport) -> DispatchReport:
        """Two dispatches of one pool together."""
        return DispatchReport(
            self.pool,
            self.free + later.free,
            self.dispatched + later.dispatched,
            self.unsent + later.unsent,
            self.held + later.held,
        )


def dispatch(
    services: Services, pool_name: str, now_ms: int, *, rules: DispatchRules, changed: Sequence[Job] = ()
) -> DispatchReport:
    """Moves the READY jobs whose turn it is from a pool to QUEUED, and sends their messages.

    At most capacity x window jobs of the pool are QUEUED or RUNNING afterwards, as far as the index shows; that
    holding back is what makes priority true on a queue that knows none. `changed` are jobs that are known to have
    moved, which the index may not show yet.
    """
    report = DispatchReport(pool_name)
    if rules.is_paused(pool_name):
        return report
    one = _Dispatch(services, services.settings.pools[pool_name], rules, changed, now_ms)
    lease_ms = services.settings.dispatch_lease_seconds * 1_000
    if lease_ms == 0:
        return one.fill()
    if not one.has_work():
        return report
    owner = services.entropy.new_ulid(now_ms)
    if not services.leases.take_if_free(pool_name, owner, now_ms=now_ms, until_ms=now_ms + lease_ms):
        return report  # who has it was told, and looks again
    for _ in range(_TURNS):
        report += one.fill()
        if services.leases.release_if_not_asked(pool_name, owner):
            return report
    services.leases.release(pool_name, owner)
    return report


@dataclass
class _Dispatch:
    services: Services
    pool: Pool
    rules: DispatchRules
    changed: Sequence[Job]
    now_ms: int

    @cached_property
    def _capacity(self) -> int:
        return pool_capacity(self.services, self.pool, self.now_ms)

    def has_work(self) -> bool:
        """Whether a place is free and a candidate is there."""
        dispatched = self._count_dispatched()
        if self._places(dispatched) == 0:
            return False
        pages = self._first_pages(self._open_lanes(dispatched), limit=1)
        return any(page.entries for page in pages.values())

    def fill(self) -> DispatchReport:
        """Fills the places that are free."""
        services, pool = self.services, self.pool.name
        dispatched = self._count_dispatched()
        places = self._places(dispatched)
        if places == 0:
            return DispatchReport(pool)
        lanes = self._open_lanes(dispatched)
        desk = PermitDesk(services, self.rules, self.now_ms)
        plan = plan_dispatch(
            [self._queue(*place, page) for place, page in self._first_pages(lanes, limit=places).items()],
            places,
            dispatched,
            self.rules,
            {share: known.weight for known in lanes if (share := share_of(known.lane)) is not None},
            services.entropy.jitter,
            desk.grant,
        )
        hold(services, pool, plan.held, self.now_ms)
        outcomes = self._move(plan.chosen, desk)
        messages = [Message(job.job_id, job.attempt) for job in outcomes if isinstance(job, Job)]
        unsent = services.queue.send(pool, messages) if messages else ()
        raise_first_failure(outcomes)
        return DispatchReport(pool, places, len(messages), len(unsent), len(plan.held))

    def _count_dispatched(self) -> Dispatched:
        bound = window_places(self._capacity, self.services.settings.window)
        if bound == 0:
            return Dispatched()
        left = {
            job.job_id for job in self.changed if job.is_terminal
        }  # no other news is sure to be the latest
        pages = self.services.index.first_pages(self.pool.name, Group.ACTIVE, limit=bound + len(left))
        return Dispatched.count(
            entry.traits for page in pages.values() for entry in page.entries if entry.job_id not in left
        )

    def _places(self, dispatched: Dispatched) -> int:
        free = free_places(self._capacity, self.services.settings.window, dispatched.total)
        return min(MAX_JOBS_PER_RUN, free)

    def _open_lanes(self, dispatched: Dispatched) -> Sequence[KnownLane]:
        return open_lanes(self.services, self.pool.name, dispatched, self.rules, self.changed, self.now_ms)

    def _first_pages(self, lanes: Sequence[KnownLane], limit: int) -> dict[tuple[str, int], IndexPage]:
        pages = self.services.index.first_pages(
            self.pool.name,
            Group.READY,
            limit=limit,
            descending=True,
            lanes=[known.lane for known in lanes],
        )
        return dict(pages)

    def _queue(self, lane: str, shard: int, page: IndexPage) -> Iterator[Candidate]:
        """The candidates of one shard of a lane, best first; further pages are read when they are needed."""
        while True:
            yield from (_candidate(entry, lane) for entry in page.entries)
            if page.next is None:
                return
            page = self.services.index.page(
                self.pool.name,
                Group.READY,
                shard,
                limit=max(1, len(page.entries)),
                descending=True,
                after=page.next,
                lane=lane,
            )

    def _move(self, chosen: Sequence[Candidate], desk: PermitDesk) -> Sequence[MoveOutcome]:
        stamp = Stamp(self.now_ms, ACTOR)
        outcomes = self.services.jobs.apply_all(
            [DispatchIfReady(candidate.job_id, self.pool.name, stamp) for candidate in chosen]
        )
        for candidate, outcome in zip(chosen, outcomes, strict=True):
            gone = isinstance(outcome, NotFound)
            if gone or (isinstance(outcome, TransitionRefused) and outcome.job.state not in _ACTIVE):
                desk.give_back(
                    candidate
                )  # else another dispatcher was quicker, or may be: the job holds its permits
        return outcomes


def _candidate(entry: IndexEntry, lane: str) -> Candidate:
    return Candidate(entry.job_id, entry.sort, entry.traits, lane)
