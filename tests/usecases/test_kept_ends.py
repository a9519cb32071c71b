"""An end is kept before the write that takes it out of the index, and nothing is written if it can't be kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.simulator.memory.seeded import function_pool, make_settings
from dev.simulator.memory.services import memory_services
from tests.harness.domain.job_samples import NOW_MS, PENDING, SAMPLES
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.states import State
from tidegate.domain.statistics.ended import end_of
from tidegate.domain.transitions import (
    Ending,
    MarkUnlessDispatched,
    OfKnownJob,
    ReopenIfEnded,
    RerunUnlessDispatched,
    Stamp,
)
from tidegate.usecases.bounds.kept_ends import apply_leaving
from tidegate.usecases.bounds.portions import apply_lean

STAMP = Stamp(NOW_MS + 9, "ann")
FAILED = SAMPLES[State.FAILED]
DONE = Ending(State.SUCCEEDED)
LEAVING = (
    ReopenIfEnded(FAILED, STAMP),
    RerunUnlessDispatched(SAMPLES[State.SUCCEEDED], STAMP),
    MarkUnlessDispatched(FAILED, DONE, STAMP),
)
SETTINGS = make_settings(function_pool("p", 1))


@pytest.mark.parametrize("transition", LEAVING, ids=lambda each: each.name)
def test_an_end_that_a_write_takes_away_is_kept_before(transition: OfKnownJob) -> None:
    services, world = memory_services(SETTINGS)
    services.jobs.insert_if_absent([transition.job])
    order: list[str] = []
    world.on_request = order.append
    assert apply_leaving(services, transition).state in (State.PENDING, State.SUCCEEDED)
    assert order[0] == "keep_end"
    kept = services.kept_ends.page("p", 0, NOW_MS + 99, limit=9)
    assert (list(kept.entries), kept.next) == ([end_of(transition.job)], None)


def test_a_job_whose_end_can_not_be_kept_is_not_reopened() -> None:
    services, world = memory_services(SETTINGS)
    services.jobs.insert_if_absent([FAILED])

    def refuse(request: str) -> None:
        if request == "keep_end":
            raise ServiceUnavailable("x")

    world.on_request = refuse
    (outcome,) = apply_lean(services, [LEAVING[0]])
    assert isinstance(outcome, ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        apply_leaving(services, LEAVING[2])
    assert services.jobs.get(FAILED.job_id) == FAILED


def test_a_write_that_takes_no_end_away_costs_no_other() -> None:
    services, world = memory_services(SETTINGS)
    waiting = replace(PENDING, waiting_on=frozenset())
    services.jobs.insert_if_absent([waiting])
    apply_lean(services, [RerunUnlessDispatched(waiting, STAMP)])
    job = services.jobs.get(waiting.job_id)
    assert job is not None
    apply_leaving(services, MarkUnlessDispatched(job, DONE, STAMP))
    assert world.requests["keep_end"] == 0
