"""A caller that asks for the greatest weight over the longest path gains a bounded number of points."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.seeded import JOB_TYPE, function_pool, make_services, make_settings
from tidegate.domain import limits
from tidegate.domain.rank import RankPolicy, rank
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.settings import Settings
from tidegate.usecases.submit.critical_path import boosts_of
from tidegate.usecases.submit.submit import submit_workflow

NOW_MS = 1_800_000_000_000
MINUTE_MS = 60_000
DEFAULTS = Settings(pools={}, default_pool="")


def chain(jobs: int) -> tuple[JobRequest, ...]:
    """Makes a chain of jobs, each with the longest accepted estimate."""
    return tuple(
        JobRequest(
            type=JOB_TYPE,
            key=str(place),
            estimated_duration_seconds=limits.MAX_ESTIMATED_DURATION_SECONDS,
            depends_on=(DependencyRequest(key=str(place - 1)),) if place else (),
        )
        for place in range(jobs)
    )


def test_a_chain_of_9999_jobs_of_12_hours_gains_the_cap_at_most_and_keeps_its_order() -> None:
    boosts = boosts_of(chain(9_999), limits.MAX_CRITICAL_PATH_WEIGHT, DEFAULTS.critical_path_max_points)
    assert max(boosts) == DEFAULTS.critical_path_max_points * 1_000
    assert list(boosts) == sorted(set(boosts), reverse=True)  # no two of them are equal


def test_what_is_stored_of_a_submission_is_capped_by_the_deployments_setting() -> None:
    settings = replace(make_settings(function_pool("lambda", 1)), critical_path_max_points=7)
    services, world = make_services(settings, seed=1)
    request = WorkflowRequest(jobs=chain(20), critical_path_weight=limits.MAX_CRITICAL_PATH_WEIGHT)
    submit_workflow(services, request, idempotency_key=None, fingerprint="", now_ms=NOW_MS)
    assert max(job.critical_path_boost_millipoints for job in world.jobs.values()) == 7_000


@pytest.mark.parametrize("priority", [limits.DEFAULT_PRIORITY, limits.DEFAULT_PRIORITY - 40])
def test_a_waiting_job_overtakes_the_greatest_boost_after_a_time_that_follows_from_the_cap(
    priority: int,
) -> None:
    policy = RankPolicy()
    boost = max(boosts_of(chain(100), limits.MAX_CRITICAL_PATH_WEIGHT, DEFAULTS.critical_path_max_points))
    # docs/explanation/scheduling.md: the cap and the difference of the priorities, over the points that aging gives a
    # minute.
    minutes = (DEFAULTS.critical_path_max_points + limits.DEFAULT_PRIORITY - priority) * 1_000
    minutes //= policy.aging_millipoints_per_minute
    waiting = rank(policy, priority, NOW_MS, 0)
    newcomer_at_ms = NOW_MS + minutes * MINUTE_MS
    assert rank(policy, limits.DEFAULT_PRIORITY, newcomer_at_ms, 0, boost) < waiting
    earlier_ms = newcomer_at_ms - MINUTE_MS
    assert rank(policy, limits.DEFAULT_PRIORITY, earlier_ms, 0, boost) > waiting
