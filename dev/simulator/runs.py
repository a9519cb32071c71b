"""Sets up, submits and checks simulated runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dev.simulator.checks.invariants import check_all, hold_back
from dev.simulator.memory.seeded import function_pool, make_services, make_settings
from dev.simulator.system.scenario import Course, Scenario, succeeds
from dev.simulator.system.simulator import Options, Simulator
from tidegate.domain.job import Job
from tidegate.domain.pools import Pool
from tidegate.domain.rank import RankPolicy
from tidegate.domain.requests import WorkflowRequest
from tidegate.usecases.submit.submit import submit_workflow

LAMBDA = function_pool("lambda", 4)
DEFAULT_POLICY = RankPolicy()


def make_simulator(
    scenario: Scenario,
    *pools: Pool,
    options: Options | None = None,
    window: float = 2.0,
    shards: int = 1,
    rank_policy: RankPolicy = DEFAULT_POLICY,
) -> Simulator:
    """Returns a simulator of `pools`, whose jobs run as `scenario` says."""
    plain = make_settings(*(pools or (LAMBDA,)), window=window, shards=shards)
    settings = replace(plain, rank_policy=rank_policy)
    services, world = make_services(settings, seed=1)
    return Simulator(services, world, scenario, options or Options(), observers=[hold_back])


def submit(simulator: Simulator, request: WorkflowRequest, at_ms: int = 0) -> None:
    """Lets a client submit the workflow `at_ms` after the start."""

    def happen() -> None:
        submit_workflow(
            simulator.services, request, idempotency_key=None, fingerprint="f", now_ms=simulator.now_ms
        )

    simulator.plan(at_ms, happen)


def run(simulator: Simulator) -> Mapping[str, Job]:
    """Runs to the end and checks every invariant. Returns the jobs by key (or id if they have none)."""
    simulator.run()
    check_all(simulator)
    return {job.key or job.job_id: job for job in simulator.world.jobs.values()}


def always(course: Course) -> Scenario:
    """Returns the scenario in which every attempt takes the same course."""
    return lambda _assignment: course


def by_key(courses: Mapping[str, Course], otherwise: Course) -> Scenario:
    """Returns the scenario that gives a job the course of its key, and any other job `otherwise`."""
    return lambda assignment: courses.get(assignment.key or "", otherwise)


def run_workflow(request: WorkflowRequest, scenario: Scenario | None = None) -> Mapping[str, Job]:
    """Runs a workflow to its end and returns its jobs by key. Without a scenario every job succeeds after 1 s."""
    simulator = make_simulator(scenario or always(succeeds(1_000)))
    submit(simulator, request)
    jobs = run(simulator)
    assert len(jobs) == len(request.jobs)
    return jobs
