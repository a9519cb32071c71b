"""Small workflows without faults: everything ends, in legal order."""

from __future__ import annotations

from itertools import pairwise

import pytest

from dev.simulator.checks.invariants import first_start_ms
from dev.simulator.memory.seeded import JOB_TYPE, START_MS, process_pool
from dev.simulator.people.callers import caller_named
from dev.simulator.runs import LAMBDA, always, by_key, make_simulator, run, run_workflow, submit
from dev.simulator.system.scenario import Course, fails, succeeds
from dev.simulator.system.simulator import Options
from dev.simulator.workflows.graphs import chain, fan_out_fan_in, job, layered, workflow
from tidegate.domain.dependency import DependencyType
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate.domain.states import State
from tidegate.ports import Assignment
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.submit.submit import submit_job, submit_workflow


def test_a_single_job() -> None:
    simulator = make_simulator(always(succeeds(1_500, {"rows": 3})))
    simulator.plan(
        0,
        lambda: submit_job(
            simulator.services,
            JobRequest(type=JOB_TYPE),
            idempotency_key=None,
            fingerprint="f",
            now_ms=simulator.now_ms,
        ),
    )
    (only,) = run(simulator).values()
    assert [entry.state for entry in only.history] == [
        State.READY,
        State.QUEUED,
        State.RUNNING,
        State.SUCCEEDED,
    ]
    assert only.result == {"rows": 3}
    assert only.actual_duration_seconds == 1.5
    assert only.started_at_ms == START_MS + simulator.options.stream_delay_ms


def test_a_chain_runs_one_after_the_other() -> None:
    jobs = run_workflow(chain(20))
    finishes = [(first_start_ms(jobs[str(place)]), jobs[str(place)].finished_at_ms) for place in range(20)]
    flat = [moment for pair in finishes for moment in pair if moment is not None]
    assert len(flat) == 40
    assert flat == sorted(flat)


def test_fan_out_and_fan_in_use_all_workers() -> None:
    jobs = run_workflow(fan_out_fan_in(83))
    assert {job.state for job in jobs.values()} == {State.SUCCEEDED}
    leaves = [job for key, job in jobs.items() if key.startswith("leaf")]
    ended = max(job.finished_at_ms or 0 for job in leaves)
    began = min(first_start_ms(job) or 0 for job in leaves)
    assert len(leaves) == 80
    assert ended - began <= 80 / LAMBDA.capacity * 1_000 * 1.25  # the window keeps workers busy meanwhile


@pytest.mark.parametrize("seed", range(5))
def test_layered_random_graphs(seed: int) -> None:
    jobs = run_workflow(layered(150, seed), lambda assignment: succeeds(100 + len(assignment.job_id) * 37))
    assert {job.state for job in jobs.values()} == {State.SUCCEEDED}


def test_every_type_of_dependency_on_a_job_that_fails_late() -> None:
    edges = {
        "start": DependencyRequest(key="up", type=DependencyType.MUST_START),
        "complete": DependencyRequest(key="up", type=DependencyType.MUST_COMPLETE),
        "succeed": DependencyRequest(key="up"),
        "holds": DependencyRequest(
            key="up", type=DependencyType.CONDITIONAL, condition="upstream.error.code == 'broken'"
        ),
        "fails": DependencyRequest(
            key="up", type=DependencyType.CONDITIONAL, condition="upstream.status == 'SUCCEEDED'"
        ),
        "breaks": DependencyRequest(
            key="up", type=DependencyType.CONDITIONAL, condition="upstream.result.rows > 0"
        ),
    }
    jobs = [job("up"), *(job(key, edge) for key, edge in edges.items())]
    after = [
        job("after-skipped", "succeed"),
        job("whatever", DependencyRequest(key="succeed", type=DependencyType.MUST_COMPLETE)),
    ]
    ended = run_workflow(
        workflow([*jobs, *after]), by_key({"up": fails(30_000, retryable=False)}, succeeds(1_000))
    )
    states = {key: each.state for key, each in ended.items()}
    assert states == {
        "up": State.FAILED,
        "start": State.SUCCEEDED,
        "complete": State.SUCCEEDED,
        "succeed": State.SKIPPED,
        "holds": State.SUCCEEDED,
        "fails": State.SKIPPED,
        "breaks": State.SKIPPED,
        "after-skipped": State.SKIPPED,
        "whatever": State.SUCCEEDED,
    }
    assert (ended["start"].finished_at_ms or 0) < (ended["up"].finished_at_ms or 0)
    reasons = {key: each.failure.message for key, each in ended.items() if each.failure and key != "up"}
    assert "is false" in reasons["fails"]
    assert "could not be evaluated" in reasons["breaks"]
    assert {each.failure.upstream_id for key, each in ended.items() if key == "succeed" and each.failure} == {
        ended["up"].job_id
    }


def test_retries_wait_for_their_backoff_and_use_up_their_attempts() -> None:
    def scenario(assignment: Assignment) -> Course:
        recovers = assignment.key == "recovers" and assignment.attempt == 3
        return succeeds(1_000) if recovers else fails(1_000)

    ended = run_workflow(workflow([job("recovers"), job("never")]), scenario)
    assert (ended["recovers"].state, ended["recovers"].attempt) == (State.SUCCEEDED, 3)
    assert (ended["never"].state, ended["never"].attempt) == (State.FAILED, 4)
    for each in ended.values():
        transitions = each.history
        for scheduled, ready in pairwise(transitions):
            if scheduled.state is State.SCHEDULED:
                assert ready.state is State.READY
                assert ready.at_ms - scheduled.at_ms <= 600_000 + 61_000


def test_a_job_that_overruns_is_timed_out_and_tried_again() -> None:
    slow = JobRequest(type=JOB_TYPE, key="slow", timeout_seconds=40)
    ended = run_workflow(workflow([slow]), always(succeeds(50_000)))
    assert (ended["slow"].state, ended["slow"].attempt) == (State.TIMED_OUT, 4)
    assert ended["slow"].actual_duration_seconds == 40.0


def test_heartbeats_keep_a_long_job_with_its_worker() -> None:
    long_job = JobRequest(type=JOB_TYPE, key="long", timeout_seconds=3_600)
    ended = run_workflow(workflow([long_job]), always(succeeds(3_000_000)))
    assert (ended["long"].state, ended["long"].attempt) == (State.SUCCEEDED, 1)


def test_a_job_does_not_start_before_its_time() -> None:
    simulator = make_simulator(always(succeeds(100)))
    early = JobRequest(type=JOB_TYPE, key="alone", not_before_ms=START_MS + 500_000)
    after = JobRequest(
        type=JOB_TYPE,
        key="after",
        not_before_ms=START_MS + 900_000,
        depends_on=(DependencyRequest(key="alone"),),
    )
    submit(simulator, workflow([early, after]))
    ended = run(simulator)
    assert 500_000 <= (ended["alone"].started_at_ms or 0) - START_MS <= 561_000
    assert 900_000 <= (ended["after"].started_at_ms or 0) - START_MS <= 961_000


def test_a_running_job_stops_at_the_heartbeat_after_it_was_cancelled() -> None:
    simulator = make_simulator(always(succeeds(200_000)))
    submit(simulator, workflow([job("up"), job("down", "up")]))

    def cancel() -> None:
        (up,) = [each for each in simulator.world.jobs.values() if each.key == "up"]
        cancel_job(simulator.services, up.job_id, caller=caller_named("client"), now_ms=simulator.now_ms)

    simulator.plan(20_000, cancel)
    ended = run(simulator)
    assert (ended["up"].state, ended["down"].state) == (State.CANCELLED, State.SKIPPED)
    assert 20_000 < (ended["up"].finished_at_ms or 0) - START_MS <= 20_000 + 15_000


def test_worker_processes_bring_the_capacity_of_their_pool() -> None:
    simulator = make_simulator(always(succeeds(2_000)), LAMBDA, process_pool("ecs"), options=Options(slots=3))
    jobs = [JobRequest(type=JOB_TYPE, key=str(place), pool="ecs") for place in range(30)]
    submit(simulator, workflow(jobs))
    ended = run(simulator)
    assert {job.state for job in ended.values()} == {State.SUCCEEDED}
    assert {(job.worker_id or "").split("-")[0] for job in ended.values()} == {"ecs"}


def test_edges_to_jobs_of_an_earlier_submission_before_and_after_they_end() -> None:
    simulator = make_simulator(always(succeeds(60_000)))
    submit(simulator, workflow([job("up")]))

    def submit_down(name: str, kind: DependencyType) -> None:
        (up,) = [each.job_id for each in simulator.world.jobs.values() if each.key == "up"]
        down = JobRequest(type=JOB_TYPE, key=name, depends_on=(DependencyRequest(job_id=up, type=kind),))
        submit_workflow(
            simulator.services,
            workflow([down]),
            idempotency_key=None,
            fingerprint=name,
            now_ms=simulator.now_ms,
        )

    simulator.plan(10_000, lambda: submit_down("while-it-ran", DependencyType.MUST_SUCCEED))
    simulator.plan(11_000, lambda: submit_down("already-started", DependencyType.MUST_START))
    simulator.plan(500_000, lambda: submit_down("after-it-ended", DependencyType.MUST_SUCCEED))
    ended = run(simulator)
    assert {job.state for job in ended.values()} == {State.SUCCEEDED}
    up_ended = ended["up"].finished_at_ms or 0
    assert 0 <= (ended["while-it-ran"].started_at_ms or 0) - up_ended <= 2_000
    assert (ended["already-started"].started_at_ms or 0) < up_ended
    assert (ended["after-it-ended"].started_at_ms or 0) - START_MS <= 502_000


def test_the_same_seed_gives_the_same_run() -> None:
    def history() -> list[object]:
        flaky = make_simulator(lambda given: fails(900) if given.attempt == 1 else succeeds(1_100))
        submit(flaky, layered(60, seed=3))
        return [each.history for each in run(flaky).values()]

    assert history() == history()
