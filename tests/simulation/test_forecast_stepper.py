"""The forecast's stepper starts jobs as the deployed use cases do in the simulator, in the same order and moments."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dev.simulator.checks.invariants import check_all
from dev.simulator.memory.seeded import START_MS, function_pool, make_services, make_settings
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Options, Simulator
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain.forecast.scene import Scene, ScenePool, Wait, scene_job
from tidegate.domain.forecast.stepper import step, wire
from tidegate.domain.job import Job
from tidegate.domain.rank import RankPolicy
from tidegate.domain.requests import WorkflowRequest
from tidegate.domain.states import State
from tidegate.usecases.submit.submit import submit_workflow

LOOKS_MS = (1, 20_000, 60_000)


def drawn(seed: int) -> WorkflowRequest:
    """Draws a small workflow with priorities."""
    chance = random.Random(seed)
    jobs = []
    for number in range(chance.randint(2, 25)):
        upstreams = chance.sample(range(number), min(number, chance.choice([0, 1, 1, 2])))
        made = job(str(number), *map(str, upstreams), priority=chance.randint(1, 1_000))
        times = random.Random(f"{seed} {number} finish by")
        by_ms = times.choice([None, START_MS + times.randrange(1_000, 300_000)])
        jobs.append(replace(made, finish_by_ms=by_ms, estimated_duration_seconds=times.choice([None, 2.0])))
    return workflow(jobs)


def waits_of(each: Job) -> tuple[Wait, ...]:
    given = each.input.depends_on if each.input is not None else ()
    return tuple(Wait(given[ordinal].upstream_id, given[ordinal].type) for ordinal in sorted(each.waiting_on))


@pytest.mark.parametrize("seed", range(40))
def test_the_stepper_decides_as_the_dispatcher_does(seed: int) -> None:
    chance = random.Random(f"{seed} of run times")
    slots, window = chance.randint(1, 5), chance.choice([1.0, 2.0])
    policy = RankPolicy(aging_millipoints_per_minute=50_000, head_start_ms=seed % 2 * 120_000)
    settings = replace(make_settings(function_pool("lambda", slots), window=window), rank_policy=policy)
    services, world = make_services(settings, seed)
    # Each end has a millisecond of its own, so that the order of equal times decides nothing.
    run_ms = {f"{number}": chance.randrange(100, 900) * 64 + number for number in range(64)}
    simulator = Simulator(
        services,
        world,
        lambda assignment: succeeds(run_ms[assignment.key or ""]),
        Options(slots=slots, stream_delay_ms=0),
    )
    scenes: list[Scene] = []

    def look() -> None:
        open_jobs = [each for each in world.jobs.values() if not each.is_terminal]
        pool = ScenePool(slots=slots, window=int(slots * window))
        made = tuple(scene_job(each, settings.rank_policy, waits_of(each)) for each in open_jobs)
        scenes.append(
            Scene(now_ms=world.now_ms, jobs=made, pools={"lambda": pool}, policy=settings.rank_policy)
        )

    simulator.plan(
        0,
        lambda: submit_workflow(
            services, drawn(seed), idempotency_key=None, fingerprint="", now_ms=simulator.now_ms
        ),
    )
    for at_ms in LOOKS_MS:
        simulator.plan(at_ms, look)
    simulator.run()
    check_all(simulator)
    assert all(each.started_at_ms is not None for each in world.jobs.values())
    assert {each.state for each in scenes[0].jobs} <= {
        State.RUNNING,
        State.QUEUED,
        State.READY,
        State.PENDING,
    }
    for scene in scenes:
        ways = [world.jobs[each.job_id] for each in scene.jobs]
        remaining_ms = [(way.finished_at_ms or 0) - max(scene.now_ms, way.started_at_ms or 0) for way in ways]
        course = step(wire(scene), remaining_ms, random.Random(1).random)
        assert list(course.starts_ms) == [way.started_at_ms for way in ways]
        assert list(course.ends_ms) == [way.finished_at_ms for way in ways]
    # The first scene has every job, so its starts are the whole order of starts.
    assert len(scenes[0].jobs) == len(world.jobs)
