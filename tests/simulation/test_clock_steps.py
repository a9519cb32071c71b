"""Clocks are set while jobs run, at every moment between two runs of the reaper, and no job is lost by it."""

from __future__ import annotations

import pytest

from dev.simulator.memory.seeded import JOB_TYPE
from dev.simulator.runs import always, make_simulator, run, submit
from dev.simulator.system.clock_steps import MACHINES, STEPS_MS, Step
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Options
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain.states import State

RUNS_MS = 250_000  # of its 300 s, past several heartbeats and runs of the reaper


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("by_ms", STEPS_MS)
def test_no_running_job_ends_or_is_taken_away_because_a_clock_was_set(machine: str, by_ms: int) -> None:
    for at_ms in range(61_000, 121_000, 5_000):
        simulator = make_simulator(
            always(succeeds(RUNS_MS)), options=Options(clock_steps=(Step(at_ms, machine, by_ms),))
        )
        submit(simulator, workflow([job(str(number)) for number in range(4)]))
        ended = run(simulator)
        assert simulator.happened[f"clock of {machine} was set"] > 0
        for each in ended.values():
            assert (each.state, each.attempt, each.type) == (State.SUCCEEDED, 1, JOB_TYPE)


@pytest.mark.parametrize("lie_every", [2, 3])
def test_no_running_job_ends_or_is_taken_away_because_a_date_lied(lie_every: int) -> None:
    simulator = make_simulator(always(succeeds(RUNS_MS)), options=Options(lie_every=lie_every, skew_ms=900))
    submit(simulator, workflow([job(str(number)) for number in range(4)]))
    ended = run(simulator)
    for machine in MACHINES:
        assert simulator.happened[f"a Date lied to {machine}"] > 0
        assert simulator.happened[f"{machine} went by a wrong clock"] == 0
    for each in ended.values():
        assert (each.state, each.attempt) == (State.SUCCEEDED, 1)


@pytest.mark.parametrize("turn", range(len(STEPS_MS)))
def test_no_running_job_ends_or_is_taken_away_because_all_clocks_were_set_at_once(turn: int) -> None:
    for at_ms in range(61_000, 121_000, 10_000):
        steps = tuple(
            Step(at_ms, machine, STEPS_MS[(turn + number) % len(STEPS_MS)])
            for number, machine in enumerate(MACHINES)
        )
        simulator = make_simulator(always(succeeds(RUNS_MS)), options=Options(clock_steps=steps))
        submit(simulator, workflow([job(str(number)) for number in range(4)]))
        for each in run(simulator).values():
            assert (each.state, each.attempt) == (State.SUCCEEDED, 1)
