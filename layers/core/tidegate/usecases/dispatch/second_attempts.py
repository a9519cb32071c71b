"""Gives stragglers of a pool a second attempt, on slots that nothing else waits for.

A dispatcher does this at its tick, under the pool's dispatch lease, so that no other dispatcher fills the same slots.
Each second attempt holds a permit of its pool from its offer to its end. The dispatcher counts the holders as slots
that are taken, so a second attempt never gets a slot twice. Permits are freed by the change that ends the job, or by
the next tick, which ends second attempts that nobody claimed in time or whose worker was lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job
from tidegate.domain.limits import MAX_TYPE_LIMIT
from tidegate.domain.permits import attempt_of
from tidegate.domain.pools import PoolKind
from tidegate.domain.rules import DispatchRules, TypeRule
from tidegate.domain.second_attempts import (
    OFFER_MS,
    SecondEnd,
    most_second_attempts,
    second_holder,
    second_permit,
)
from tidegate.domain.states import Group
from tidegate.domain.statistics.usual_runs import UsualRun, slow_after_seconds, straggler_of
from tidegate.domain.transitions import EndSecondIfHolds, OfferSecondIfFirst, Stamp, TransitionRefused
from tidegate.domain.workers import Ability, WorkerState
from tidegate.ports import IndexEntry, second_message_of
from tidegate.usecases.dispatch.dispatch import ACTOR, dispatch
from tidegate.usecases.pools.capacity import live_workers, pool_ability
from tidegate.usecases.pools.lanes import known_lanes
from tidegate.usecases.pools.rules_in_force import rules_in_force
from tidegate.usecases.pools.whole_group import entries_of
from tidegate.usecases.services import Services

READ_AT_MOST = 100
"""How many jobs of a pool one tick reads at most, to see whether they straggle; a random part where more may."""


def offer_second_attempts(services: Services, pool: str, now_ms: int) -> int:
    """Ends and offers second attempts in a deployed pool; returns how many were offered.

    Does nothing while the deployment allows none, or another dispatcher works on the pool. Raises ServiceUnavailable or
    ServiceRefused.
    """
    settings = services.settings
    if settings.second_attempt_percent == 0:
        return 0
    # Most deployments allow none, so their dispatchers need not load the statistics.
    from tidegate.usecases.statistics.usual_runs import known_usual_runs

    usual = {  # read before the lease is taken, because no job of the pool is dispatched meanwhile
        job_type: replace(run, p99_seconds=after_seconds)
        for job_type, run in known_usual_runs(services, now_ms).items()
        if (after_seconds := slow_after_seconds(run)) is not None
    }
    lease_ms = settings.dispatch_lease_seconds * 1_000
    if lease_ms == 0:
        return _end_and_offer(services, pool, usual, now_ms)
    owner = services.entropy.new_ulid(now_ms)
    if not services.leases.take_if_free(pool, owner, now_ms=now_ms, until_ms=now_ms + lease_ms):
        return 0
    try:
        offered = _end_and_offer(services, pool, usual, now_ms)
        is_done = services.leases.give_back_if_not_asked(pool, owner, until_ms=now_ms + lease_ms)
    except Exception:
        services.leases.give_back(pool, owner)
        raise
    if not is_done:  # another dispatcher came for the lease and left its work to this one
        services.leases.give_back(pool, owner)
        dispatch(services, pool, now_ms, rules=rules_in_force(services, now_ms))
    return offered


def give_back_of_second_attempts(services: Services, changed: Sequence[Job]) -> None:
    """Frees the slots of the second attempts that ended with these changed jobs. Raises ServiceUnavailable."""
    by_pool: dict[str, list[str]] = {}
    for job in changed:
        if job.second is not None and job.live_second is None:
            by_pool.setdefault(job.pool, []).append(second_holder(job.job_id, job.second.beside))
    for pool, holders in by_pool.items():
        services.permits.give_back(second_permit(pool), holders)


def _end_and_offer(services: Services, pool: str, usual: Mapping[str, UsualRun], now_ms: int) -> int:
    standing = _still_held(services, pool, now_ms)
    rules = rules_in_force(services, now_ms)
    if not usual or rules.is_paused(pool):
        return 0
    ability = _ability_for_two(services, pool, now_ms)
    most = min(MAX_TYPE_LIMIT, most_second_attempts(ability.slots, services.settings.second_attempt_percent))
    if standing >= most:
        return 0
    active = list(islice(entries_of(services.index, pool, Group.ACTIVE, ability.slots), ability.slots))
    free = ability.slots - len(active) - standing
    if free < 1:
        return 0
    look = _Look(rules, ability, usual, now_ms)
    stragglers = look.among(services, active)
    if not stragglers or not _nothing_waits(services, pool, rules, now_ms):
        return 0
    offered = 0
    for job in stragglers[: min(free, most - standing)]:
        offered += _offer(services, pool, job, most, now_ms)
    return offered


def _ability_for_two(services: Services, pool_name: str, now_ms: int) -> Ability:
    """Returns the pool's ability; none where a single worker process would get both attempts."""
    pool = services.settings.pools[pool_name]
    if pool.kind is PoolKind.FUNCTION:
        return pool_ability(services, pool, now_ms)
    live = live_workers(services, pool_name, now_ms)
    able = [worker for worker in live if worker.state is WorkerState.ACTIVE and not worker.fault]
    return pool_ability(services, pool, now_ms, live) if len(able) > 1 else Ability(0)


@dataclass(frozen=True, slots=True)
class _Look:
    """Finds the jobs that may get a second attempt now.

    Jobs under a limit get none: a concurrency key and a type's limit bound how many run at once. `usual` tells for each
    type, as its 99th percentile, how long a job of it runs before it gets one.
    """

    rules: DispatchRules
    ability: Ability
    usual: Mapping[str, UsualRun]
    now_ms: int

    def among(self, services: Services, active: Sequence[IndexEntry]) -> list[Job]:
        """Returns the stragglers among dispatched jobs, longest running first. Reads at most `READ_AT_MOST` jobs."""
        likely = [entry.job_id for entry in active if self._may_straggle(entry)]
        start = int(services.entropy.jitter() * len(likely))
        read = [*likely[start:], *likely[:start]][:READ_AT_MOST]
        jobs = services.jobs.get_many(read).values() if read else ()
        return sorted(filter(self._is_to_get_one, jobs), key=lambda job: job.started_at_ms or 0)

    def _may_straggle(self, entry: IndexEntry) -> bool:
        traits = entry.traits
        run = self.usual.get(traits.type)
        return (
            run is not None
            and self.now_ms - entry.sort > (run.p99_seconds or 0) * 1_000  # it was dispatched before it began
            and traits.concurrency_key is None
            and self.rules.type_rule(traits.type) == TypeRule()
            and traits.type not in self.ability.limited
        )

    def _is_to_get_one(self, job: Job) -> bool:
        return (
            job.may_run_twice
            and not job.had_second
            and job.cancel_requested_at_ms is None
            and straggler_of(job, self.usual.get(job.type), self.now_ms) is not None
        )


def _nothing_waits(services: Services, pool: str, rules: DispatchRules, now_ms: int) -> bool:
    """True if no job of the pool is READY, as far as the index shows."""
    lanes = known_lanes(services, pool, rules, (), now_ms)
    if lanes.held:
        return False
    names = [each.lane for each in lanes.in_turn]
    pages = services.index.first_pages(pool, Group.READY, limit=1, descending=True, lanes=names)
    return not any(page.entries for page in pages.values())


def _offer(services: Services, pool: str, job: Job, most: int, now_ms: int) -> bool:
    """Offers a second attempt of a job; False if the job changed since it was read, or no permit is left."""
    permit, holder = second_permit(pool), second_holder(job.job_id, job.attempt)
    if not services.permits.take_if_free(permit, holder, limit=most, now_ms=now_ms):
        return False
    try:
        offered = services.jobs.apply(OfferSecondIfFirst(job, job.attempt, Stamp(now_ms, ACTOR)))
    except (TransitionRefused, NotFound):
        services.permits.give_back(permit, [holder])
        return False
    services.queue.send(pool, [second_message_of(offered)])  # an offer that stays unsent lapses
    return True


def _still_held(services: Services, pool: str, now_ms: int) -> int:
    """Frees the permits of second attempts that are over, and ends those that are lost; returns how many are left."""
    permit = second_permit(pool)
    holders = sorted(services.permits.standing(permit).holders)
    over = [holder for holder in holders if _is_over(services, *attempt_of(holder), now_ms)]
    if over:
        services.permits.give_back(permit, over)
    return len(holders) - len(over)


def _is_over(services: Services, job_id: str, beside: int, now_ms: int) -> bool:
    """True if the second attempt can no longer claim, hold or win the job. The conditional write decides."""
    job = services.jobs.get(job_id, consistent=True)
    second = None if job is None else job.live_second
    if job is None or second is None or second.beside != beside:
        return True
    if second.worker_id is None:
        if now_ms - second.offered_at_ms < OFFER_MS:
            return False
        end = EndSecondIfHolds(job, beside, None, SecondEnd.LAPSED)
    else:
        if (second.lease_expires_at_ms or 0) >= now_ms:
            return False
        end = EndSecondIfHolds(job, beside, second.worker_id, SecondEnd.LOST, now_ms)
    try:
        services.jobs.apply(end)
    except TransitionRefused as refused:
        return refused.job.live_second is None
    except NotFound:
        return True
    return True
