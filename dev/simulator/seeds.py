"""Whole simulated runs, each determined by a seed: `python -m dev.simulator.seeds --seed 7` replays one.

A seed draws a workflow, the courses of its jobs and workers, the faults around them, the platform's behaviour and the
acts of people. For every seed, every job ends and every invariant holds.
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass, replace
from itertools import pairwise

from dev.simulator.checks.branches import check_branches
from dev.simulator.checks.ends import check_ends
from dev.simulator.checks.invariants import SentAgain, check_all, hold_back
from dev.simulator.checks.progress import SimulatedRecorder
from dev.simulator.checks.second_attempts import SecondAttempts, check_winners
from dev.simulator.memory.pool_queue import MOST_RECEIVES
from dev.simulator.memory.seeded import START_MS, function_pool, make_services, make_settings
from dev.simulator.memory.usual_runs import note_usual_runs
from dev.simulator.people.callers import drawn_callers, made_operators
from dev.simulator.people.clients import submit_drawn
from dev.simulator.people.recoveries import ANN, send_people
from dev.simulator.system.clock_steps import draw_steps
from dev.simulator.system.faults import Faults, calm
from dev.simulator.system.scenario import Fate
from dev.simulator.system.simulator import Observer, Options, Simulator
from dev.simulator.workflows.model import Drawn, draw_workflow
from tidegate.domain.states import State
from tidegate.domain.statistics.usual_runs import MIN_RUNS_OF_P99
from tidegate.ports import Assignment

CAPACITY = 4
PEOPLE_MS = 2_500_000
PROGRESS_EVERY = 250
USUAL_RUN_MS = 2_000


@dataclass(frozen=True)
class World:
    """The values drawn from a seed."""

    drawn: Drawn
    faults: Faults
    options: Options
    capacity: int
    index_shards: int
    acts: int  # of people
    patient: bool  # clients try again until they get an answer
    second_percent: int  # of the slots
    dispatch_lease_seconds: int  # 0 for one reserved dispatcher; by default dispatchers take turns


def draw_world(seed: int) -> World:
    """Draws the world of a seed. About a third of the faults are absent, so that combinations differ."""
    draw = random.Random(f"world {seed}")
    faults = Faults(
        lost_messages=draw.choice((0.0, 0.1, 0.3)),
        doubled_messages=draw.choice((0.0, 0.2, 0.5)),
        late_messages=draw.choice((0.0, 0.2, 0.5)),
        swallowed_messages=draw.choice((0.0, 0.1, 0.3)),
        refused_requests=draw.choice((0.0, 0.02, 0.1)),
        lost_answers=draw.choice((0.0, 0.02, 0.1)),
        stale_reads=draw.choice((0.0, 0.0, 0.2, 0.5)),
        interruptions=draw.choice((0.0, 0.0, 0.01, 0.1)),
    )
    options = Options(
        slots=draw.choice((1, CAPACITY)),
        stream_delay_ms=draw.choice((0, 200, 30_000)),
        stream_batch=draw.choice((1, 7, 500)),
        stream_open=draw.random() < 0.9,
        stream_doubled=draw.random() < 0.3,
        stream_shards=draw.choice((1, 2, 5)),
        skew_ms=draw.choice((0, 50, 2_000)),
        clock_steps=draw_steps(random.Random(f"clocks {seed}"), most=seed % 3 * 2),
        # A lie beside a step can't be told from the truth.
        lie_every=0 if seed % 3 else random.Random(f"lies {seed}").choice((0, 2, 5)),
    )
    # Only then can the window be checked, and it takes many jobs to fill it.
    most_jobs = 40 if faults.one_at_a_time else 14
    drawn = draw_workflow(
        seed,
        most_jobs=most_jobs,
        bad_workers=draw.choice((0.0, 0.2, 0.4)),
        interrupted=random.Random(f"interruptions {seed}").choice((0.0, 0.2, 0.6)),
    )
    index_shards, acts = draw.choice((1, 3)), draw.choice((0, 0, 3, 8))
    if acts:  # people redrive given-up messages; without people every job is to end as drawn
        swallowed, most_receives = draw.choice(((0.0, MOST_RECEIVES), (0.3, 2), (0.8, 2), (0.9, 2)))
        faults = replace(faults, swallowed_messages=swallowed, most_receives=most_receives)
    capacity, patient = draw.choice((1, CAPACITY)), draw.random() < 0.8
    lease_seconds = draw.choice((60, 60, 0))
    percent = random.Random(f"second attempts {seed}").choice((0, 0, 25, 50))
    drawn = replace(drawn, slow=0.3 if percent else 0.0)
    return World(drawn, faults, options, capacity, index_shards, acts, patient, percent, lease_seconds)


def run_seed(seed: int) -> Simulator:
    """Runs the world of a seed to its end and checks it. Raises AssertionError."""
    world = draw_world(seed)
    settings = replace(
        make_settings(function_pool("lambda", world.capacity), shards=world.index_shards),
        dispatch_lease_seconds=world.dispatch_lease_seconds,
        second_attempt_percent=world.second_percent,
    )
    plain, memory = make_services(settings, seed, twice=world.second_percent > 0)
    if world.second_percent:
        note_usual_runs(plain, [USUAL_RUN_MS] * MIN_RUNS_OF_P99)
    memory.grants = made_operators(ANN)  # she acts on the jobs of all callers
    # A workflow that was rerun and whose batches were all given up is not looked at, so only without acts of people.
    gives_up = 0.0 if world.acts else random.Random(f"recorder {seed}").choice((0.0, 0.0, 0.3))
    recorder = SimulatedRecorder(seed, gives_up)
    observers: list[Observer] = [SentAgain(), recorder, SecondAttempts(world.faults.one_at_a_time)]
    if world.faults.one_at_a_time:
        observers.append(hold_back)
    simulator = Simulator(plain, memory, world.drawn.course, world.options, observers)
    world.faults.inject(simulator, seed)
    submit_drawn(simulator, world.drawn, patient=world.patient, callers=drawn_callers(seed))
    send_people(simulator, random.Random(f"people {seed}"), acts=world.acts, within_ms=PEOPLE_MS)
    simulator.run()
    calm(simulator, plain)
    check_all(simulator)
    check_winners(simulator)
    recorder.check(simulator)
    simulator.happened["end kept before a reopening"] += check_ends(simulator.world)
    if world.faults.calls_get_through:
        check_losses(simulator, world.drawn)
    if not world.acts:
        expected = world.drawn.expected(memory.jobs.values())
        states = {each.key or "": each.state for each in memory.jobs.values()}
        assert states == (expected if world.patient else {key: expected[key] for key in states})
        check_branches(simulator)
    return simulator


def check_losses(simulator: Simulator, drawn: Drawn) -> None:
    """Checks that no job is taken from a worker that works, because its heartbeats keep the lease."""
    for job in simulator.jobs.values():
        for claim, after in pairwise(job.history):
            if claim.state is not State.RUNNING or after.state not in (State.READY, State.RUNNING):
                continue
            if after.state is State.READY and after.actor == claim.actor:
                simulator.happened["job handed back"] += 1
                continue
            assignment = Assignment(job.job_id, claim.attempt, job.type, {}, timeout_ms=1, key=job.key)
            course = drawn.course(assignment)
            assert course.fate is not Fate.WORKS, f"taken from a worker that works: {job}"
            simulator.happened["job taken from a lost worker"] += 1


def main() -> int:
    """Replays one seed, or tries many. Prints the failed seeds and how to replay them."""
    parser = argparse.ArgumentParser(
        description="Simulated runs by seed.", epilog="Example: python -m dev.simulator.seeds --seed 7"
    )
    parser.add_argument(
        "--seed", type=int, help="replay this one, and show what it draws and how its jobs end"
    )
    parser.add_argument("--start", type=int, default=0, help="the first of many")
    parser.add_argument("--count", type=int, default=500, help="how many")
    options = parser.parse_args()
    if options.seed is not None:
        sys.stdout.write(f"{draw_world(options.seed)}\n")
        simulator = run_seed(options.seed)
        for job in simulator.world.jobs.values():
            steps = ", ".join(
                f"{(entry.at_ms - START_MS) / 1_000:.3f} {entry.state}" for entry in job.history
            )
            sys.stdout.write(f"{job.job_id} {job.key}: {steps}\n")
        return 0
    for seed in range(options.start, options.start + options.count):
        try:
            run_seed(seed)
        except BaseException:
            sys.stdout.write(f"seed {seed} failed; python -m dev.simulator.seeds --seed {seed} replays it\n")
            raise
        if (seed + 1 - options.start) % PROGRESS_EVERY == 0:
            sys.stdout.write(f"{seed + 1 - options.start:,} of {options.count:,} seeds\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
