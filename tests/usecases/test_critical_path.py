"""The critical-path weight: the boosts that a submission stores, and their effect on the order of starts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.checks.invariants import first_start_ms
from dev.simulator.memory.seeded import JOB_TYPE, function_pool, make_services, make_settings
from dev.simulator.runs import make_simulator, run, submit
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Options
from tidegate.domain.dependency import DependencyType
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.usecases.submit.critical_path import boosts_of
from tidegate.usecases.submit.submit import submit_job, submit_workflow

NOW_MS = 1_800_000_000_000


def task(key: str, seconds: float | None, *upstreams: str) -> JobRequest:
    edges = tuple(DependencyRequest(key=upstream) for upstream in upstreams)
    return JobRequest(type=JOB_TYPE, key=key, estimated_duration_seconds=seconds, depends_on=edges)


# "tail" waits for "long". "short" is alone.
JOBS = (task("short", 4.0), task("long", 1.0), task("tail", 10.0, "long"))


def boosts(jobs: tuple[JobRequest, ...], weight: float | None, default: float = 0.0) -> dict[str | None, int]:
    """Returns the boosts of a workflow's stored jobs, by key."""
    settings = replace(make_settings(function_pool("lambda", 1)), critical_path_weight=default)
    services, world = make_services(settings, seed=1)
    request = WorkflowRequest(jobs=jobs, critical_path_weight=weight)
    submit_workflow(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS)
    return {job.key: job.critical_path_boost_millipoints for job in world.jobs.values()}


def test_a_job_gains_by_its_own_estimate_and_the_longest_chain_after_it() -> None:
    assert boosts(JOBS, 0.5) == {"short": 2_000, "long": 5_500, "tail": 5_000}


def test_it_is_off_unless_asked_for() -> None:
    assert boosts(JOBS, None) == dict.fromkeys(("short", "long", "tail"), 0)


def test_the_deployments_weight_holds_where_the_workflow_says_nothing_and_0_turns_it_off() -> None:
    assert boosts(JOBS, None, default=2.0)["tail"] == 20_000
    assert boosts(JOBS, 0.0, default=2.0)["tail"] == 0


def test_a_job_without_an_estimate_counts_as_0() -> None:
    assert boosts((task("a", None), task("b", 3.0, "a"), task("c", None, "b")), 1.0) == {
        "a": 3_000,
        "b": 3_000,
        "c": 0,
    }


def test_only_edges_within_the_submission_make_a_path() -> None:
    earlier = DependencyRequest(job_id="01EARLIER", type=DependencyType.MUST_COMPLETE)
    later = replace(task("later", 2.0), depends_on=(earlier,))
    assert boosts_of((later, task("last", 3.0, "later")), 1.0, 500) == (5_000, 3_000)


def test_a_job_alone_is_its_own_path() -> None:
    settings = replace(make_settings(function_pool("lambda", 1)), critical_path_weight=2.0)
    services, world = make_services(settings, seed=1)
    request = JobRequest(type=JOB_TYPE, estimated_duration_seconds=3.0)
    submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS)
    assert [job.critical_path_boost_millipoints for job in world.jobs.values()] == [6_000]


@pytest.mark.parametrize(
    ("weight", "order"),
    [(0.0, ["urgent", "short", "long", "tail"]), (1.0, ["long", "urgent", "tail", "short"])],
)
def test_long_chains_start_first_and_priority_still_counts(weight: float, order: list[str]) -> None:
    jobs = (
        replace(task("short", 4.0), priority=101),
        task("long", 1.0),
        task("tail", 10.0, "long"),
        replace(task("urgent", 0.0), priority=110),
    )
    pool, options = function_pool("lambda", 1), Options(slots=1, stream_delay_ms=0)
    simulator = make_simulator(lambda _: succeeds(1_000), pool, options=options, window=1.0)
    submit(simulator, WorkflowRequest(jobs=jobs, critical_path_weight=weight))
    ended = run(simulator)
    # "long" gains 11 points, "tail" 10, "short" 4. "urgent" is 10 above the default priority.
    assert sorted(ended, key=lambda key: first_start_ms(ended[key]) or 0) == order
