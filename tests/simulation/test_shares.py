"""Waiting shares are served while a pool is busy."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from dev.simulator.memory.seeded import function_pool
from dev.simulator.runs import always, make_simulator, submit
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Simulator
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain.changes import JobChange
from tidegate.domain.requests import ShareRequest
from tidegate.domain.states import State

WEIGHTS = {"a": 9, "b": 3, "c": 2, "d": 1, "e": 1}
PLACES = 4
JOBS = 240  # of each share
LONGEST_WAIT = 12  # of a share, as a multiple of the dispatches that its weight brings it one of


def test_a_share_that_waits_is_served_within_a_bounded_number_of_dispatches() -> None:
    """The heaviest share has the most urgent jobs, and priorities make no difference."""
    simulator = make_simulator(always(succeeds(1_000)), function_pool("lambda", PLACES), window=1.0)
    simulator.observers.clear()  # across shares, fairness comes before priority
    for share, weight in WEIGHTS.items():
        jobs = [
            replace(
                job(f"{share}-{number}", priority=100 * weight),
                share=ShareRequest(name=share, weight=weight),
            )
            for number in range(JOBS)
        ]
        submit(simulator, workflow(jobs))
    turns: list[str] = []

    def note(_simulator: Simulator, changes: list[JobChange]) -> None:
        turns.extend(change.new.share for change in changes if change.new.state is State.QUEUED)

    simulator.observers.append(note)
    simulator.run()
    assert Counter(turns) == dict.fromkeys(WEIGHTS, JOBS)
    while_all_wait = turns[: turns.index("a") + JOBS]
    for share, weight in WEIGHTS.items():
        places = [place for place, served in enumerate(while_all_wait) if served == share]
        waits = [after - before for before, after in pairwise([0, *places, len(while_all_wait)])]
        assert max(waits) <= LONGEST_WAIT * sum(WEIGHTS.values()) / weight, share
        occupied = PLACES * len(places) / len(while_all_wait)
        assert abs(occupied - PLACES * weight / sum(WEIGHTS.values())) <= 1.0, "to within one place"
