"""500 simulated runs; `make soak` tries 10,000."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from dev.simulator.checks import branches
from dev.simulator.seeds import run_seed

SEEDS = 500
FEW = 5  # the least count over all seeds, which is the same in every run
COME_BY = (
    "a Date lied to dispatcher",
    "a Date lied to reaper",
    "a Date lied to workers",
    "answer lost",
    "batch given up by the recorder's stream",
    "batch of the stream doubled",
    "batch of the stream failed",
    "client gave up",
    "client not answered",
    "clock of dispatcher was set",
    "clock of reaper was set",
    "clock of workers was set",
    "clock off",
    "dispatched past a job that waits",
    "dispatcher went by a wrong clock",
    "end kept before a reopening",
    "invocation killed",
    "job claimed ahead",
    "job handed back",
    "job taken from a lost worker",
    "jobs redriven by people",
    "jobs reopened by people",
    "job taken back from its queue",
    "jobs undeliverable",
    "message doubled",
    "message lost",
    "message overtaken",
    "message sent again",
    "changes of several shards",
    "old answer of first_pages",
    "old answer of get_many",
    "old answer of page",
    "process stopped",
    "reaper went by a wrong clock",
    "one key in two namespaces",
    "request refused",
    "second attempt claimed",
    "second attempt offered",
    "second attempt won",
    "worker DIES",
    "worker HANDS_BACK",
    "worker NEVER_BEGINS",
    "worker STALLS",
    "worker died before its claim",
)
"""The faults that the seeds must inject. A fault that is never injected proves nothing."""


def test_every_seed_ends_well(note: Callable[[str], None]) -> None:
    """Together the seeds cover every fault."""
    times, seeds = Counter[str](), Counter[str]()
    for seed in range(SEEDS):
        try:
            simulator = run_seed(seed)
        except Exception as error:
            raise AssertionError(f"python -m dev.simulator.seeds --seed {seed} replays this") from error
        times.update(simulator.happened)
        seeds.update(what for what, count in simulator.happened.items() if count)
    for what in (*COME_BY, *branches.COME_BY):
        note(f"{what}: {times[what]:,} times, in {seeds[what]} of {SEEDS} seeds")
    assert [what for what in (*COME_BY, *branches.COME_BY) if seeds[what] < FEW] == []


def test_a_seed_gives_the_same_run_each_time() -> None:
    histories = [[job.history for job in run_seed(7).world.jobs.values()] for _ in range(2)]
    assert histories[0] == histories[1]
