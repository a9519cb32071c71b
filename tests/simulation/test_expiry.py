"""A hundred runs in which jobs pass their retention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from dev.simulator.expiry import run_seed

SEEDS = 100
FEW = 5  # the least count over all seeds, which is the same in every run
COME_BY = (
    "job kept for others",
    "job removed",
    "jobs reopened by people",
    "large result read",
    "request refused",
    "tried again just before its end",
)
"""The seeds are there for these."""


def test_nothing_that_is_needed_is_removed_and_nothing_else_stays(note: Callable[[str], None]) -> None:
    times, seeds = Counter[str](), Counter[str]()
    for seed in range(SEEDS):
        try:
            simulator = run_seed(seed)
        except Exception as error:
            raise AssertionError(f"python -m dev.simulator.expiry --seed {seed} replays this") from error
        times.update(simulator.happened)
        seeds.update(what for what, count in simulator.happened.items() if count)
    for what in COME_BY:
        note(f"{what}: {times[what]:,} times, in {seeds[what]} of {SEEDS} seeds")
    assert [what for what in COME_BY if seeds[what] < FEW] == []
