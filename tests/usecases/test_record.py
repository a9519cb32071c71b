"""The recorder keeps the progress of workflows, whatever comes twice, in part, late or at the same time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.domain.job_lives import START_MS, submitted, way_of
from tests.harness.functions.api_calls import SETTINGS
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.progress import SEGMENT_JOBS, WorkflowState, new_segment, summary_of
from tidegate.domain.states import State
from tidegate.domain.submission import Phase, Submission
from tidegate.usecases.record.record import ROUNDS, record
from tidegate.usecases.services import Services

JOBS = 5


def world_with(
    *workflows: str, job_count: int = JOBS, phase: Phase = Phase.COMPLETE
) -> tuple[Services, MemoryWorld]:
    services, world = memory_services(SETTINGS)
    for workflow_id in workflows:
        world.submissions[workflow_id] = Submission(
            submission_id=workflow_id,
            phase=phase,
            job_count=job_count,
            fingerprint="f",
            created_at_ms=START_MS,
        )
    return services, world


def ended(job_id: str, state: State = State.SUCCEEDED, reopened: int = 0) -> Job:
    return replace(submitted(job_id, state), finished_at_ms=START_MS + 5, reopened=reopened)


def ends(workflow_id: str = "W", state: State = State.SUCCEEDED, reopened: int = 0) -> list[Job]:
    return [ended(f"{workflow_id}.{index}", state, reopened) for index in range(JOBS)]


def test_one_batch_writes_each_segment_once() -> None:
    services, world = world_with("W", "V", job_count=SEGMENT_JOBS + 1)
    batch = [
        submitted(f"{workflow}.{index}", State.READY)
        for workflow in "WV"
        for index in range(SEGMENT_JOBS + 1)
    ]
    assert record(services, batch).segments == 4
    assert world.requests["save_segment"] == 4
    assert world.requests["load_segments"] == world.requests["get_workflows"] == 1
    assert record(services, batch).segments == 0
    assert world.requests["save_segment"] == 4


def test_jobs_of_no_workflow_and_of_workflows_that_nobody_sees_are_passed_over() -> None:
    services, world = world_with("W", phase=Phase.STAGING)
    assert record(services, [submitted("J", State.READY), *ends(), *ends("gone")]).segments == 0
    assert not world.segments
    assert record(services, []).segments == 0


def test_the_end_of_a_workflow_is_noted_and_its_reopening_too() -> None:
    services, world = world_with("W")
    record(services, ends()[1:])
    assert "W" not in world.summaries, "a workflow that runs for the first time costs no summary"
    assert record(services, ends()[:1]).summaries == 1
    assert world.summaries["W"].state == "SUCCEEDED"
    record(services, [replace(submitted("W.2"), reopened=1)])
    assert world.summaries["W"].state == "RUNNING"
    record(services, [ended("W.2", State.FAILED, reopened=1)])
    assert world.summaries["W"].state == "FAILED"
    assert world.summaries["W"].counts == {State.SUCCEEDED: JOBS - 1, State.FAILED: 1}


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.CANCELLED])
def test_a_run_that_died_before_the_summary_is_made_good_by_the_repeated_batch(state: State) -> None:
    services, world = world_with("W")

    def die(request: str) -> None:
        if request == "note_summary":
            raise ServiceUnavailable("x")

    world.on_request = die
    with pytest.raises(ServiceUnavailable):
        record(services, ends(state=state))
    world.on_request = lambda _request: None
    assert record(services, ends(state=state)).summaries == 1
    assert world.summaries["W"].state is WorkflowState(state)
    if state is State.CANCELLED:
        world.on_request = die
        with pytest.raises(ServiceUnavailable):
            record(services, [replace(submitted("W.2"), reopened=1)])
        world.on_request = lambda _request: None
        record(services, [replace(submitted("W.2"), reopened=1)])
        assert world.summaries["W"].state is WorkflowState.RUNNING


def test_a_run_that_is_overtaken_reads_again_and_loses_nothing() -> None:
    services, world = world_with("W")
    overtakes = 3

    def overtake(request: str) -> None:
        nonlocal overtakes
        if request == "save_segment" and overtakes:
            overtakes -= 1
            record(services, [ended(f"W.{overtakes}")])

    world.on_request = overtake
    record(services, ends()[3:])
    assert world.segments["W", 0].states == (State.SUCCEEDED,) * JOBS
    assert world.summaries["W"].state is WorkflowState.SUCCEEDED


def test_a_run_that_is_overtaken_for_ever_gives_up_and_says_so() -> None:
    services, world = world_with("W")

    def overtake(request: str) -> None:
        if request == "save_segment":
            standing = world.segments.get(("W", 0)) or new_segment("W", 0, JOBS)
            world.segments["W", 0] = replace(standing, version=standing.version + 1)

    world.on_request = overtake
    with pytest.raises(ServiceUnavailable, match="other runs"):
        record(services, ends())
    assert world.requests["save_segment"] == ROUNDS


@given(st.integers(0, 1 << 32))
@settings(max_examples=150, deadline=None)
def test_doubled_torn_shuffled_and_failing_batches_leave_the_truth(seed: int) -> None:
    draw = random.Random(seed)
    services, world = world_with("W", "V")
    ways = {
        job_id: way_of(submitted(job_id), draw, draw.randrange(1, 20))
        for job_id in (f"{workflow}.{index}" for workflow in "WV" for index in range(JOBS))
    }
    records = [job for way in ways.values() for job in way]
    records += draw.choices(records, k=len(records) // 3)
    draw.shuffle(records)

    def fail(_request: str) -> None:
        if draw.random() < 0.1:
            raise ServiceUnavailable("x")

    world.on_request = fail
    while records:
        size = draw.randrange(1, 12)
        _until_done(services, records[:size])
        records = records[size:]
    world.on_request = lambda _request: None
    for workflow in "WV":
        segment = world.segments[workflow, 0]
        assert segment.states == tuple(ways[f"{workflow}.{index}"][-1].state for index in range(JOBS))
        now = summary_of([segment], JOBS)
        noted = world.summaries.get(workflow)
        assert now.state is (WorkflowState.RUNNING if noted is None else noted.state)


def _until_done(services: Services, batch: Sequence[Job]) -> None:
    """Sends the batch again until a run of the recorder has come to its end, as the stream does."""
    while True:
        try:
            record(services, batch)
        except ServiceUnavailable:
            continue
        return
