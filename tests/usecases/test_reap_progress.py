"""The reaper records what the recorder missed, a bounded portion a run, and costs next to nothing where nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import HistoryEntry, Job, workflow_job_id
from tidegate.domain.progress import WorkflowState
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.usecases.reap.reap_progress import (
    GRACE_MS,
    JOBS_PER_RUN,
    PAUSE_MS,
    WORKFLOWS_PER_RUN,
    reap_progress,
)
from tidegate.usecases.record.record import record
from tidegate.usecases.services import Services
from tidegate.usecases.submit.submit import submit_workflow

LATER_MS = NOW_MS + GRACE_MS + 1


def deployment() -> tuple[Services, MemoryWorld]:
    return memory_services(SETTINGS, MemoryWorld(now_ms=NOW_MS))


def submitted(services: Services, world: MemoryWorld, jobs: int, now_ms: int = NOW_MS) -> str:
    """Submits a workflow whose jobs are READY, and lets the recorder hear of nothing."""
    requests = tuple(JobRequest(type="tidegate.noop", key=f"k{index}") for index in range(jobs))
    accepted = submit_workflow(
        services, WorkflowRequest(jobs=requests), idempotency_key=None, fingerprint="f", now_ms=now_ms
    )
    world.changes.clear()
    return accepted.workflow_id


def end(world: MemoryWorld, job_id: str, at_ms: int = NOW_MS) -> Job:
    """Ends a job behind the back of the recorder."""
    job = world.jobs[job_id]
    history = (*job.history, HistoryEntry(at_ms, State.SUCCEEDED, 1, "test"))
    world.jobs[job_id] = replace(job, state=State.SUCCEEDED, finished_at_ms=at_ms, history=history)
    return world.jobs[job_id]


def states(world: MemoryWorld, workflow_id: str) -> list[State]:
    return [
        state
        for (stored_id, _), segment in sorted(world.segments.items())
        if stored_id == workflow_id
        for state in segment.states
    ]


def whole_round(services: Services, world: MemoryWorld, now_ms: int = LATER_MS) -> int:
    """Runs the reaper until it pauses; returns how much it wrote."""
    written = 0
    for _ in range(500):
        before = world.cursors.copy()
        written += reap_progress(services, now_ms)
        if world.cursors == before:
            return written
    raise AssertionError("the round has no end")


def test_states_that_the_recorder_never_heard_of_are_recorded_and_the_end_is_noted() -> None:
    services, world = deployment()
    workflow_id = submitted(services, world, 3)
    for index in range(3):
        end(world, workflow_job_id(workflow_id, index))
    assert whole_round(services, world) == 2
    assert states(world, workflow_id) == [State.SUCCEEDED] * 3
    assert world.summaries[workflow_id].state is WorkflowState.SUCCEEDED


def test_an_end_that_was_recorded_and_not_noted_is_noted() -> None:
    services, world = deployment()
    workflow_id = submitted(services, world, 1)
    record(services, [end(world, workflow_job_id(workflow_id, 0))])
    world.summaries.clear()
    assert whole_round(services, world) == 1
    assert world.summaries[workflow_id].state is WorkflowState.SUCCEEDED


def test_changes_that_the_recorder_may_still_hear_of_are_left_to_it() -> None:
    services, world = deployment()
    workflow_id = submitted(services, world, 2)
    end(world, workflow_job_id(workflow_id, 0), LATER_MS - GRACE_MS + 1)
    assert whole_round(services, world) == 1
    assert states(world, workflow_id) == [State.PENDING, State.READY]


def test_workflows_that_ended_cost_no_more_than_their_records() -> None:
    services, world = deployment()
    workflow_id = submitted(services, world, 1)
    record(services, [end(world, workflow_job_id(workflow_id, 0))])
    world.requests.clear()
    assert whole_round(services, world) == 0
    assert set(world.requests) == {"load_cursor", "save_cursor", "page_of_workflows", "get_workflows"}


def test_a_run_during_the_pause_costs_one_read() -> None:
    services, world = deployment()
    submitted(services, world, 1)
    whole_round(services, world)
    world.requests.clear()
    for minute in range(1, 15):
        assert reap_progress(services, LATER_MS + minute * 60_000) == 0
    assert dict(world.requests) == {"load_cursor": 14}
    workflow_id = submitted(services, world, 1, LATER_MS)
    assert whole_round(services, world, LATER_MS + PAUSE_MS) == 1
    assert states(world, workflow_id) == [State.READY]


def test_a_run_reads_a_bounded_number_of_jobs_and_the_next_one_goes_on() -> None:
    services, world = deployment()
    large = submitted(services, world, 2 * JOBS_PER_RUN + 10)
    small = submitted(services, world, 3, NOW_MS - 1)
    for runs in range(1, 4):
        world.requests.clear()
        reap_progress(services, LATER_MS)
        assert world.requests["get_many"] <= JOBS_PER_RUN // 100 + WORKFLOWS_PER_RUN
        assert states(world, large).count(State.READY) == min(runs * JOBS_PER_RUN, 2 * JOBS_PER_RUN + 10)
    whole_round(services, world)
    assert states(world, small) == [State.READY] * 3


def test_every_workflow_of_many_is_looked_at_in_one_round() -> None:
    services, world = deployment()
    day_ms = 86_400_000
    ids = [submitted(services, world, 1, NOW_MS - number * day_ms) for number in range(WORKFLOWS_PER_RUN * 3)]
    whole_round(services, world)
    assert [states(world, each) for each in ids] == [[State.READY]] * len(ids)


def test_a_workflow_that_can_not_be_read_does_not_stop_the_others() -> None:
    services, world = deployment()
    first, second = submitted(services, world, 1), submitted(services, world, 1, NOW_MS - 1)
    failed: list[str] = []

    def fail_once(request: str) -> None:
        if request == "load_all_segments" and not failed:
            failed.append(request)
            raise ServiceUnavailable("x")

    world.on_request = fail_once
    with pytest.raises(ServiceUnavailable):
        reap_progress(services, LATER_MS)
    assert states(world, second) == [State.READY]
    assert states(world, first) == []
    whole_round(services, world)
    assert whole_round(services, world, LATER_MS + PAUSE_MS) == 1
    assert states(world, first) == [State.READY]


def test_two_runs_at_once_leave_the_truth() -> None:
    services, world = deployment()
    workflow_id = submitted(services, world, 5)
    running: list[str] = []

    def again(request: str) -> None:
        if request == "load_segments" and not running:
            running.append(request)
            world.cursors.clear()
            reap_progress(services, LATER_MS)

    world.on_request = again
    whole_round(services, world)
    assert states(world, workflow_id) == [State.READY] * 5
