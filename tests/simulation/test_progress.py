"""The progress that the recorder keeps of simulated workflows is the truth once they are quiet."""

from __future__ import annotations

import pytest

from dev.simulator.checks.progress import SimulatedRecorder
from dev.simulator.runs import always, by_key, make_simulator, run, submit
from dev.simulator.system.scenario import fails, succeeds
from dev.simulator.system.simulator import Options
from dev.simulator.workflows.graphs import chain, fan, layered


def test_the_progress_of_workflows_is_the_truth_at_the_end() -> None:
    scenario = by_key({"leaf-3": fails(500)}, succeeds(700))
    simulator = make_simulator(scenario, options=Options(slots=8))
    recorder = SimulatedRecorder(seed=3)
    simulator.observers.append(recorder)
    for at_ms, request in ((0, fan(12)), (900, chain(6)), (1_800, layered(80, 5))):
        submit(simulator, request, at_ms)
    run(simulator)
    recorder.check(simulator)
    assert {summary.state for summary in recorder.world.summaries.values()} == {"SUCCEEDED", "FAILED"}


def test_a_repeated_and_late_stream_leaves_the_same_progress_as_any_other() -> None:
    found = set()
    for seed in range(6):
        simulator = make_simulator(always(succeeds(300)), options=Options(stream_doubled=True))
        recorder = SimulatedRecorder(seed)
        simulator.observers.append(recorder)
        submit(simulator, layered(60, 2))
        run(simulator)
        recorder.check(simulator)
        (segment,) = recorder.world.segments.values()
        found.add((segment.states, segment.started_at_ms, segment.ended_at_ms))
    assert len(found) == 1


@pytest.mark.parametrize("gives_up", [0.1, 0.5, 1.0])
def test_the_reaper_makes_good_what_the_stream_gave_up(gives_up: float) -> None:
    scenario = by_key({"leaf-3": fails(500)}, succeeds(700))
    for seed in range(4):
        simulator = make_simulator(scenario, options=Options(slots=8))
        recorder = SimulatedRecorder(seed, gives_up)
        simulator.observers.append(recorder)
        for at_ms, request in ((0, fan(12)), (900, chain(6)), (1_800, layered(300, 5))):
            submit(simulator, request, at_ms)
        run(simulator)
        recorder.check(simulator)
        assert recorder.given_up
        assert {summary.state for summary in recorder.world.summaries.values()} == {"SUCCEEDED", "FAILED"}
