"""Latest starts: what a submission stores of its times to finish by, and their effect on the order of starts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.checks import latest_starts as measured
from dev.simulator.checks.invariants import first_start_ms
from dev.simulator.checks.latest_starts import measure
from dev.simulator.memory.seeded import JOB_TYPE, START_MS, function_pool, make_services, make_settings
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.runs import make_simulator, run, submit
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Options
from dev.simulator.workflows.graphs import workflow
from tidegate.contracts.responses import job_out
from tidegate.domain.callers import NOBODY
from tidegate.domain.dependency import DependencyType
from tidegate.domain.rank import RankPolicy
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.usecases.services import Services
from tidegate.usecases.submit.latest_starts import latest_starts_of
from tidegate.usecases.submit.submit import submit_job, submit_workflow
from tidegate.usecases.submit.would_submit import jobs_if_submitted

MINUTE_MS = 60_000
HOUR = RankPolicy(head_start_ms=60 * MINUTE_MS)
BY_MS = START_MS + 30 * MINUTE_MS


def task(key: str, seconds: float | None, *upstreams: str, by_ms: int | None = None) -> JobRequest:
    edges = tuple(DependencyRequest(key=upstream) for upstream in upstreams)
    return JobRequest(
        type=JOB_TYPE, key=key, estimated_duration_seconds=seconds, depends_on=edges, finish_by_ms=by_ms
    )


def deployment(policy: RankPolicy = HOUR) -> tuple[Services, MemoryWorld]:
    return make_services(replace(make_settings(function_pool("lambda", 1)), rank_policy=policy), seed=1)


def minutes(request: WorkflowRequest, policy: RankPolicy = HOUR) -> dict[str | None, float | None]:
    """Returns the latest starts of a workflow's stored jobs, by key, in minutes after the submission."""
    services, world = deployment(policy)
    submit_workflow(services, request, idempotency_key=None, fingerprint="", now_ms=START_MS)
    return {
        job.key: None if job.latest_start_ms is None else (job.latest_start_ms - START_MS) / MINUTE_MS
        for job in world.jobs.values()
    }


def test_a_job_has_to_start_in_time_for_itself_and_for_all_jobs_after_it() -> None:
    jobs = (task("a", 120), task("b", 60, "a", by_ms=BY_MS), task("c", 600, "a"), task("alone", 60))
    assert minutes(WorkflowRequest(jobs=jobs)) == {"a": 27, "b": 29, "c": None, "alone": None}
    whole = WorkflowRequest(jobs=jobs, finish_by_ms=BY_MS + 5 * MINUTE_MS)
    assert minutes(whole) == {"a": 23, "b": 29, "c": 25, "alone": 34}


def test_nothing_is_stored_where_no_time_is_given_or_the_times_change_no_order() -> None:
    timed = WorkflowRequest(jobs=(task("a", 120, by_ms=BY_MS),), finish_by_ms=BY_MS)
    assert minutes(timed, RankPolicy()) == {"a": None}
    assert minutes(WorkflowRequest(jobs=(task("a", 120),))) == {"a": None}


def test_a_job_without_an_estimate_takes_no_time_and_jobs_of_earlier_submissions_do_not_count() -> None:
    earlier = DependencyRequest(job_id="01EARLIER", type=DependencyType.MUST_COMPLETE)
    first = replace(task("first", None), depends_on=(earlier,))
    found = latest_starts_of((first, task("end", 60, "first", by_ms=BY_MS)), None, HOUR)
    assert found == (BY_MS - MINUTE_MS, BY_MS - MINUTE_MS)


def test_a_job_alone_and_what_would_be_submitted_have_a_latest_start() -> None:
    services, world = deployment()
    request = task("a", 120, by_ms=BY_MS)
    submit_job(services, request, idempotency_key=None, fingerprint="", now_ms=START_MS)
    (job,) = world.jobs.values()
    assert job.latest_start_ms == BY_MS - 2 * MINUTE_MS
    (foreseen,) = jobs_if_submitted(services, request, NOBODY, START_MS, "01FORESEEN").jobs
    assert foreseen.latest_start_ms == job.latest_start_ms
    # It has 28 of 60 minutes left, so it is 32 minutes ahead, at a point a minute.
    shown = job_out(job, HOUR, START_MS)
    assert shown["effective_priority"] == job.priority + 32
    assert shown["latest_start"] == "2027-01-15T08:28:00.000Z"


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        (RankPolicy(), ["urgent", "plain", "late", "soon"]),
        (HOUR, ["urgent", "soon", "late", "plain"]),
        (RankPolicy(head_start_ms=25 * MINUTE_MS), ["urgent", "soon", "plain", "late"]),
    ],
    ids=["off", "an hour", "less than one job has left"],
)
def test_the_latest_start_decides_among_equals_and_priority_still_counts(
    policy: RankPolicy, order: list[str]
) -> None:
    simulator = make_simulator(
        lambda _assignment: succeeds(30_000),
        function_pool("lambda", 1),
        options=Options(slots=1),
        window=1.0,
        rank_policy=policy,
    )
    jobs = [
        replace(task("urgent", 30), priority=900),
        task("plain", 30),
        task("late", 30, by_ms=BY_MS),
        task("soon", 30, by_ms=BY_MS - 20 * MINUTE_MS),
    ]
    submit(simulator, workflow(jobs))
    ended = run(simulator)
    assert sorted(ended, key=lambda key: first_start_ms(ended[key]) or 0) == order


def test_fewer_times_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "BURSTS", 1)
    monkeypatch.setattr(measured, "JOBS_OF_BURST", 24)
    monkeypatch.setattr(measured, "SLOTS", 2)
    plain, ahead = (measure(1, head_start, 0.8) for head_start in (0, 10))
    assert plain.missed > 0.05
    assert ahead.missed == 0
