"""A transition that shares its request with another, which is made."""

from __future__ import annotations

from tests.harness.contract.jobs import new_job
from tests.harness.contract.stores import NOW_MS, POOL, Stores, overwrite
from tidegate.domain.job import Job
from tidegate.domain.transitions import DispatchIfReady, Stamp, Transition
from tidegate.ports import TransitionOutcome

COMPANION = DispatchIfReady("companion", POOL, Stamp(NOW_MS + 1_000, "tester"))


def in_company(stores: Stores, transition: Transition) -> TransitionOutcome:
    """Returns the outcome of a transition that shares its request with another."""
    overwrite(stores, new_job("companion"))
    outcome, companion = stores.jobs.apply_all([transition, COMPANION])
    assert isinstance(companion, Job)
    return outcome
