"""Explains why a job is not running. Reads what the dispatcher would read, at most `READS` times, and decides.

Each read is one question to a port. A read of the index or of many jobs is sent as several requests side by side, one
for each shard and lane, of which there is a bound too. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from tidegate.domain.announcements import Announcement
from tidegate.domain.dispatch_plan import Candidate
from tidegate.domain.dispatch_plan import Dispatched as Counts
from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job, submission_of
from tidegate.domain.lanes import MAIN, key_lane, key_of, share_lane, share_of, type_lane, type_of
from tidegate.domain.permits import Permit, attempt_of, job_of, key_permit, type_permit
from tidegate.domain.pools import offering
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import Group, State
from tidegate.domain.submission import Phase
from tidegate.domain.why.decide import WAITING, decide
from tidegate.domain.why.facts import Why
from tidegate.domain.why.places import candidate_of
from tidegate.domain.why.seen import Active, Edge, PoolSeen, Seen
from tidegate.ports import KnownLane
from tidegate.usecases.bounds.deadline import NEVER, Deadline
from tidegate.usecases.pools.capacity import pool_ability
from tidegate.usecases.pools.lanes import LANES_AT_MOST, Lanes, open_lanes
from tidegate.usecases.read.visible import is_accepted
from tidegate.usecases.services import Services
from tidegate.usecases.statistics.usual_runs import straggling

READS = 10
MAX_EDGES = 40  # unmet dependencies whose upstreams are read
MAX_JOBS_READ = 100  # in one read of many jobs, which is one request
MAX_ACTIVE = 1_000  # dispatched jobs of each shard
MAX_PERMITS = 100  # in one read
MAX_LANES = 32  # lanes whose READY jobs are read
MAX_READY = 200  # READY jobs of each shard of a lane
_DISPATCHED = frozenset({State.QUEUED, State.RUNNING})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Explained:
    """A job, and why it is not running."""

    job: Job
    why: Why


def _unannounced(_job_type: str) -> Announcement | None:
    return None


def explain(
    services: Services,
    job_id: str,
    *,
    now_ms: int,
    until: Deadline = NEVER,
    announced: Callable[[str], Announcement | None] = _unannounced,
) -> Explained:
    """Returns the job with the facts that hold it at `now_ms` and the changes that start it.

    Asks the ports at most `READS` questions. For a RUNNING job it is one, and the usual runs, which a process reads
    once in ten minutes (`known_usual_runs`, until `until`). `announced` returns the announcement of a job type, None
    for one of the deployed code; it is asked about a job that waits in a pool, and reads at most once in two seconds.
    Raises NotFound, also while the job's workflow is not accepted yet; ServiceUnavailable.
    """
    seen = _Look(services, now_ms, until).at(job_id)
    if seen.at_pool is not None and seen.at_pool.pool is not None:
        seen = replace(seen, announcement=announced(seen.job.type))
    return Explained(seen.job, decide(seen))


@dataclass(slots=True)
class _Look:
    """The reads of one answer, at most `READS`. `is_whole` is False once one of them was cut off."""

    services: Services
    now_ms: int
    until: Deadline
    is_whole: bool = True
    _jobs: dict[str, Job] = field(default_factory=dict)
    _unread: frozenset[str] = frozenset()

    def at(self, job_id: str) -> Seen:
        """Reads everything about one job."""
        services, settings = self.services, self.services.settings
        job = services.jobs.get(job_id, consistent=True)
        if job is None:
            raise NotFound("job", job_id)
        seen = Seen(job, self.now_ms, settings.rank_policy, settings.window)
        if job.state not in WAITING:
            return replace(seen, straggler=straggling(services, job, self.now_ms, self.until))
        edges: Sequence[Edge] = ()
        if job.state is State.PENDING:
            is_submitted = self._is_submitted(job)
            edges = self._edges(job)
            unwritten = () if is_submitted else self._unwritten(job)
            seen = replace(seen, is_submitted=is_submitted, unwritten=unwritten)
            seen = replace(seen, edges_left_out=max(0, len(job.waiting_on) - MAX_EDGES))
        at_pool = self._at_pool(job, [edge.dependency.upstream_id for edge in edges])
        unwritten = tuple(root for root in seen.unwritten if root.job_id not in self._jobs)
        known = {root.job_id: root for root in unwritten} | self._jobs
        edges = [Edge(edge.dependency, known.get(edge.dependency.upstream_id)) for edge in edges]
        return replace(seen, edges=tuple(edges), unwritten=unwritten, at_pool=at_pool)

    def _is_submitted(self, job: Job) -> bool:
        if job.workflow_id is None or job.reopened:
            return True
        submission = self.services.submissions.get(submission_of(job.job_id))
        if submission is None or not is_accepted(submission):
            raise NotFound("job", job.job_id)
        return submission.phase is Phase.COMPLETE

    def _unwritten(self, job: Job) -> tuple[Job, ...]:
        """Returns the roots of an unfinished submission, which are written last.

        They are left out where the job's dependencies took a read of their own.
        """
        if job.input is None:
            self.is_whole = False
            return ()
        plan = self.services.submissions.load_plan(submission_of(job.job_id))
        self.is_whole &= len(plan.roots) <= MAX_READY
        return plan.roots[:MAX_READY]

    def _edges(self, job: Job) -> list[Edge]:
        """Returns the first unmet dependencies, without their upstreams."""
        wanted = [(job, ordinal) for ordinal in sorted(job.waiting_on)[:MAX_EDGES]]
        if job.input is not None:
            given = job.input.depends_on
            return [Edge(given[ordinal], None) for _, ordinal in wanted]
        found = self.services.jobs.load_dependencies(wanted)
        return [Edge(found[job.job_id, ordinal], None) for _, ordinal in wanted]

    # --- the pool ---------------------------------------------------------------------------------
    def _at_pool(self, job: Job, upstreams: Sequence[str]) -> PoolSeen | None:
        services = self.services
        pool = services.settings.pools.get(job.pool)
        if pool is None or self._may_choose(job):
            self._read_jobs(upstreams)
            return None if pool is not None else PoolSeen(None, DispatchRules())
        rules = services.rules.load()
        ability = pool_ability(services, pool, self.now_ms)
        active = self._active(job.pool)
        seen = PoolSeen(pool, rules, ability, active)
        if job.state is State.QUEUED:
            earliest = sorted(active, key=lambda each: (each.queued_at_ms, each.job_id))
            self._read_jobs([each.job_id for each in earliest])
            return replace(seen, active=tuple(map(self._with_state, active)), is_whole=self.is_whole)
        lanes = services.lanes.list_lanes(job.pool, limit=LANES_AT_MOST)
        queues = self._queues(job, rules, lanes, _that_stay(job, active, upstreams))
        permits = self._permits(job, rules, queues)
        known = {each.job_id for each in active}
        holders = [job_of(each) for permit in permits.values() for each in permit.holders]
        self._read_jobs([*upstreams, *(holder for holder in holders if holder not in known)])
        permits = {name: self._standing(permit, known) for name, permit in permits.items()}
        return replace(
            seen,
            queues=queues,
            weights={share_of(each.lane) or "": each.weight for each in lanes if share_of(each.lane)},
            permits=permits,
            is_whole=self.is_whole,
        )

    def _may_choose(self, job: Job) -> bool:
        """Tells whether the job's pool is chosen later, among several."""
        if not job.pool_open or job.state not in (State.PENDING, State.SCHEDULED):
            return False
        settings = self.services.settings
        offered = offering(settings.pools, settings.default_pool, frozenset(job.requires))
        return sum(job.timeout_seconds <= pool.max_timeout_seconds for pool in offered) > 1

    def _active(self, pool: str) -> tuple[Active, ...]:
        index = self.services.index
        pages = index.first_pages(pool, Group.ACTIVE, limit=MAX_ACTIVE)
        self.is_whole &= all(page.next is None for page in pages.values())
        return tuple(
            Active(entry.job_id, entry.traits, entry.sort)
            for page in pages.values()
            for entry in page.entries
        )

    def _with_state(self, active: Active) -> Active:
        job = self._jobs.get(active.job_id)
        return active if job is None else replace(active, runs=job.state is State.RUNNING)

    def _read_jobs(self, job_ids: Sequence[str]) -> None:
        wanted = list(dict.fromkeys(job_ids))
        self.is_whole &= len(wanted) <= MAX_JOBS_READ
        self._unread = frozenset(wanted[MAX_JOBS_READ:])
        if wanted:
            read = self.services.jobs.get_many
            self._jobs |= read(wanted[:MAX_JOBS_READ], consistent=True)

    # --- permits ----------------------------------------------------------------------------------
    def _permits(
        self, job: Job, rules: DispatchRules, queues: Sequence[Sequence[Candidate]]
    ) -> dict[str, Permit]:
        """Returns the permits that the job and the jobs that compete with it need, by name."""
        types = {job.type, *(each.traits.type for queue in queues for each in queue)}
        keys = {each.traits.concurrency_key for queue in queues for each in queue}
        names = [type_permit(each) for each in sorted(types) if rules.type_rule(each).max_running is not None]
        names += [key_permit(key) for key in sorted(key for key in keys if key is not None)]
        if job.concurrency_key is not None:
            names.insert(0, key_permit(job.concurrency_key))
        wanted = list(dict.fromkeys(names))
        self.is_whole &= len(wanted) <= MAX_PERMITS
        if not wanted:
            return {}
        return dict(self.services.permits.standing_of(wanted[:MAX_PERMITS]))

    def _standing(self, permit: Permit, active: set[str]) -> Permit:
        """Returns the permit without the holders that are no longer dispatched, which the next tick removes."""
        holders = frozenset(each for each in permit.holders if self._holds(each, active))
        return replace(permit, holders=holders)

    def _holds(self, holder: str, active: set[str]) -> bool:
        job_id, ready_at_ms = attempt_of(holder)
        if job_id in active:
            return True
        if job_id in self._unread:
            return True
        job = self._jobs.get(job_id)
        return job is not None and job.state in _DISPATCHED and job.ready_at_ms == ready_at_ms

    # --- lanes ------------------------------------------------------------------------------------
    def _queues(
        self, job: Job, rules: DispatchRules, known: Sequence[KnownLane], dispatched: Counts
    ) -> tuple[tuple[Candidate, ...], ...]:
        """Reads the READY jobs of the lanes that compete with the job, each shard of a lane best first.

        `dispatched` counts the jobs that are still dispatched when the job becomes READY.
        """
        in_turn = [MAIN, *(each.lane for each in known if share_of(each.lane) and not each.resting)]
        held = [each for each in known if share_of(each.lane) is None]
        own = [each.lane for each in held if _is_of(each.lane, job)]
        others = Lanes((), [each for each in held if each.lane not in own and _is_on(each.lane, rules)])
        lanes = list(
            dict.fromkeys(
                [*in_turn, *_own_lanes(job), *own, *open_lanes(self.services, others, dispatched, rules)]
            )
        )
        self.is_whole &= len(lanes) <= MAX_LANES and len(known) < LANES_AT_MOST
        read = self.services.index.first_pages
        wanted = lanes[:MAX_LANES]
        pages = read(job.pool, Group.READY, limit=MAX_READY, descending=True, lanes=wanted)
        mine = candidate_of(job, self.services.settings.rank_policy, self.now_ms).rank
        self.is_whole &= all(page.next is None or page.entries[-1].sort < mine for page in pages.values())
        return tuple(
            tuple(Candidate(entry.job_id, entry.sort, entry.traits, lane) for entry in page.entries)
            for (lane, _), page in pages.items()
        )


def _that_stay(job: Job, active: Sequence[Active], upstreams: Sequence[str]) -> Counts:
    """Counts the dispatched jobs but for those that may have to end before the job starts."""
    key = job.concurrency_key
    return Counts.count(
        each.traits
        for each in active
        if each.job_id not in upstreams and (key is None or each.traits.concurrency_key != key)
    )


def _own_lanes(job: Job) -> list[str]:
    lanes = [share_lane(job.share), type_lane(job.type)]
    if job.concurrency_key is not None:
        lanes.append(key_lane(job.concurrency_key, job.concurrency_limit))
    return lanes


def _is_of(lane: str, job: Job) -> bool:
    by_key = key_of(lane)
    return type_of(lane) == job.type or (by_key is not None and by_key[0] == job.concurrency_key)


def _is_on(lane: str, rules: DispatchRules) -> bool:
    job_type = type_of(lane)
    return job_type is None or not rules.type_rule(job_type).paused
