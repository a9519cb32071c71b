"""Runs in which jobs pass their retention: `python -m dev.simulator.expiry --seed 7` replays one.

Jobs are kept for an hour, and some of them run for nearly as long. People retry jobs just before their removal, and
submit others that wait for jobs about to expire. With every seed no job is removed that another job still needs, no job
runs with a part of its input, and no job stays longer than the last job that needs it.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dev.simulator.checks.invariants import check_histories
from dev.simulator.memory.jobs import RESULT_KEPT_LONGER_SECONDS
from dev.simulator.memory.seeded import START_MS, AnyParameters, SeededEntropy, function_pool, make_settings
from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.people.callers import caller_named
from dev.simulator.people.clients import submit_drawn
from dev.simulator.system.faults import Faults
from dev.simulator.system.scenario import Course, fails, succeeds
from dev.simulator.system.simulator import API_TIMEOUT_MS, MINUTE_MS, Options, Simulator
from dev.simulator.workflows.model import Drawn, draw_workflow
from tidegate.domain.changes import JobChange
from tidegate.domain.errors import NotFound, NotRetryable
from tidegate.domain.job import Job, Json
from tidegate.domain.retry import INPUT_GONE, UPSTREAM_GONE, RetryPolicy
from tidegate.domain.states import REOPENABLE, State
from tidegate.ports import Assignment
from tidegate.settings import Settings
from tidegate.usecases.recover.reopen import rerun_workflow, retry_job

HOUR_MS = 60 * MINUTE_MS
RETENTION_MS = HOUR_MS
LARGE = "x" * 5_000  # a result that becomes overflow
ANN = caller_named("ann")


class ReadsUpstreams(AnyParameters):
    """A registry whose types read the results of their upstreams."""

    def reads_upstreams(self, job_type: str) -> bool:
        return True


@dataclass
class Expiry:
    """One run. The first `failing` attempts of a broken job fail. People retry jobs at most `acts_left` times."""

    simulator: Simulator
    drawn: Drawn
    draw: random.Random
    failing: int
    acts_left: int
    sweep_every_ms: int
    removed: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Plans the sweeps of DynamoDB's time to live, and the people."""
        self.simulator.every(self.sweep_every_ms, self.sweep, offset_ms=1_000)
        self.simulator.every(20_000, self.try_again, offset_ms=3_000)

    def sweep(self) -> None:
        """Removes expired items, as DynamoDB's time to live does. No job may need them."""
        world, now_s = self.simulator.world, self.simulator.now_ms // 1_000
        gone = [job for job in world.jobs.values() if _is_over(job, now_s)]
        for job in gone:
            needing = [each.job_id for each in self._dependents(job) if _needs(each, now_s)]
            assert not needing, f"{job.job_id} is removed, and {needing} may need it"
        world.remove_expired()
        # A run is shorter than the day for which results stay after their jobs, so no job may rely on that here.
        for key, expires_at_s in list(world.results_expire_at_s.items()):
            if expires_at_s - RESULT_KEPT_LONGER_SECONDS <= now_s:
                del world.results[key], world.results_expire_at_s[key]
        self.removed.update(job.job_id for job in gone)
        self.simulator.happened["job removed"] += len(gone)

    def _dependents(self, upstream: Job) -> list[Job]:
        world = self.simulator.world
        edges = [*upstream.dependents, *world.pages.get(upstream.job_id, ())]
        edges += world.edges.get(upstream.job_id, {}).values()
        return [world.jobs[edge.job_id] for edge in edges if edge.job_id in world.jobs]

    def try_again(self) -> None:
        """Retries jobs that ended without success and would be removed within two minutes."""
        simulator, soon_s = self.simulator, (self.simulator.now_ms + 2 * MINUTE_MS) // 1_000
        found = [job for job in simulator.jobs.values() if job.state in REOPENABLE and _is_over(job, soon_s)]
        if not found or not self.acts_left or self.draw.random() < 0.5:
            return
        self.acts_left -= 1
        job = self.draw.choice(found)
        rerun = self.draw.random() < 0.5

        def act() -> None:
            services, now_ms = simulator.services, simulator.now_ms
            if rerun:
                rerun_workflow(services, job.workflow_id or "", caller=ANN, now_ms=now_ms)
            else:
                retry_job(services, job.job_id, reopen_skipped=True, caller=ANN, now_ms=now_ms)
            simulator.happened["tried again just before its end"] += 1

        try:
            simulator.attempt(act, API_TIMEOUT_MS)
        except (NotFound, NotRetryable):
            simulator.happened["too late to try again"] += 1

    def course(self, assignment: Assignment) -> Course:
        """Draws the course of an attempt, which must have received the results of all upstreams."""
        world = self.simulator.world
        given = world.jobs[assignment.job_id].input or world.inputs[assignment.job_id]
        wanted = {dependency.upstream_id for dependency in given.depends_on}
        assert {upstream.job_id for upstream in assignment.upstreams} == wanted, assignment
        for upstream in assignment.upstreams:
            if upstream.state is State.SUCCEEDED:
                assert upstream.result in (LARGE, _small(upstream.key)), upstream
                self.simulator.happened["large result read"] += upstream.result == LARGE
        draw = random.Random(f"{self.drawn.seed} {assignment.key} {assignment.attempt}")
        duration_ms = draw.choice((0, 900, MINUTE_MS, 20 * MINUTE_MS, 55 * MINUTE_MS))
        if assignment.key in self.drawn.broken and assignment.attempt <= self.failing:
            return fails(duration_ms, retryable=False)
        return succeeds(duration_ms, LARGE if draw.random() < 0.3 else _small(assignment.key))


def _small(key: str | None) -> Mapping[str, Json]:
    return {"of": key}


def _is_over(job: Job, at_s: int) -> bool:
    return job.expires_at_s is not None and job.expires_at_s <= at_s


def _needs(job: Job, now_s: int) -> bool:
    """Returns True if a job needs its upstreams: it is open, or can still be reopened."""
    return not job.is_terminal or (job.state in REOPENABLE and not _is_over(job, now_s))


def nothing_is_missed(_simulator: Simulator, changes: Sequence[JobChange]) -> None:
    """Checks, as an observer, that no job ends because something had passed its retention."""
    for change in changes:
        failure = change.new.failure
        assert failure is None or failure.code not in (UPSTREAM_GONE, INPUT_GONE), change.new


def _settings(shards: int) -> Settings:
    return replace(
        make_settings(function_pool("lambda", 4), shards=shards), retention_days=RETENTION_MS / (24 * HOUR_MS)
    )


def run_seed(seed: int) -> Simulator:
    """Runs the world of a seed to its end and checks it. Raises AssertionError."""
    draw = random.Random(f"expiry {seed}")
    plain, memory = memory_services(_settings(draw.choice((1, 3))), registry=ReadsUpstreams())
    memory.now_ms = START_MS
    services = replace(plain, entropy=SeededEntropy(seed))
    drawn = _patient(draw_workflow(seed, most_jobs=14, bad_workers=0.0), draw)
    simulator = Simulator(
        services,
        memory,
        scenario=_until_there_is_one,
        options=Options(end_after_ms=20 * 24 * HOUR_MS),
        observers=[nothing_is_missed],
    )
    expiry = Expiry(
        simulator,
        drawn,
        draw,
        failing=draw.randint(1, 3),
        acts_left=draw.choice((0, 2, 8)),
        sweep_every_ms=draw.choice((5_000, MINUTE_MS, 45 * MINUTE_MS)),
    )
    simulator.scenario = expiry.course
    Faults(refused_requests=draw.choice((0.0, 0.002))).inject(simulator, seed)
    submit_drawn(simulator, drawn, removed=expiry.removed)
    expiry.begin()
    _run_until_all_is_removed(simulator, memory, expiry)
    return simulator


def _until_there_is_one(assignment: Assignment) -> Course:
    raise AssertionError(f"{assignment.job_id} began before the run")


def _patient(drawn: Drawn, draw: random.Random) -> Drawn:
    """Gives the drawn jobs time for long attempts. The second submission may come when jobs of the first are old."""
    jobs = tuple(
        replace(job, timeout_seconds=3_600, retry=RetryPolicy(max_retries=0)) for job in drawn.request.jobs
    )
    later_ms = draw.choice((0, 30 * MINUTE_MS, RETENTION_MS - 2 * MINUTE_MS, RETENTION_MS - 5_000))
    return replace(drawn, request=replace(drawn.request, jobs=jobs), later_ms=later_ms)


def _run_until_all_is_removed(simulator: Simulator, memory: MemoryWorld, expiry: Expiry) -> None:
    """Runs until every job has ended, and then until the last retention and one sweep are over."""
    simulator.run()
    while memory.jobs:
        check_histories(memory.jobs.values())
        last_s = max(job.finished_at_ms or 0 for job in memory.jobs.values()) // 1_000
        latest_s = last_s + RETENTION_MS // 1_000
        assert all((job.expires_at_s or 0) <= latest_s for job in memory.jobs.values())
        simulator.plan(simulator.now_ms - START_MS + expiry.sweep_every_ms, lambda: None)
        simulator.run()


def main() -> int:
    """Replays one seed, or tries many."""
    parser = argparse.ArgumentParser(description="Runs in which jobs pass their retention.")
    parser.add_argument("--seed", type=int, help="replay this one, and say what happened")
    parser.add_argument("--start", type=int, default=0, help="the first of many")
    parser.add_argument("--count", type=int, default=500, help="how many")
    options = parser.parse_args()
    if options.seed is not None:
        sys.stdout.write(f"{dict(run_seed(options.seed).happened)}\n")
        return 0
    _try_many(options.start, options.count, sys.stdout.write)
    return 0


def _try_many(start: int, count: int, say: Callable[[str], object]) -> None:
    for seed in range(start, start + count):
        try:
            run_seed(seed)
        except BaseException:
            say(f"seed {seed} failed; python -m dev.simulator.expiry --seed {seed} replays it\n")
            raise
    say(f"{count:,} seeds\n")


if __name__ == "__main__":
    sys.exit(main())
