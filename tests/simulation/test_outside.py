"""Jobs are handed over in whole simulated runs, in which every call may fail, and every rule holds."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest

from dev.simulator.checks.invariants import check_all, hold_back
from dev.simulator.memory.seeded import JOB_TYPE, function_pool, make_services, make_settings, process_pool
from dev.simulator.people.outside import HANDED, Outside
from dev.simulator.people.recoveries import send_people
from dev.simulator.system.scenario import Course, dies, fails, succeeds
from dev.simulator.system.simulator import Options, Simulator
from tidegate.domain.changes import JobChange
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.permits import key_permit
from tidegate.domain.requests import JobRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import State
from tidegate.ports import Assignment
from tidegate.usecases.submit.submit import submit_job

JOBS = 60
SLOTS = 3
KEY_LIMIT = 2
_ACTIVE = (State.QUEUED, State.RUNNING)


def keys_hold(simulator: Simulator, _changes: list[JobChange]) -> None:
    """Checks that a job outside counts for its key as any dispatched job, and takes no slot of its pool."""
    jobs = list(simulator.world.jobs.values())
    keyed = [job for job in jobs if job.concurrency_key and job.state in _ACTIVE]
    assert len(keyed) <= KEY_LIMIT, keyed
    for job in keyed:
        holders = simulator.world.permits[key_permit(job.concurrency_key or "")]
        assert any(holder.startswith(f"{job.job_id}@{job.ready_at_ms}") for holder in holders), job
    held = [job for job in jobs if job.state in _ACTIVE and not job.is_outside]
    assert len(held) <= 2 * SLOTS + 2 * SLOTS, held  # two pools, two for each slot


def world_of(seed: int, *, faults: bool, people: int) -> tuple[Simulator, Outside]:
    """Sets up a run: two pools, jobs with and without a key, half of whose attempts are handed over."""
    draw = random.Random(f"outside {seed}")
    settings = make_settings(function_pool("lambda", SLOTS), process_pool("ecs"), shards=2)
    services, world = make_services(settings, seed)
    outside = Outside(random.Random(f"tokens {seed}"))

    def course(assignment: Assignment) -> Course:
        chance = draw.random()
        if chance < 0.1:
            return fails(500)
        if chance < 0.15:
            return dies(300)
        if chance < 0.4:
            return succeeds(1_500)
        outside.take(assignment)
        return Course(draw.randrange(100, 3_000), HANDED)

    options = Options(slots=SLOTS, skew_ms=300, stream_doubled=seed % 2 == 0)
    # People may amend priorities while a dispatch goes by the earlier ones, and a page may not be read.
    order = [] if people or faults else [hold_back]
    simulator = Simulator(services, world, course, options, observers=[*order, keys_hold, outside])
    for number in range(JOBS):
        request = JobRequest(
            type=JOB_TYPE,
            pool=draw.choice(("lambda", "ecs")),
            retry=RetryPolicy(draw.randrange(3), 1, 10),
            concurrency_key="license" if number % 4 == 0 else None,
            concurrency_limit=KEY_LIMIT if number % 4 == 0 else 1,
        )
        simulator.plan(draw.randrange(120_000), partial(_submit, simulator, request))
    if people:
        send_people(simulator, draw, acts=people, within_ms=600_000)
    if faults:
        broken = random.Random(f"faults {seed}")

        def on_request(_request: str) -> None:
            if broken.random() < 0.02:
                raise ServiceUnavailable("drawn")

        simulator.plan(130_000, lambda: setattr(world, "on_request", on_request))
        simulator.plan(1_500_000, lambda: setattr(world, "on_request", lambda _request: None))
    return simulator, outside


def _submit(simulator: Simulator, request: JobRequest) -> None:
    submit_job(simulator.services, request, idempotency_key=None, fingerprint="", now_ms=simulator.now_ms)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("faults", "people"), [(False, 0), (True, 0), (True, 20)])
def test_every_job_ends_and_every_rule_holds(
    seed: int, faults: bool, people: int, note: Callable[[str], None]
) -> None:
    simulator, outside = world_of(seed, faults=faults, people=people)
    simulator.run()
    check_all(simulator)
    happened = simulator.happened
    assert happened["outside ends"] > 5
    assert happened["outside fails"] > 0
    assert happened["heartbeat from outside"] > 0
    assert happened["outside told too late"] > 0
    assert outside.most_outside > 2 * 2 * SLOTS  # more than all slots could run
    assert not any(job.is_outside for job in simulator.world.jobs.values())
    note(f"seed {seed}: {happened['outside ends']} ended outside, {outside.most_outside} outside at once")
