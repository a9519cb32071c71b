"""A deployment in memory in which the changes of an answer can be made, to see whether a job then starts.

Workers take QUEUED jobs in the order of their dispatch while a slot is free that can run their type. A job starts when
a worker claims it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field, replace
from itertools import count

from dev.simulator.interleavings.world_states import copy_world
from dev.simulator.memory.seeded import AnyParameters, SeededEntropy
from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.amendments import Amendment
from tidegate.domain.changes import Changes
from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import Job
from tidegate.domain.pools import PoolKind
from tidegate.domain.states import TERMINAL, State
from tidegate.domain.transitions import (
    AmendIfWaiting,
    BeginIfAttemptHolds,
    CancelIfInState,
    ClaimIfQueued,
    DispatchIfReady,
    Ending,
    FinishIfAttemptHolds,
    ReadyIfDue,
    ReadyIfWaitingOnlyOn,
    ReopenIfEnded,
    Stamp,
)
from tidegate.domain.why.facts import Action, Change, Fact
from tidegate.domain.why.places import MEAN_DRAW
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.settings import Settings
from tidegate.usecases.dispatch.follow import DispatcherMemory, follow
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.pools.capacity import pool_ability
from tidegate.usecases.services import Services
from tidegate.usecases.submit.finish_submission import finish_submission

ACTOR = "simulator"
FAR_MS = 3_600_000  # the lease of a claim
_BATCHES = 50


class MeanEntropy(SeededEntropy):
    """Ids that count up, and jitter that is always the mean of the draw that the dispatch plan makes of it."""

    def jitter(self) -> float:
        return MEAN_DRAW

    def secret_bytes(self, count: int) -> bytes:
        return bytes(count)


@dataclass(slots=True)
class Trial:
    """One deployment. `settings` change where slots are added to a pool of kind function."""

    settings: Settings
    world: MemoryWorld
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        services, _ = memory_services(self.settings, self.world, AnyParameters())
        self.services = replace(services, entropy=MeanEntropy(0))

    def copy(self) -> Trial:
        """Returns a copy that shares nothing that changes."""
        return Trial(self.settings, copy_world(self.world))

    @property
    def now_ms(self) -> int:
        """The time in milliseconds since the epoch."""
        return self.world.now_ms

    # --- the parts of the system ------------------------------------------------------------------
    def follow(self) -> None:
        """Lets the dispatcher follow the changes of jobs until there are none."""
        for _ in range(_BATCHES):
            changes = Changes(tuple(each for each in self.world.changes if each.concerns_dispatcher))
            self.world.changes.clear()
            if not changes.jobs:
                return
            follow(self.services, changes, DispatcherMemory(), now_ms=self.now_ms)
        raise AssertionError("the changes do not end")

    def tick(self) -> None:
        """Runs the dispatcher as a tick does, and for all changes before and after it."""
        self.follow()
        tick(self.services, now_ms=self.now_ms)
        self.follow()

    def claim(self, at_most: int = 1_000) -> None:
        """Lets workers take QUEUED jobs, earliest first, while a slot is free that can run their type."""
        for pool in self.settings.pools.values():
            ability = pool_ability(self.services, pool, self.now_ms)
            running = [job for job in self._of(pool.name) if job.state is State.RUNNING]
            by_type = Counter(job.type for job in running)
            free = min(at_most, ability.slots - len(running))
            queued = [job for job in self._of(pool.name) if job.state is State.QUEUED]
            for job in sorted(queued, key=self._turn):
                if free > 0 and by_type[job.type] < ability.limited.get(job.type, ability.slots):
                    self._claim(job)
                    by_type[job.type] += 1
                    free -= 1

    def _turn(self, job: Job) -> tuple[int, int, str]:
        """Orders QUEUED jobs by dispatch: jobs dispatched now as their messages were sent, earlier ones by id.

        SQS keeps no order among messages of one moment, so an answer can only take some fixed one.
        """
        numbers = {held.message.job_id: number for number, held in self.world.queues[job.pool].held.items()}
        sent = numbers.get(job.job_id, 0) if job.queued_at_ms == self.now_ms else 0
        return job.queued_at_ms or 0, sent, job.job_id

    def start_worker(self, pool: str, slots: int, lacking: tuple[str, ...] = ()) -> None:
        """Adds a worker process to a pool."""
        name = next(f"w{number}" for number in count() if (pool, f"w{number}") not in self.world.workers)
        worker = begin(WorkerSpec(pool, name, "host", slots), f"session-{name}", self.now_ms)
        self.world.workers[pool, name] = replace(worker, lacking=lacking)

    def wait_until(self, at_ms: int) -> None:
        """Lets time pass. Every worker process sends a heartbeat then."""
        self.world.now_ms = max(self.now_ms, at_ms)
        for key, worker in self.world.workers.items():
            self.world.workers[key] = replace(worker, heartbeat_at_ms=self.now_ms)

    def leave_out_other_waits(self, job: Job, upstreams: Set[str]) -> None:
        """Removes the jobs that wait for upstreams or a time, but for the job and its upstreams.

        Some of them may become READY in the same moment as the job. An answer counts the jobs that are READY now.
        """
        waiting = (State.PENDING, State.SCHEDULED)
        for other in list(self.world.jobs.values()):
            if other.state in waiting and other.job_id not in {job.job_id, *upstreams}:
                self.world.remove(other.job_id)

    # --- jobs -------------------------------------------------------------------------------------
    def end(self, job_id: str) -> None:
        """Ends a job with success, whatever holds it."""
        job = self._run(self.world.jobs[job_id])
        if job.state is State.RUNNING:
            self.services.jobs.apply(
                FinishIfAttemptHolds(
                    job, job.attempt, Ending(State.SUCCEEDED, began_at_ms=self.now_ms), self._stamp
                )
            )

    def begin(self, job_id: str) -> None:
        """Lets the code of a job begin, whatever holds it."""
        job = self._run(self.world.jobs[job_id])
        self.services.jobs.apply(BeginIfAttemptHolds(job, job.attempt, self.now_ms))

    def remove(self, job_id: str) -> None:
        """Ends a job that is dispatched, or cancels it."""
        job = self.world.jobs[job_id]
        if job.state in (State.QUEUED, State.RUNNING):
            self.end(job_id)
        elif job.state not in TERMINAL:
            self.services.jobs.apply(CancelIfInState(job, Ending(State.CANCELLED), self._stamp))

    def _run(self, job: Job) -> Job:
        """Brings a job to RUNNING, one transition after the other."""
        jobs, stamp = self.services.jobs, self._stamp
        job = self._set_on_hold(job, on_hold=False)
        if job.state in TERMINAL and job.state is not State.SUCCEEDED:
            job = jobs.apply(ReopenIfEnded(job, stamp))
        if job.state is State.PENDING:
            job = jobs.apply(ReadyIfWaitingOnlyOn(job, job.waiting_on, stamp))
        if job.state is State.SCHEDULED:
            job = jobs.apply(ReadyIfDue(job, replace(stamp, now_ms=max(stamp.now_ms, job.due_at_ms or 0))))
        if job.state is State.READY:
            job = jobs.apply(DispatchIfReady(job.job_id, job.pool, stamp))
        return self._claim(job) if job.state is State.QUEUED else job

    def _set_on_hold(self, job: Job, *, on_hold: bool) -> Job:
        if job.on_hold is on_hold:
            return job
        return self.services.jobs.apply(AmendIfWaiting(job, Amendment(on_hold=on_hold), self._stamp))

    def hold(self, job_id: str) -> None:
        """Puts a waiting job on hold."""
        self._set_on_hold(self.world.jobs[job_id], on_hold=True)

    def _claim(self, job: Job) -> Job:
        lease_ms = self.now_ms + FAR_MS
        return self.services.jobs.apply(ClaimIfQueued(job.job_id, job.attempt, "w", lease_ms, self._stamp))

    def _of(self, pool: str) -> list[Job]:
        return [job for job in self.world.jobs.values() if job.pool == pool]

    @property
    def _stamp(self) -> Stamp:
        return Stamp(self.now_ms, ACTOR)

    # --- the changes of an answer -----------------------------------------------------------------
    def make(self, fact: Fact, job: Job) -> None:
        """Makes the change of one fact that holds the job. Waiting for a part of the system changes nothing here."""
        change = fact.change
        match change.action:
            case Action.WAIT_FOR_SUBMISSION:
                submission_id = str(fact.evidence["workflow_id"])
                plan = self.services.submissions.load_plan(submission_id)
                finish_submission(self.services, submission_id, plan, self.now_ms)
            case Action.WAIT_FOR_UPSTREAM | Action.RETRY_UPSTREAM:
                act = self.begin if fact.evidence["type"] == DependencyType.MUST_START else self.end
                if (
                    change.job_ids[0] in self.world.jobs
                ):  # it is not written while its submission is unfinished
                    act(change.job_ids[0])
            case Action.WAIT_UNTIL:
                self.wait_until(change.at_ms or 0)
            case Action.UNHOLD:
                self._set_on_hold(self.world.jobs[job.job_id], on_hold=False)
            case Action.RESUME_POOL | Action.RESUME_TYPE | Action.LIMIT_TYPE:
                self._set_rule(change)
            case Action.END_JOBS:
                for job_id in change.job_ids:
                    self.remove(job_id)
            case Action.ADD_SLOTS:
                self._add_slots(change.pool or "", change.number or 0, change.type)
            case Action.WAIT_FOR_DISPATCHER | Action.WAIT_FOR_WORKER:
                pass
            case _:
                raise AssertionError(f"nobody can make the change {change}")

    def _set_rule(self, change: Change) -> None:
        rules = self.services.rules
        if change.action is Action.RESUME_POOL:
            rules.set_pool_paused(change.pool or "", False, actor=ACTOR, now_ms=self.now_ms)
        elif change.action is Action.RESUME_TYPE:
            rules.set_type_paused(change.type or "", False, actor=ACTOR, now_ms=self.now_ms)
        else:
            rules.set_type_limit(change.type or "", change.number, actor=ACTOR, now_ms=self.now_ms)

    def _add_slots(self, name: str, slots: int, job_type: str | None) -> None:
        """Adds slots that can run `job_type`, and no other type that some workers of the pool lack."""
        pool = self.settings.pools[name]
        if pool.kind is PoolKind.PROCESS:
            limited = pool_ability(self.services, pool, self.now_ms).limited
            self.start_worker(name, slots, tuple(sorted(limited.keys() - {job_type})))
            return
        grown = replace(pool, capacity=pool.capacity + slots)
        self.settings = replace(self.settings, pools={**self.settings.pools, name: grown})
        self.services = replace(self.services, settings=self.settings)
