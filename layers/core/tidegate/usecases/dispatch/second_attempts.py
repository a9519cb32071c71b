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
from tidegate.domain.states import Group, State
from tidegate.domain.statistics.usual_runs import UsualRun, slow_after_seconds, straggler_of
from tidegate.domain.transitions import EndSecondIfHolds, OfferSecondIfFirst, Stamp, TransitionRefused
from tidegate.domain.workers import Ability, WorkerState
from tidegate.ports import IndexEntry, Stopwatch, second_message_of
from tidegate.usecases.bounds.run_clock import STILL, RunClock
from tidegate.usecases.dispatch.dispatch import ACTOR, DispatchReport, dispatch
from tidegate.usecases.pools.capacity import live_workers, pool_ability
from tidegate.usecases.pools.lanes import known_lanes
from tidegate.usecases.pools.rules_in_force import rules_in_force
from tidegate.usecases.pools.whole_group import entries_of
from tidegate.usecases.services import Services

READ_AT_MOST = 100
"""How many jobs of a pool one tick reads at most, to see whether they straggle; a random part where more may."""


def offer_second_attempts(
    services: Services, pool: str, now_ms: int, stopwatch: Stopwatch = STILL
) -> DispatchReport:
    """Ends and offers second attempts in a deployed pool.

    Does nothing while the deployment allows none, or another dispatcher works on the pool. If another dispatcher comes
    meanwhile, its jobs are dispatched here, even after an error; the report is about those. `stopwatch` measures the
    time since `now_ms`. Raises ServiceUnavailable or ServiceRefused.
    """
    settings = services.settings
    if settings.second_attempt_percent == 0:
        return DispatchReport(pool)
    run_clock = RunClock.since(now_ms, stopwatch)
    look = _look_at(services, pool, now_ms)
    if not services.permits.standing(second_permit(pool)).holders and not look.may_find(services, pool):
        return DispatchReport(pool)  # as in most minutes, so the lease costs nothing then
    lease_ms = settings.dispatch_lease_seconds * 1_000
    if lease_ms == 0:
        _end_and_offer(services, pool, look)
        return DispatchReport(pool)
    owner = services.entropy.new_ulid(now_ms)
    taken_ms = run_clock.now_ms()
    if not services.leases.take_if_free(pool, owner, now_ms=taken_ms, until_ms=taken_ms + lease_ms):
        return DispatchReport(pool)
    try:
        _end_and_offer(services, pool, look)
    finally:
        report = _leave(services, pool, owner, run_clock, stopwatch)
    return report


def _leave(
    services: Services, pool: str, owner: str, run_clock: RunClock, stopwatch: Stopwatch
) -> DispatchReport:
    """Gives the lease back, and dispatches if another dispatcher came for it and left its jobs to this one."""
    until_ms = run_clock.now_ms() + services.settings.dispatch_lease_seconds * 1_000
    is_asked = True  # as far as is known after an error
    try:
        is_asked = not services.leases.give_back_if_not_asked(pool, owner, until_ms=until_ms)
    finally:
        report = DispatchReport(pool)
        if is_asked:
            services.leases.give_back(pool, owner)
            now_ms = run_clock.now_ms()
            rules = rules_in_force(services, now_ms)
            report = dispatch(services, pool, now_ms, rules=rules, stopwatch=stopwatch)
    return report


def give_back_of_second_attempts(services: Services, changed: Sequence[Job]) -> None:
    """Frees the slots of the second attempts that ended with these changed jobs. Raises ServiceUnavailable.

    A later attempt or life of a job frees nothing: an earlier event did so, or the tick does.
    """
    by_pool: dict[str, list[str]] = {}
    for job in changed:
        if (
            job.second is not None
            and job.live_second is None
            and job.had_second
            and job.second.beside == job.attempt
        ):
            by_pool.setdefault(job.pool, []).append(second_holder(job.job_id, job.second.beside))
    for pool, holders in by_pool.items():
        services.permits.give_back(second_permit(pool), holders)


def _end_and_offer(services: Services, pool: str, look: _Look) -> None:
    now_ms = look.now_ms
    standing = _still_held(services, pool, now_ms)
    slots = look.ability.slots
    most = min(MAX_TYPE_LIMIT, most_second_attempts(slots, services.settings.second_attempt_percent))
    if standing >= most:
        return
    active = look.active(services, pool)  # again, because another dispatcher may have filled slots
    free = slots - len(active) - standing
    if free < 1:
        return
    stragglers = look.among(services, active)
    if not stragglers or not _nothing_waits(services, pool, look.rules, now_ms):
        return
    for job in stragglers[: min(free, most - standing)]:
        _offer(services, pool, job, most, now_ms)


def _look_at(services: Services, pool: str, now_ms: int) -> _Look:
    """Reads how long jobs usually run, and which slots and rules the pool has now. Needs no lease."""
    # Most deployments allow none, so their dispatchers need not load the statistics.
    from tidegate.usecases.statistics.usual_runs import known_usual_runs

    usual = {
        job_type: replace(run, p99_seconds=after_seconds)
        for job_type, run in known_usual_runs(services, now_ms).items()
        if (after_seconds := slow_after_seconds(run)) is not None
    }
    rules = rules_in_force(services, now_ms)
    is_open = bool(usual) and not rules.is_paused(pool)
    return _Look(rules, _ability_for_two(services, pool, now_ms) if is_open else Ability(0), usual, now_ms)


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

    def active(self, services: Services, pool: str) -> list[IndexEntry]:
        """Returns the dispatched jobs of the pool, at most as many as it has slots."""
        slots = self.ability.slots
        return list(islice(entries_of(services.index, pool, Group.ACTIVE, slots), slots)) if slots else []

    def may_find(self, services: Services, pool: str) -> bool:
        """True if a dispatched job may straggle, as far as the index shows."""
        return any(self._may_straggle(entry) for entry in self.active(services, pool))

    def among(self, services: Services, active: Sequence[IndexEntry]) -> list[Job]:
        """Returns the stragglers among dispatched jobs, longest running first. Reads at most `READ_AT_MOST` jobs."""
        likely = [entry.job_id for entry in active if self._may_straggle(entry)]
        start = int(services.entropy.jitter() * len(likely))
        read = [*likely[start:], *likely[:start]][:READ_AT_MOST]
        # Consistent: a job whose second attempt such a read missed would be offered again, and refused.
        jobs = services.jobs.get_many(read, consistent=True).values() if read else ()
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


def _offer(services: Services, pool: str, job: Job, most: int, now_ms: int) -> None:
    """Offers a second attempt of a job, unless the job changed since it was read, or no permit is left."""
    permit, holder = second_permit(pool), second_holder(job.job_id, job.attempt)
    if not services.permits.take_if_free(permit, holder, limit=most, now_ms=now_ms):
        return
    try:
        offered = services.jobs.apply(OfferSecondIfFirst(job, job.attempt, Stamp(now_ms, ACTOR)))
        is_live = not services.queue.send(pool, [second_message_of(offered)]) or _is_kept(
            services, offered, now_ms
        )
    except NotFound:
        is_live = False
    except TransitionRefused as refused:
        # A live one holds this very permit: another dispatcher offered it, or this one did and lost the answer.
        is_live = _has_live(refused.job, job.attempt)
    if not is_live:
        services.permits.give_back(permit, [holder])


def _is_kept(services: Services, offered: Job, now_ms: int) -> bool:
    """Ends an offer whose message was not sent; True if it is live nevertheless, because a worker claimed it."""
    try:
        services.jobs.apply(EndSecondIfHolds(offered, offered.attempt, None, SecondEnd.LAPSED, now_ms))
    except TransitionRefused as refused:  # the message was sent, and only the answer was lost
        return _has_live(refused.job, offered.attempt)
    return False


def _has_live(job: Job, beside: int) -> bool:
    return job.live_second is not None and job.live_second.beside == beside


def _still_held(services: Services, pool: str, now_ms: int) -> int:
    """Frees the permits of second attempts that are over, and ends those that are lost; returns how many are left."""
    permit = second_permit(pool)
    holders = sorted(services.permits.standing(permit).holders)
    over = [holder for holder in holders if _is_over(services, *attempt_of(holder), now_ms)]
    if over:
        services.permits.give_back(permit, over)
    return len(holders) - len(over)


def _is_over(services: Services, job_id: str, beside: int, now_ms: int) -> bool:
    """True if the second attempt can no longer claim, hold or win the job. The conditional write decides.

    False too for one that is to be offered: another dispatcher, whose lease ran out, may have taken the permit and
    offer it now. If it died, the next offer of the job takes the permit over, or the end of the attempt frees it.
    """
    job = services.jobs.get(job_id, consistent=True)
    second = None if job is None else job.live_second
    if job is None or second is None or second.beside != beside:
        is_to_come = job is not None and job.state is State.RUNNING and job.attempt == beside
        return job is None or not is_to_come or job.had_second
    if second.worker_id is None:
        if now_ms - second.offered_at_ms < OFFER_MS:
            return False
        end = EndSecondIfHolds(job, beside, None, SecondEnd.LAPSED, now_ms)
    else:
        if (second.lease_expires_at_ms or 0) >= now_ms:
            return False
        end = EndSecondIfHolds(job, beside, second.worker_id, SecondEnd.LOST, now_ms, now_ms)
    try:
        services.jobs.apply(end)
    except TransitionRefused as refused:
        return refused.job.live_second is None
    except NotFound:
        return True
    return True
