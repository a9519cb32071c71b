"""Dispatch: the jobs whose turn it is go into their pool's queue, as many as its window allows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.domain.dispatch_plan import Candidate, Dispatched, free_places, plan_dispatch, window_places
from tidegate.domain.errors import NotFound, TransitionRefused
from tidegate.domain.job import Job
from tidegate.domain.rank import ready_at_of
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import Group, State
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.ports import IndexPage, MoveOutcome, Stopwatch, message_of
from tidegate.usecases.bounds.run_clock import (
    STILL,
    RunClock,
)
from tidegate.usecases.dispatch.permits import PermitDesk
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.pools.capacity import pool_ability
from tidegate.usecases.pools.lanes import (
    Lanes,
    hold,
    keep_shares,
    known_lanes,
    open_lanes,
)
from tidegate.usecases.pools.rules_in_force import rules_in_force
from tidegate.usecases.pools.whole_group import entries_of
from tidegate.usecases.services import Services

ACTOR = "dispatcher"
MAX_JOBS_PER_RUN = 1_000
_FIRST_PAGE = 50  # candidates of each shard of a lane; most runs need a few
_NO_LANES = Lanes((), ())
_ACTIVE = frozenset({State.QUEUED, State.RUNNING})
_TURNS = 10  # of one dispatcher while others ask for the lease; the schedule does what is left


@dataclass(frozen=True, slots=True)
class DispatchReport:
    """What one dispatch of one pool did.

    `jobs` were dispatched; `unsent` of them are QUEUED without a message, and the reaper sends them again. `held` were
    moved out of the way of others because their concurrency key or type is taken up or paused.
    """

    pool: str
    jobs: tuple[Job, ...] = ()
    unsent: int = 0
    held: int = 0

    @property
    def dispatched(self) -> int:
        """How many jobs were dispatched."""
        return len(self.jobs)

    def __add__(self, later: DispatchReport) -> DispatchReport:
        """Two dispatches of one pool together."""
        return DispatchReport(
            self.pool, (*self.jobs, *later.jobs), self.unsent + later.unsent, self.held + later.held
        )


def dispatch(
    services: Services,
    pool_name: str,
    now_ms: int,
    *,
    rules: DispatchRules,
    changed: Sequence[Job] = (),
    stopwatch: Stopwatch = STILL,
) -> DispatchReport:
    """Moves the READY jobs whose turn it is from a pool to QUEUED, and sends their messages.

    At most capacity x window jobs of the pool are QUEUED or RUNNING afterwards, as far as the index shows; that
    holding back is what makes priority true on a queue that knows none. `changed` are jobs that are known to have
    moved, which the index may not show yet. `stopwatch` says how much later than `now_ms` each turn is. Each turn but
    the first reads again what operators allow and what workers can do.
    """
    run_clock = RunClock.since(now_ms, stopwatch)
    report = DispatchReport(pool_name)
    pool = services.settings.pools[pool_name]
    # Never recalled: what a worker hands back as it drains would be dispatched to the slots it takes away.
    ability = pool_ability(services, pool, now_ms)
    window = window_places(ability.slots, services.settings.window)
    if window == 0 or rules.is_paused(pool_name):
        return report
    one = _Dispatch(services, pool_name, window, rules, ability.limited, changed, now_ms)
    if not one.look():
        return report
    lease_ms = services.settings.dispatch_lease_seconds * 1_000
    if lease_ms == 0:
        return one.fill()
    one.now_ms = run_clock.now_ms()
    owner = services.entropy.new_ulid(one.now_ms)
    if not services.leases.take_if_free(pool_name, owner, now_ms=one.now_ms, until_ms=one.now_ms + lease_ms):
        return report  # who has it was told, and looks again
    try:
        for turn in range(_TURNS):
            one.now_ms = run_clock.now_ms()
            if turn == 0 or one.renew():
                report += one.fill()
            # Asked for, it is held for another lease's time: several turns may take longer than one.
            until_ms = run_clock.now_ms() + lease_ms
            if services.leases.release_if_not_asked(pool_name, owner, until_ms=until_ms):
                return report
    except Exception:
        # What failed comes again, and must not find this lease.
        services.leases.release(pool_name, owner)
        raise
    services.leases.release(pool_name, owner)
    return report


@dataclass(slots=True)
class _Dispatch:
    """Looks for candidates, and then, in its turn, fills the places that are free."""

    services: Services
    pool: str
    window: int
    permitted: DispatchRules  # what operators allow, which permits keep strictly
    limited: Mapping[str, int]  # by type, what workers can run at once where some lack it
    changed: Sequence[Job]
    now_ms: int
    lanes: Lanes = _NO_LANES
    pages: Mapping[tuple[str, int], IndexPage] = field(default_factory=dict)

    @property
    def rules(self) -> DispatchRules:
        """The rules by operators' limits and by workers' abilities, whichever allow less."""
        return self.permitted.within(self.limited)

    def renew(self) -> bool:
        """Reads rules, workers and candidates anew; False where nothing may be dispatched by now."""
        services = self.services
        ability = pool_ability(services, services.settings.pools[self.pool], self.now_ms)
        self.permitted = rules_in_force(services, self.now_ms)
        self.window = window_places(ability.slots, services.settings.window)
        self.limited = ability.limited
        self.look()
        return self.window > 0 and not self.permitted.is_paused(self.pool)

    def look(self) -> bool:
        """Reads the first candidates; False where there can be none. They are hints, so no lease is needed for it."""
        self.lanes = known_lanes(self.services, self.pool, self.rules, self.changed, self.now_ms)
        self.pages = self._first_pages([each.lane for each in self.lanes.in_turn])
        return bool(self.lanes.held) or any(page.entries for page in self.pages.values())

    def fill(self) -> DispatchReport:
        """Dispatches what was found into the places that are free."""
        services = self.services
        dispatched = self._count_dispatched()
        places = min(MAX_JOBS_PER_RUN, free_places(self.window, dispatched.total))
        if places == 0:
            return DispatchReport(self.pool)
        held = self._first_pages(open_lanes(services, self.lanes, dispatched, self.rules))
        desk = PermitDesk(services, self.permitted, self.now_ms)
        plan = plan_dispatch(
            [self._queue(*place, page) for place, page in {**self.pages, **held}.items()],
            places,
            dispatched,
            self.rules,
            self.lanes.weights,
            services.entropy.jitter,
            desk.grant,
        )
        # A dispatched job may come back to its share's lane.
        keep_shares(services, self.pool, (each.traits.share for each in plan.chosen), self.now_ms)
        outcomes = self._move(plan.chosen, desk)
        moved = tuple(outcome for outcome in outcomes if isinstance(outcome, Job))
        messages = [message_of(job) for job in moved]
        unsent = services.queue.send(self.pool, messages) if messages else ()
        # After those that hold permits by now: nothing that fails here may keep them waiting.
        hold(services, self.pool, plan.held, self.now_ms)
        raise_first_failure(outcomes)
        return DispatchReport(self.pool, moved, len(unsent), len(plan.held))

    def _count_dispatched(self) -> Dispatched:
        # Only an end is sure to be the latest news of a job, unless it was reopened and dispatched again since.
        ended = {job.job_id: job.finished_at_ms or 0 for job in self.changed if job.is_terminal}
        standing = (
            entry.traits
            for entry in entries_of(self.services.index, self.pool, Group.ACTIVE, self.window + len(ended))
            if entry.sort >= ended.get(entry.job_id, 0)
        )
        # A window that is full has no place to give, so nobody needs the rest of the count.
        return Dispatched.count(itertools.islice(standing, self.window))

    def _first_pages(self, lanes: Sequence[str]) -> Mapping[tuple[str, int], IndexPage]:
        limit = min(_FIRST_PAGE, self.window)
        return self.services.index.first_pages(
            self.pool, Group.READY, limit=limit, descending=True, lanes=lanes
        )

    def _queue(self, lane: str, shard: int, page: IndexPage) -> Iterator[Candidate]:
        """The candidates of one shard of a lane, best first; further, larger pages are read when they are needed."""
        limit = _FIRST_PAGE
        while True:
            yield from (Candidate(entry.job_id, entry.sort, entry.traits, lane) for entry in page.entries)
            if page.next is None:
                return
            limit = min(MAX_JOBS_PER_RUN, limit * 4)
            page = self.services.index.page(
                self.pool, Group.READY, shard, limit=limit, descending=True, after=page.next, lane=lane
            )

    def _move(self, chosen: Sequence[Candidate], desk: PermitDesk) -> Sequence[MoveOutcome]:
        stamp = Stamp(self.now_ms, ACTOR)
        outcomes = self.services.jobs.apply_all(
            [
                DispatchIfReady(candidate.job_id, self.pool, stamp, ready_at_of(candidate.rank))
                for candidate in chosen
            ]
        )
        for candidate, outcome in zip(chosen, outcomes, strict=True):
            # Where it may have been dispatched, by this or a quicker dispatcher, it needs its permits.
            if isinstance(outcome, NotFound) or (
                isinstance(outcome, TransitionRefused) and not _is_dispatched(outcome.job, candidate)
            ):
                desk.give_back(candidate)
        return outcomes


def _is_dispatched(job: Job, candidate: Candidate) -> bool:
    return job.state in _ACTIVE and job.ready_at_ms == ready_at_of(candidate.rank)
