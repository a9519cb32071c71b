"""500 simulated runs; `make soak` tries 10,000."""

from __future__ import annotations

import pytest

from tests.simulation.seeds import run_seed

SEEDS = 500
AT_ONCE = 50


@pytest.mark.parametrize("start", range(0, SEEDS, AT_ONCE))
def test_every_seed_ends_well(start: int) -> None:
    for seed in range(start, start + AT_ONCE):
        try:
            run_seed(seed)
        except Exception as error:
            raise AssertionError(f"python -m tests.simulation.seeds --seed {seed} replays this") from error


def test_a_seed_gives_the_same_run_each_time() -> None:
    histories = [[job.history for job in run_seed(7).world.jobs.values()] for _ in range(2)]
    assert histories[0] == histories[1]
