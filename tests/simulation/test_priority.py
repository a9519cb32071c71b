"""The order of jobs: priority, aging, and how many jobs the window lets pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.checks.invariants import first_start_ms, started_ahead
from dev.simulator.memory.seeded import JOB_TYPE, START_MS, function_pool
from dev.simulator.runs import LAMBDA, always, make_simulator, run, submit
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Options
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain.job import Job
from tidegate.domain.rank import RankPolicy, rank
from tidegate.domain.requests import JobRequest


@pytest.mark.parametrize("head_start_ms", [0, 30_000], ids=["no head start", "head starts"])
@pytest.mark.parametrize("shards", [1, 4])
def test_no_job_waits_behind_more_less_urgent_ones_than_the_window_holds(
    shards: int, head_start_ms: int
) -> None:
    given = RankPolicy(aging_millipoints_per_minute=100_000, head_start_ms=head_start_ms)
    simulator = make_simulator(always(succeeds(700)), window=1.5, shards=shards, rank_policy=given)
    for wave in range(6):
        jobs = [
            replace(
                job(f"{wave}-{place}", priority=1 + (place * 389 + wave * 101) % 1_000),
                finish_by_ms=START_MS + 20_000 + place * 977 if place % 3 else None,
            )
            for place in range(40)
        ]
        submit(simulator, workflow(jobs), at_ms=wave * 1_900)
    ended = run(simulator)
    policy = simulator.services.settings.rank_policy

    def rank_of(each: Job) -> int:
        return rank(policy, each.priority, each.ready_at_ms or 0, 0, latest_start_ms=each.latest_start_ms)

    overtaken = [started_ahead(each, ended.values(), rank_of) for each in ended.values()]
    assert 0 < max(overtaken) <= LAMBDA.capacity * 1.5
    assert any(each.latest_start_ms for each in ended.values()) is bool(head_start_ms)


def test_jobs_that_are_ready_together_start_by_priority() -> None:
    jobs = [job(str(priority), priority=priority) for priority in (1, 900, 30, 500, 1_000, 250)]
    simulator = make_simulator(
        always(succeeds(5_000)), function_pool("lambda", 1), options=Options(slots=1), window=1.0
    )
    submit(simulator, workflow(jobs))
    ended = run(simulator)
    started = sorted(ended, key=lambda key: first_start_ms(ended[key]) or 0)
    assert started == ["1000", "900", "500", "250", "30", "1"]


def test_waiting_ages_a_job_past_a_fresher_one() -> None:
    simulator = make_simulator(
        always(succeeds(600_000 - 1_000)), function_pool("lambda", 1), options=Options(slots=1), window=1.0
    )
    long_job = JobRequest(type=JOB_TYPE, key="long", priority=1_000, timeout_seconds=900)
    submit(simulator, workflow([long_job]))
    old = JobRequest(type=JOB_TYPE, key="old", priority=100, timeout_seconds=900)
    fresh = JobRequest(type=JOB_TYPE, key="fresh", priority=105, timeout_seconds=900)
    submit(simulator, workflow([old]), at_ms=1_000)
    submit(simulator, workflow([fresh]), at_ms=421_000)  # seven minutes later, five points ahead
    ended = run(simulator)
    assert (ended["old"].started_at_ms or 0) < (ended["fresh"].started_at_ms or 0)
