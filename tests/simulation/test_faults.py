"""Every accepted job ends once, in the state that the rules give, whatever goes wrong around it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.simulator.checks.invariants import check_all, hold_back
from dev.simulator.memory.seeded import START_MS, function_pool, make_services, make_settings
from dev.simulator.people.clients import Client, submit_drawn
from dev.simulator.system.faults import FailAt, Faults, calm
from dev.simulator.system.scenario import Course, dies, stalls, succeeds
from dev.simulator.system.simulator import Observer, Options, Simulator
from dev.simulator.workflows.graphs import fan_out_fan_in, job, layered, workflow
from dev.simulator.workflows.model import Drawn, draw_workflow
from tidegate.domain import limits
from tidegate.domain.requests import WorkflowRequest
from tidegate.domain.states import State
from tidegate.ports import Assignment

CAPACITY = 4
NO_FAULTS = Faults()


def simulate(
    drawn: Drawn, faults: Faults = NO_FAULTS, options: Options | None = None, *, shards: int = 1
) -> Simulator:
    """Runs a drawn workflow with faults. Checks every invariant and the final state of each job."""
    settings = make_settings(function_pool("lambda", CAPACITY), shards=shards)
    plain, world = make_services(settings, drawn.seed)
    observers: list[Observer] = [hold_back] if faults.one_at_a_time else []
    simulator = Simulator(plain, world, drawn.course, options or Options(), observers)
    faults.inject(simulator, drawn.seed)
    submit_drawn(simulator, drawn)
    simulator.run()
    calm(simulator, plain)
    check_all(simulator)
    assert {each.key: each.state for each in world.jobs.values()} == drawn.expected(world.jobs.values())
    return simulator


@given(
    seed=st.integers(0, 10**9),
    faults=st.builds(
        Faults,
        lost_messages=st.sampled_from([0.0, 0.3]),
        doubled_messages=st.sampled_from([0.0, 0.5]),
        refused_requests=st.sampled_from([0.0, 0.02, 0.1]),
        lost_answers=st.sampled_from([0.0, 0.02, 0.1]),
        stale_reads=st.sampled_from([0.0, 0.5]),
        interruptions=st.sampled_from([0.0, 0.01, 0.1]),
    ),
    bad_workers=st.sampled_from([0.0, 0.4]),
    options=st.builds(
        Options,
        slots=st.sampled_from([1, CAPACITY]),
        stream_delay_ms=st.sampled_from([0, 200, 30_000]),
        stream_batch=st.sampled_from([1, 7, 500]),
        stream_open=st.booleans(),
        stream_doubled=st.booleans(),
    ),
    shards=st.sampled_from([1, 3]),
)
@hypothesis.settings(max_examples=200, deadline=None)
def test_any_workflow_under_any_faults(
    seed: int, faults: Faults, bad_workers: float, options: Options, shards: int
) -> None:
    simulate(draw_workflow(seed, most_jobs=14, bad_workers=bad_workers), faults, options, shards=shards)


def of_workflow(request: WorkflowRequest) -> Drawn:
    return Drawn(request, frozenset(), bad_workers=0.0, seed=11)


def test_lost_messages_are_sent_again() -> None:
    simulator = simulate(of_workflow(layered(120, seed=2)), Faults(lost_messages=0.3))
    ended = simulator.world.jobs.values()
    assert {each.attempt for each in ended} == {1}
    resent = [each for each in ended if each.sent_at_ms != each.queued_at_ms]
    assert len(resent) > 10


def test_doubled_messages_run_nothing_twice() -> None:
    simulator = simulate(of_workflow(layered(120, seed=2)), Faults(doubled_messages=1.0))
    assert {each.attempt for each in simulator.world.jobs.values()} == {1}


def test_without_the_stream_the_schedules_finish_everything() -> None:
    options = Options(stream_open=False)
    simulator = simulate(of_workflow(fan_out_fan_in(60)), options=options)
    assert simulator.now_ms - START_MS < 45 * 60_000
    for seed in range(10):
        simulate(draw_workflow(seed, most_jobs=20, bad_workers=0.0), options=options)


def test_the_reapers_sweep_gets_past_pending_jobs_that_cannot_be_released() -> None:
    stuck = [job(f"stuck-{place}", "long") for place in range(450)]
    quick = [job(f"quick-{place}", "short") for place in range(50)]
    long_job = replace(job("long"), timeout_seconds=3_600)
    request = workflow([long_job, job("short"), *stuck, *quick])

    def scenario(assignment: Assignment) -> Course:
        return succeeds(3_600_000 if assignment.key == "long" else 1_000)

    services, world = make_services(make_settings(function_pool("lambda", 200)), seed=1)
    simulator = Simulator(services, world, scenario, Options(slots=200, stream_open=False))
    simulator.plan(0, Client(simulator, request).submit)
    simulator.run()
    check_all(simulator)
    ended = {each.key: each for each in world.jobs.values()}
    assert {each.state for each in ended.values()} == {State.SUCCEEDED}
    latest = max(ended[each.key].finished_at_ms or 0 for each in quick)
    assert latest - START_MS < 20 * 60_000


def run_one(course_of: dict[int, Course]) -> Simulator:
    """Runs one job whose attempts go as given. All later attempts succeed."""

    def scenario(assignment: Assignment) -> Course:
        return course_of.get(assignment.attempt, succeeds(1_000, assignment.attempt))

    services, world = make_services(make_settings(function_pool("lambda", CAPACITY)), seed=1)
    simulator = Simulator(services, world, scenario, observers=[hold_back])
    simulator.plan(0, Client(simulator, workflow([job("only")])).submit)
    simulator.run()
    check_all(simulator)
    return simulator


def test_a_dead_workers_job_is_taken_over_within_lease_and_reaper_interval() -> None:
    (only,) = run_one({1: dies(5_000)}).world.jobs.values()
    assert [entry.state for entry in only.history] == [
        State.READY,
        State.QUEUED,
        State.RUNNING,
        State.READY,
        State.QUEUED,
        State.RUNNING,
        State.SUCCEEDED,
    ]
    lost = next(
        after.at_ms - before.at_ms
        for before, after in pairwise(only.history)
        if (before.state, after.state) == (State.RUNNING, State.READY)
    )
    assert 60_000 < lost <= 121_000


def test_a_job_whose_workers_all_die_fails_for_that() -> None:
    (only,) = run_one(dict.fromkeys(range(1, 9), dies(1_000))).world.jobs.values()
    assert (only.state, only.attempt, only.tries) == (State.FAILED, limits.MAX_WORKER_LOSSES, 0)
    assert only.failure is not None
    assert only.failure.code == "worker-lost"


def test_a_worker_that_was_given_up_writes_nothing_when_it_comes_back() -> None:
    (only,) = run_one({1: stalls(succeeds(0, 1), 150_000)}).world.jobs.values()
    assert (only.state, only.attempt, only.result) == (State.SUCCEEDED, 2, 2)


def test_a_worker_that_stalls_within_its_lease_still_finishes() -> None:
    (only,) = run_one({1: stalls(succeeds(0, 1), 59_000)}).world.jobs.values()
    assert (only.state, only.attempt) == (State.SUCCEEDED, 1)


@pytest.mark.parametrize("patient", [False, True], ids=["client gone", "client tries again"])
def test_a_submission_cut_off_at_any_request_is_finished_or_removed(patient: bool) -> None:
    request = workflow([job("a"), job("b"), *(job(f"c{place}", "a", "b") for place in range(60))])
    outcomes = set()
    number = 0
    while True:
        services, world = make_services(make_settings(function_pool("lambda", CAPACITY)), seed=1)
        simulator = Simulator(services, world, lambda _assignment: succeeds(10))
        fault = FailAt(number)
        client = Client(simulator, request, patient=patient)

        def cut_off(client: Client = client, fault: FailAt = fault) -> None:
            client.simulator.world.on_request = fault
            client.submit()
            calm(client.simulator, client.simulator.services)

        simulator.plan(0, cut_off)
        simulator.run()
        check_all(simulator)
        assert len(world.jobs) in (0, len(request.jobs))
        if fault.seen <= number:
            break  # the submission has no more requests
        outcomes.add(bool(world.jobs))
        number += 1
    assert number > 6
    assert outcomes == ({True} if patient else {True, False})
