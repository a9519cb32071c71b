"""Dispatches READY jobs to their pool's queue, best first, as many as the pool's window allows.

A queue knows no priority. So the dispatcher keeps the queue short: at most `capacity x window` jobs of a pool are
QUEUED or RUNNING at a time, and all others wait in the index, in order of rank. The index may lag, so it only proposes
candidates. The conditional write of each job decides.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.domain.dispatch_plan import Candidate, Dispatched, free_slots, plan_dispatch, window_slots
from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job
from tidegate.domain.rank import ready_at_of
from tidegate.domain.rules import DispatchRules
from tidegate.domain.second_attempts import second_permit
from tidegate.domain.states import Group, State
from tidegate.domain.transitions import DispatchIfReady, Stamp, TransitionRefused
from tidegate.ports import IndexPage, Stopwatch, TransitionOutcome, message_of
from tidegate.usecases.bounds.run_clock import STILL, RunClock
from tidegate.usecases.dispatch.permits import PermitDesk
from tidegate.usecases.isolation import raise_first_failure
from tidegate.usecases.pools.capacity import pool_ability
from tidegate.usecases.pools.lanes import Lanes, hold, keep_shares, known_lanes, open_lanes
from tidegate.usecases.pools.rules_in_force import rules_in_force
from tidegate.usecases.pools.whole_group import entries_of
from tidegate.usecases.services import Services

ACTOR = "dispatcher"
MAX_JOBS_PER_RUN = 1_000
_FIRST_PAGE = 50  # candidates of each shard of a lane; most runs need only a few
_NO_LANES = Lanes((), ())
_ACTIVE = frozenset({State.QUEUED, State.RUNNING})
_TURNS = 10  # of one dispatcher while others ask for the lease; the next tick does the rest


@dataclass(frozen=True, slots=True)
class DispatchReport:
    """The result of one dispatch of one pool.

    `jobs` were dispatched. `unsent` of them are QUEUED without a message, and the reaper sends the messages later.
    `held` counts the jobs that were put into the lane of their concurrency key or type, because that is at its limit
    or paused.
    """

    pool: str
    jobs: tuple[Job, ...] = ()
    unsent: int = 0
    held: int = 0

    @property
    def dispatched(self) -> int:
        """The number of jobs that were dispatched."""
        return len(self.jobs)

    def __add__(self, later: DispatchReport) -> DispatchReport:
        """Adds the report of a later dispatch of the same pool."""
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
    """Makes the next READY jobs of a pool QUEUED and sends their messages; returns a report.

    At most `capacity x window` jobs of the pool are QUEUED or RUNNING afterwards, as far as the index shows. `changed`
    are jobs that changed a moment ago, which the index may not show yet. `stopwatch` measures the time since `now_ms`.

    One dispatcher at a time works on a pool, under a lease. If another one holds the lease, this call asks it to look
    again and returns an empty report. The holder then fills the window again, up to `_TURNS` times in all. It reads the
    rules and the workers again each time.
    Raises ServiceUnavailable or ServiceRefused, after the messages of the dispatched jobs have been sent.
    """
    run_clock = RunClock.since(now_ms, stopwatch)
    report = DispatchReport(pool_name)
    pool = services.settings.pools[pool_name]
    # Always read fresh. A cached capacity still counts a draining worker's slots, so the jobs it hands back would be
    # sent to it again.
    ability = pool_ability(services, pool, now_ms)
    window = window_slots(ability.slots, services.settings.window)
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
        return report  # the holder of the lease was asked to look again
    try:
        for turn in range(_TURNS):
            one.now_ms = run_clock.now_ms()
            if turn == 0 or one.renew():
                report += one.fill()
            # If another dispatcher asked, this extends the lease: several turns may take longer than one lease.
            until_ms = run_clock.now_ms() + lease_ms
            if services.leases.give_back_if_not_asked(pool_name, owner, until_ms=until_ms):
                return report
    except Exception:
        # The event that failed is delivered again, and must not find the pool still leased.
        services.leases.give_back(pool_name, owner)
        raise
    services.leases.give_back(pool_name, owner)
    return report


@dataclass(slots=True)
class _Dispatch:
    """Looks for candidates in one pool and, once it holds the lease, dispatches as many as the window still allows."""

    services: Services
    pool: str
    window: int
    permitted: DispatchRules  # set by operators; permits enforce these limits strictly
    limited: Mapping[str, int]  # capacity by type, for the types that some workers lack
    changed: Sequence[Job]
    now_ms: int
    lanes: Lanes = _NO_LANES
    pages: Mapping[tuple[str, int], IndexPage] = field(default_factory=dict)

    @property
    def rules(self) -> DispatchRules:
        """The rules with the lower of two limits for each type: the operators' and the workers'."""
        return self.permitted.within(self.limited)

    def renew(self) -> bool:
        """Reads rules, workers and candidates again; False if nothing may be dispatched now."""
        services = self.services
        ability = pool_ability(services, services.settings.pools[self.pool], self.now_ms)
        self.permitted = rules_in_force(services, self.now_ms)
        self.window = window_slots(ability.slots, services.settings.window)
        self.limited = ability.limited
        self.look()
        return self.window > 0 and not self.permitted.is_paused(self.pool)

    def look(self) -> bool:
        """Reads the first candidates; False if there can be none. Needs no lease, because candidates are only hints."""
        self.lanes = known_lanes(self.services, self.pool, self.rules, self.changed, self.now_ms)
        self.pages = self._first_pages([each.lane for each in self.lanes.in_turn])
        return bool(self.lanes.held) or any(page.entries for page in self.pages.values())

    def fill(self) -> DispatchReport:
        """Dispatches candidates until the window is full or none is left."""
        services = self.services
        dispatched = self._count_dispatched()
        beside = self._count_second_attempts() if services.settings.second_attempt_percent else 0
        free = min(MAX_JOBS_PER_RUN, free_slots(self.window, dispatched.total + beside))
        if free == 0:
            return DispatchReport(self.pool)
        held = self._first_pages(open_lanes(services, self.lanes, dispatched, self.rules))
        desk = PermitDesk(services, self.permitted, self.now_ms)
        plan = plan_dispatch(
            [self._queue(*place, page) for place, page in {**self.pages, **held}.items()],
            free,
            dispatched,
            self.rules,
            self.lanes.weights,
            services.entropy.jitter,
            desk.grant,
        )
        # A dispatched job may return to its share's lane, so that lane must be known.
        keep_shares(services, self.pool, (each.traits.share for each in plan.chosen), self.now_ms)
        outcomes = self._write(plan.chosen, desk)
        queued = tuple(outcome for outcome in outcomes if isinstance(outcome, Job))
        messages = [message_of(job) for job in queued]
        unsent = services.queue.send(self.pool, messages) if messages else ()
        # Only after the dispatched jobs, which hold permits: a failure here must not delay them.
        hold(services, self.pool, plan.held, self.now_ms)
        raise_first_failure(outcomes)
        return DispatchReport(self.pool, queued, len(unsent), len(plan.held))

    def _count_dispatched(self) -> Dispatched:
        # The index may still show jobs that have just ended or were handed over, so those are not counted. An entry
        # that is newer stays: the job was dispatched again. Of the changes only these are sure to be the latest.
        ended = {job.job_id: job.finished_at_ms or 0 for job in self.changed if job.is_terminal}
        ended |= {job.job_id: job.outside.since_ms for job in self.changed if job.outside and job.is_outside}
        standing = (
            entry.traits
            for entry in entries_of(self.services.index, self.pool, Group.ACTIVE, self.window + len(ended))
            if entry.sort >= ended.get(entry.job_id, 0)
        )
        # Once the window is full nothing is dispatched, so the count may stop there.
        return Dispatched.count(itertools.islice(standing, self.window))

    def _count_second_attempts(self) -> int:
        return len(self.services.permits.standing(second_permit(self.pool)).holders)

    def _first_pages(self, lanes: Sequence[str]) -> Mapping[tuple[str, int], IndexPage]:
        limit = min(_FIRST_PAGE, self.window)
        return self.services.index.first_pages(
            self.pool, Group.READY, limit=limit, descending=True, lanes=lanes
        )

    def _queue(self, lane: str, shard: int, page: IndexPage) -> Iterator[Candidate]:
        """Yields the candidates of one shard of a lane, best first; reads further, larger pages only when needed."""
        limit = _FIRST_PAGE
        while True:
            yield from (Candidate(entry.job_id, entry.sort, entry.traits, lane) for entry in page.entries)
            if page.next is None:
                return
            limit = min(MAX_JOBS_PER_RUN, limit * 4)
            page = self.services.index.page(
                self.pool, Group.READY, shard, limit=limit, descending=True, after=page.next, lane=lane
            )

    def _write(self, chosen: Sequence[Candidate], desk: PermitDesk) -> Sequence[TransitionOutcome]:
        stamp = Stamp(self.now_ms, ACTOR)
        outcomes = self.services.jobs.apply_all(
            [
                DispatchIfReady(candidate.job_id, self.pool, stamp, ready_at_of(candidate.rank))
                for candidate in chosen
            ]
        )
        for candidate, outcome in zip(chosen, outcomes, strict=True):
            # Permits are freed only if the job was surely not dispatched. If this or another dispatcher may have
            # dispatched it, the job still needs them.
            if isinstance(outcome, NotFound) or (
                isinstance(outcome, TransitionRefused) and not _is_dispatched(outcome.job, candidate)
            ):
                desk.give_back(candidate)
        return outcomes


def _is_dispatched(job: Job, candidate: Candidate) -> bool:
    return job.state in _ACTIVE and job.ready_at_ms == ready_at_of(candidate.rank)
