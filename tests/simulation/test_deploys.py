"""Rolling deploys and workers with faults: no job fails or loses a retry through its worker's fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from dev.simulator.deploys import run_deploy

SEEDS = 300
FEW = 5  # the least count over all seeds, which is the same in every run
COME_BY = (
    "job taken back by a worker",
    "message passed on",
    "unable: process-not-started",
    "unable: unknown-type",
    "worker drained",
    "worker joined",
    "worker left for its fault",
    "worker mended",
)
"""The seeds are there for these."""


def test_every_deploy_ends_well(note: Callable[[str], None]) -> None:
    """Together the seeds cover every fault of a worker."""
    seeds = Counter[str]()
    for seed in range(SEEDS):
        try:
            simulator = run_deploy(seed)
        except Exception as error:
            raise AssertionError(f"python -m dev.simulator.deploys --seed {seed} replays this") from error
        seeds.update(what for what, count in simulator.happened.items() if count)
    for what in COME_BY:
        note(f"{what}: in {seeds[what]} of {SEEDS} seeds")
    assert [what for what in COME_BY if seeds[what] < FEW] == []


def test_a_seed_gives_the_same_deploy_each_time() -> None:
    histories = [[job.history for job in run_deploy(7).world.jobs.values()] for _ in range(2)]
    assert histories[0] == histories[1]
