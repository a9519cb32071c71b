"""Jobs of a type that allows second attempts: a straggler whose second attempt wins, and one that ends alone."""

from __future__ import annotations

from functools import partial

from dev.simulator.memory.usual_runs import note_usual_runs
from tests.harness.faults.deployment import POOL, Deployment
from tests.harness.faults.steps import submit
from tidegate.domain.statistics.usual_runs import MIN_RUNS_OF_P99
from tidegate.usecases.work.claim import claim

SETTINGS = {"second_attempt_percent": 50, "dispatch_lease_seconds": 60, "lease_seconds": 120}
_LONG_MS = 70_000  # shorter than a lease


def run_twice(d: Deployment) -> None:
    """The first worker falls silent, and the second attempt ends the job before that is noticed."""
    d.ask(lambda: note_usual_runs(d.services, [1_000] * MIN_RUNS_OF_P99))
    submit(d, "slow")
    d.events()
    held = []
    for delivery in d.ask(lambda: d.services.queue.receive(POOL, limit=10, wait_seconds=0)):
        d.ask(partial(claim, d.services, delivery.message, "slow", d.now_ms))
        held.append(delivery.receipt)
    d.wait(_LONG_MS)
    d.tick()
    d.settle()
    d.ask(lambda: d.services.queue.delete(POOL, held))
    d.settle()


def run_long(d: Deployment) -> None:
    """A job runs for so long that a second attempt may have been offered, so its end looks for one."""
    submit(d, "long")
    d.events()
    d.work_as_function(lambda _job: d.wait(_LONG_MS))
    d.settle()
