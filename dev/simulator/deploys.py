"""Rolling deploys and worker faults, drawn from a seed: `python -m dev.simulator.deploys --seed 7` replays one.

Several worker processes serve one pool. Old ones lack a job type that new ones have. New ones join and old ones drain
while jobs of both types come. In some processes no job can begin for a while, or until they leave. Some messages are
of an earlier version, and name no type. With every seed each job runs once and succeeds, without a retry.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from dev.simulator.checks.invariants import SentAgain
from dev.simulator.memory.pool_queue import MOST_RECEIVES_OF_PROCESSES, PoolQueue
from dev.simulator.memory.seeded import (
    JOB_TYPE,
    OTHER_TYPE,
    START_MS,
    make_services,
    make_settings,
    process_pool,
)
from dev.simulator.system.by_seed import replay_or_try
from dev.simulator.system.scenario import Course, succeeds
from dev.simulator.system.simulator import Options, Simulator
from dev.simulator.system.workers import WorkerPool
from tidegate.domain.job import Job
from tidegate.domain.requests import JobRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import State
from tidegate.domain.workers import Worker, WorkerSpec, WorkerState, kept_until_s
from tidegate.ports import UNKNOWN_TYPE, Assignment, Delivery, Message, Outcome, OutcomeKind, Queue
from tidegate.usecases.submit.submit import submit_job
from tidegate.usecases.work.claim import begin
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.pass_on import pass_on, with_types
from tidegate.usecases.work.worker_life import beat_worker, join_pool, leave_pool
from tidegate_worker.faults import FAULTS_ALLOWED, Faults, Standing, probe_after_seconds

POOL = "hosts"
FOREVER_MS = 1 << 60
DEPLOYED_BY_MS = 600_000
OLD_TYPES, NEW_TYPES = (JOB_TYPE,), (JOB_TYPE, OTHER_TYPE)


@dataclass(frozen=True)
class Plan:
    """One process: its types, when it joins, drains and can't begin jobs (all in ms after the start)."""

    name: str
    slots: int
    types: Sequence[str]
    joins_at_ms: int = 0
    drains_at_ms: int = FOREVER_MS
    broken_ms: tuple[int, int] = (FOREVER_MS, FOREVER_MS)


@dataclass(frozen=True)
class Deploy:
    """The draws of a seed: processes, jobs (at ms, type, duration ms), and the share of messages without a type."""

    processes: tuple[Plan, ...]
    jobs: tuple[tuple[int, str, int], ...]
    untyped: float


def draw_deploy(seed: int) -> Deploy:
    """Draws the deploy of a seed. One sound process of the new version stays, so every job can run in the end."""
    draw = random.Random(f"deploy {seed}")
    deploy_ms = draw.choice((0, 60_000, 300_000))
    processes = [
        Plan(
            f"old-{number}",
            draw.randint(1, 3),
            OLD_TYPES,
            drains_at_ms=draw.choice((deploy_ms + draw.randrange(DEPLOYED_BY_MS), FOREVER_MS)),
            broken_ms=_broken(draw),
        )
        for number in range(draw.randint(0, 3))
    ]
    processes += [
        Plan(
            f"new-{number}",
            draw.randint(1, 3),
            NEW_TYPES,
            joins_at_ms=deploy_ms + draw.randrange(DEPLOYED_BY_MS),
            broken_ms=_broken(draw),
        )
        for number in range(draw.randint(0, 2))
    ]
    processes.append(Plan("sound", draw.randint(1, 3), NEW_TYPES, joins_at_ms=deploy_ms))
    jobs = tuple(
        (
            draw.randrange(DEPLOYED_BY_MS),
            draw.choice((JOB_TYPE, OTHER_TYPE)),
            draw.choice((50, 5_000, 90_000, 600_000)),
        )
        for _ in range(draw.randint(1, 30))
    )
    return Deploy(tuple(processes), jobs, draw.choice((0.0, 0.3, 1.0)))


def _broken(draw: random.Random) -> tuple[int, int]:
    """Draws from when until when no job can begin in a process. It is often never."""
    begins_ms = draw.choice((0, draw.randrange(DEPLOYED_BY_MS), FOREVER_MS))
    return begins_ms, draw.choice((begins_ms + 10_000, FOREVER_MS))


class UntypedMessages:
    """Leaves the type out of some messages, as a dispatcher of an earlier version did."""

    def __init__(self, queue: Queue, share: float, seed: int) -> None:
        self._queue = queue
        self._share = share
        self._draw = random.Random(f"untyped {seed}")

    def __getattr__(self, name: str) -> object:
        return getattr(self._queue, name)

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        return self._queue.send(
            pool,
            [replace(each, type="") if self._draw.random() < self._share else each for each in messages],
        )


class Process(WorkerPool):
    """One worker process, which keeps its own `Faults` as the real one does."""

    def __init__(self, simulator: Simulator, plan: Plan) -> None:
        super().__init__(simulator, POOL, plan.slots)
        self.plan = plan
        self.faults = Faults(plan.types)
        self.unable = 0
        self.has_left = False
        self._worker: Worker | None = None

    def join(self) -> None:
        spec = WorkerSpec(POOL, self.plan.name, "simulated", self.slots)
        services, now_ms = self.simulator.services, self.simulator.now_ms
        self._worker = join_pool(services, spec, session_id=self.plan.name, now_ms=now_ms)
        self.simulator.happened["worker joined"] += 1
        self.simulator.tick()  # the event of its entry

    def register(self) -> None:
        """Beats, or leaves after it has drained."""
        if self._worker is None or self.has_left:
            return
        now_ms = self.simulator.now_ms
        is_told = now_ms - START_MS >= self.plan.drains_at_ms or bool(self.faults.why_leave)
        told = replace(
            self._worker,
            running=self.running,
            heartbeat_at_ms=now_ms,
            expires_at_s=kept_until_s(now_ms),
            lacking=self.faults.standing.lacking,
            fault=self.faults.standing.fault,
            state=WorkerState.DRAINING if is_told else self._worker.state,
        )
        self._worker = beat_worker(self.simulator.services, told)
        if is_told and not self.running:
            leave_pool(self.simulator.services, self._worker)
            self.has_left = True
            self.simulator.happened["worker left for its fault"] += bool(self.faults.why_leave)
            self.simulator.happened["worker drained"] += not self.faults.why_leave

    def _may_take(self) -> bool:
        takes = self._worker is not None and self._worker.state is WorkerState.ACTIVE and not self.has_left
        able = not self.faults.standing.fault and not self.faults.why_leave
        return takes and able and super()._may_take()

    def _claim(self, deliveries: Sequence[Delivery]) -> None:
        services, simulator = self.simulator.services, self.simulator
        mine = []
        if self.faults.standing.lacking:
            deliveries = with_types(services, deliveries)
        for delivery in deliveries:
            job_type = delivery.message.type
            if not self.faults.lacks(job_type):
                mine.append(delivery)
                continue
            self.running -= 1
            simulator.happened["message passed on"] += 1
            if pass_on(services, POOL, delivery, self.plan.name, "it lacks its type", simulator.now_ms):
                simulator.happened["job taken back by a worker"] += 1
                services.queue.delete(POOL, [delivery.receipt])
            self._hears(partial(self.faults.note_passed_on, job_type))
        super()._claim(mine)

    def _begin(self, delivery: Delivery, job: Job) -> None:
        outcome = self._outcome_of_begin(job)
        if outcome is None:
            self.faults.note(job.type, Outcome(OutcomeKind.SUCCEEDED))
            super()._begin(delivery, job)
            return
        self.unable += 1
        self.running -= 1
        self.simulator.happened[f"unable: {outcome.code}"] += 1
        claimed = begin(self.simulator.services, job, self.simulator.now_ms)
        self._hears(lambda: self.faults.note(job.type, outcome))
        conclude(self.simulator.services, claimed, outcome, self.simulator.now_ms)
        self.simulator.services.queue.delete(POOL, [delivery.receipt])

    def _outcome_of_begin(self, job: Job) -> Outcome | None:
        if self._is_broken():
            return Outcome(OutcomeKind.UNABLE, code="process-not-started", message="no memory")
        if job.type not in self.plan.types:
            return Outcome(OutcomeKind.UNABLE, code=UNKNOWN_TYPE)
        return None

    def _is_broken(self) -> bool:
        begins_ms, ends_ms = self.plan.broken_ms
        return begins_ms <= self.simulator.now_ms - START_MS < ends_ms

    def _hears(self, note: Callable[[], None]) -> None:
        """Notes a finding of the process. Its next registration reports it, and a fault is probed from then on."""
        before = self.faults.standing
        note()
        if self.faults.standing != before:
            self.simulator.after(250, self.register)
        if self.faults.standing.fault and not before.fault:
            self._plan_probe(1)

    def _plan_probe(self, number: int) -> None:
        def probe() -> None:
            self.faults.probed(number, "no memory" if self._is_broken() else "")
            self.register()
            if self.faults.standing.fault and not self.faults.why_leave:
                self._plan_probe(number + 1)
            self.simulator.happened["worker mended"] += not self.faults.standing.fault

        self.simulator.after(int(probe_after_seconds(number) * 1_000), probe)


@dataclass(slots=True)
class Processes(WorkerPool):
    """All processes of the pool."""

    draw: random.Random = field(default_factory=lambda: random.Random(0))
    each: list[Process] = field(default_factory=list)

    def register(self) -> None:
        for process in self.each:
            process.register()

    def take_messages(self) -> None:
        # In any order, because each process polls by itself.
        for process in self.draw.sample(self.each, len(self.each)):
            process.take_messages()


def run_deploy(seed: int) -> Simulator:
    """Runs the deploy of a seed to its end and checks it. Raises AssertionError."""
    deploy = draw_deploy(seed)
    services, memory = make_services(make_settings(process_pool(POOL)), seed)
    services = replace(services, queue=UntypedMessages(services.queue, deploy.untyped, seed))  # type: ignore[arg-type]
    durations: dict[str, int] = {}

    def course(assignment: Assignment) -> Course:
        return succeeds(durations[assignment.job_id])

    simulator = Simulator(
        services,
        memory,
        course,
        Options(slots=1),
        [SentAgain()],
        make_workers=Processes,
    )
    (processes,) = simulator._pools
    assert isinstance(processes, Processes)
    processes.draw = random.Random(f"turns {seed}")
    memory.queues[POOL] = PoolQueue(most_receives=MOST_RECEIVES_OF_PROCESSES)
    processes.each = [Process(simulator, plan) for plan in deploy.processes]
    for process in processes.each:
        simulator.plan(process.plan.joins_at_ms, process.join)

    def submit(job_type: str, duration_ms: int) -> None:
        request = JobRequest(type=job_type, timeout_seconds=3_600, retry=RetryPolicy(max_retries=0))
        now_ms = simulator.now_ms
        accepted = submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=now_ms)
        durations[accepted.job_id] = duration_ms

    for at_ms, job_type, duration_ms in deploy.jobs:
        simulator.plan(at_ms, partial(submit, job_type, duration_ms))
    simulator.run()
    check_deploy(simulator, processes.each, len(deploy.jobs))
    return simulator


def check_deploy(simulator: Simulator, processes: Sequence[Process], jobs: int) -> None:
    """Checks that no worker's fault failed a job or cost a retry, and that each worker took few jobs it can't run."""
    assert len(simulator.jobs) == jobs
    for job in simulator.jobs.values():
        assert job.state is State.SUCCEEDED, job
        assert (job.tries, job.worker_losses) == (0, 0), f"a retry was used: {job}"
        assert all(entry.state is not State.SCHEDULED for entry in job.history), f"a retry was used: {job}"
        assert len(job.history) < 100, f"its workers spin: {job}"
    for process in processes:
        # A fault stops it from taking jobs at once. A type costs one job for each slot before it counts as lacking.
        assert process.unable <= process.slots * (FAULTS_ALLOWED + 1), process.plan
    live = [process for process in processes if not process.has_left and process.plan.name == "sound"]
    assert live, "the sound one stays"
    assert all(process.faults.standing == Standing() for process in live)


def main() -> int:
    """Replays one seed, or tries many. Prints the failed seeds."""

    def shown(seed: int) -> str:
        return f"{draw_deploy(seed)}\n{dict(run_deploy(seed).happened)}"

    return replay_or_try("Simulated rolling deploys by seed.", run_deploy, shown)


if __name__ == "__main__":
    sys.exit(main())
