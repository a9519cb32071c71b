"""Finds the place of a job among the jobs of its pool, by the dispatcher's own plan.

The plan is asked what it would dispatch if there were slots without end. The jobs that it chooses before the job are
ahead of it. A share that has nothing dispatched counts a random number in the plan; here it counts that number's mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace

from tidegate.domain.dispatch_plan import LOOK_AT_MOST, Candidate, Dispatched, plan_dispatch
from tidegate.domain.job import Job
from tidegate.domain.lanes import key_lane, share_lane, type_lane
from tidegate.domain.permits import Permit, asking, has_room, job_of, key_permit, type_permit
from tidegate.domain.rank import RankPolicy
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import State
from tidegate.domain.traits import Traits
from tidegate.domain.why.seen import PoolSeen

MEAN_DRAW = 1 - 1 / math.e  # the draw of a share that has nothing dispatched then counts 1


@dataclass(frozen=True, slots=True)
class Line:
    """The place of a job: `dispatched` jobs have slots before it, and the jobs `ahead` are dispatched before it.

    `is_reached` is False where the plan looks at no job so far behind; more jobs are ahead then.
    """

    dispatched: Dispatched
    ahead: tuple[Candidate, ...]
    is_reached: bool = True

    @property
    def needed(self) -> int:
        """Returns how many slots there must be for the job to run beside all of those before it."""
        return self.dispatched.total + len(self.ahead) + 1

    def by_type(self, job_type: str) -> int:
        """Returns how many jobs of a type are dispatched or ahead."""
        return self.dispatched.by_type[job_type] + self.ahead_of_type(job_type)

    def ahead_of_type(self, job_type: str) -> int:
        """Returns how many jobs of a type are ahead."""
        return sum(each.traits.type == job_type for each in self.ahead)


def candidate_of(job: Job, policy: RankPolicy, now_ms: int) -> Candidate:
    """Returns the job as a candidate of the dispatcher: as it is READY, or as it would become READY.

    A job that waits for a time would become READY then, any other job at `now_ms`, in milliseconds since the epoch.
    """
    ready_at_ms, lane, passes = job.ready_at_ms or 0, job.lane, job.passes
    if job.state is not State.READY:
        starts_ms = job.due_at_ms if job.state is State.SCHEDULED else job.not_before_ms
        ready_at_ms, lane, passes = max(now_ms, starts_ms or 0, ready_at_ms + 1), share_lane(job.share), 0
    return Candidate(job.job_id, job.rank_under(policy, ready_at_ms, passes=passes), job.traits, lane)


def line_of(me: Candidate, pool: PoolSeen, gone: Set[str], started: Sequence[Job] = ()) -> Line:
    """Returns the place of a candidate once the jobs `gone` have ended and the jobs `started` run in its pool.

    The candidate's own type and concurrency key hold nothing back in it.
    """
    dispatched = Dispatched.count(_standing(me, pool, gone, started))
    out = {*gone, *(job.job_id for job in started)}
    mine = replace(me, traits=replace(me.traits, concurrency_key=None))
    queues = [
        [mine if each.job_id == me.job_id else each for each in queue if each.job_id not in out]
        for queue in pool.queues
    ]
    # In a lane of held jobs of several shares, the job has its turn only once those before it in the lane have had it.
    if not any(each.job_id == me.job_id for queue in queues for each in queue):
        queues.append([mine])
    before = Dispatched.count(_standing(me, pool, gone, started))  # the plan adds what it chooses
    plan = plan_dispatch(
        queues,
        LOOK_AT_MOST,
        before,
        _rules_of_others(pool, me.traits.type),
        pool.weights,
        lambda: MEAN_DRAW,
        _Desk(pool, me.traits.type, gone).grant,
    )
    ids = [each.job_id for each in plan.chosen]
    is_reached = me.job_id in ids
    ahead = plan.chosen[: ids.index(me.job_id)] if is_reached else plan.chosen
    return Line(dispatched, ahead, is_reached)


def line_of_queued(job: Job, pool: PoolSeen) -> Line:
    """Returns the place of a QUEUED job: behind the jobs that run and those that were dispatched before it."""
    place = (job.queued_at_ms or 0, job.job_id)
    others = [each for each in pool.active if each.job_id != job.job_id]
    running = Dispatched.count(each.traits for each in others if each.runs)
    queued = sorted((each.queued_at_ms, each.job_id, each) for each in others if not each.runs)
    ahead = [Candidate(each.job_id, 0, each.traits) for *before, each in queued if tuple(before) < place]
    return Line(running, tuple(ahead))


@dataclass(slots=True)
class _Desk:
    """Decides about permits as the dispatcher's desk does, without taking any. The job's own hold nothing back."""

    pool: PoolSeen
    own_type: str
    gone: Set[str]
    taken: dict[str, list[int]] = field(default_factory=dict)  # by permit, the limits that its takers ask for

    def grant(self, candidate: Candidate) -> str | None:
        """Returns the lane in which the candidate has to wait for a permit, None where it gets all that it needs."""
        needed = list(self._needed(candidate.traits))
        for permit, limit, lane in needed:
            if not self._has_room(permit, limit):
                return lane
        for permit, limit, _ in needed:
            self.taken.setdefault(permit, []).append(limit)
        return None

    def _needed(self, traits: Traits) -> Iterator[tuple[str, int, str]]:
        limit = self.pool.rules.type_rule(traits.type).max_running
        if limit is not None and traits.type != self.own_type:
            yield type_permit(traits.type), limit, type_lane(traits.type)
        key = traits.concurrency_key
        if key is not None:
            yield key_permit(key), traits.concurrency_limit, key_lane(key, traits.concurrency_limit)

    def _has_room(self, name: str, limit: int) -> bool:
        permit = self.pool.permits.get(name, Permit())
        holders = {holder for holder in permit.holders if job_of(holder) not in self.gone}
        holders |= {asking(f"{number}@0", asked) for number, asked in enumerate(self.taken.get(name, ()))}
        return has_room(replace(permit, holders=frozenset(holders)), limit)


def _standing(me: Candidate, pool: PoolSeen, gone: Set[str], started: Sequence[Job]) -> Iterator[Traits]:
    yield from (each.traits for each in pool.active if each.job_id not in {me.job_id, *gone})
    known = {each.job_id for each in pool.active} | gone
    name = pool.pool.name if pool.pool else None
    yield from (job.traits for job in started if job.job_id not in known and job.pool == name)


def _rules_of_others(pool: PoolSeen, job_type: str) -> DispatchRules:
    rules = pool.rules.within(pool.ability.limited)
    return replace(rules, types={name: rule for name, rule in rules.types.items() if name != job_type})
