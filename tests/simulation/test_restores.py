"""Tables that are restored to one moment: every job that they hold ends once, and nothing of them is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from dev.simulator.restores import run_restore

SEEDS = 120
FEW = 3  # the least count over all seeds, which is the same in every run
COME_BY = (
    "PENDING at the moment",
    "QUEUED at the moment",
    "READY at the moment",
    "RUNNING at the moment",
    "SUCCEEDED at the moment",
    "submission half there at the moment",
)
"""The seeds are there for these."""


def test_every_restore_ends_well(note: Callable[[str], None]) -> None:
    """Together the seeds copy the tables at every stage of a job, and in the midst of a submission."""
    seeds = Counter[str]()
    for seed in range(SEEDS):
        try:
            restored = run_restore(seed)
        except Exception as error:
            raise AssertionError(f"python -m dev.simulator.restores --seed {seed} replays this") from error
        seeds.update(what for what, count in restored.happened.items() if count)
    for what in COME_BY:
        note(f"{what}: in {seeds[what]} of {SEEDS} seeds")
    assert [what for what in COME_BY if seeds[what] < FEW] == []
