"""Keys, limits, pauses and shares hold at every moment, whatever goes wrong, and no job waits for ever."""

from __future__ import annotations

from dataclasses import replace

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from dev.simulator.checks.bounds import Bounds
from dev.simulator.checks.invariants import check_all
from dev.simulator.memory.seeded import make_services, make_settings
from dev.simulator.people.bounds import CAPACITY, POOLS, plan_operators, with_bounds
from dev.simulator.people.callers import drawn_callers, made_operators
from dev.simulator.people.clients import submit_drawn
from dev.simulator.system.faults import Faults, calm
from dev.simulator.system.simulator import DISPATCHER_TIMEOUT_MS, Options, Simulator
from dev.simulator.workflows.model import draw_workflow

WINDOW = 2.0
NO_FAULTS = Faults()


def simulate(
    seed: int,
    faults: Faults = NO_FAULTS,
    options: Options | None = None,
    *,
    bad_workers: float = 0.0,
    lease_seconds: int = 0,
    most_jobs: int = 14,
    changes: int = 6,
) -> Simulator:
    """Runs a drawn workflow with bounds. Checks every invariant and the final state of each job."""
    options = options or Options(slots=CAPACITY)
    settings = make_settings(*POOLS, window=WINDOW, shards=1 + seed % 2)
    settings = replace(settings, dispatch_lease_seconds=lease_seconds)
    plain, world = make_services(settings, seed)
    # Dispatchers run one after the other, or take turns by leases. A stale index misleads them all the same.
    in_turn = not faults.stale_reads and (lease_seconds or not faults.interruptions)
    most_dispatched = int(max(CAPACITY, options.slots) * WINDOW) if in_turn else None
    drawn = with_bounds(draw_workflow(seed, most_jobs=most_jobs, bad_workers=bad_workers))
    simulator = Simulator(plain, world, drawn.course, options, [Bounds(most_dispatched)])
    callers = drawn_callers(seed)
    world.grants = made_operators(*callers)  # only operators give shares their weights
    faults.inject(simulator, seed)
    plan_operators(simulator, seed, changes=changes)
    submit_drawn(simulator, drawn, callers=callers)
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
    lease_seconds=st.sampled_from([0, DISPATCHER_TIMEOUT_MS // 1_000 + 10]),
)
@hypothesis.settings(max_examples=300, deadline=None)
def test_bounds_hold_under_any_faults(
    seed: int, faults: Faults, bad_workers: float, options: Options, lease_seconds: int
) -> None:
    simulate(seed, faults, options, bad_workers=bad_workers, lease_seconds=lease_seconds)


def test_without_faults_a_crowd_under_bounds_ends() -> None:
    for seed in range(6):
        simulate(seed, most_jobs=120)
