"""A dispatcher asked for its lease takes further turns, each at its own time and under an extended lease."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.world import HeldLease
from tests.harness.usecases.dispatching import POOL, Deployment
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import State
from tidegate.usecases.dispatch.dispatch import dispatch

LEASE_MS = 60_000
TURN_MS = 25_000  # three turns take longer than one lease


class BusyRun:
    """A dispatcher that others ask for its lease again and again, while jobs end and new ones come."""

    def __init__(self) -> None:
        self.deployment = Deployment(lease_seconds=LEASE_MS // 1_000)
        self.passed_ms = 1_000
        self.turns = 0
        self.leases: list[HeldLease] = []
        self.began_ms = self.deployment.now_ms

    def now_ms(self) -> int:
        return self.passed_ms

    def on_request(self, request: str) -> None:
        if request != "give_back_lease" or self.turns >= 4:
            return
        self.turns += 1
        self.passed_ms += TURN_MS
        world = self.deployment.world
        world.now_ms = self.began_ms + self.passed_ms - 1_000
        self.leases.append(world.leases[POOL])
        world.on_request = lambda _request: None
        for _ in self.deployment.dispatched:
            self.deployment.run_one()
        self.deployment.submit(4)
        assert not self.deployment.services.leases.take_if_free(
            POOL, "another", now_ms=world.now_ms, until_ms=world.now_ms + LEASE_MS
        ), "the lease must not end while its owner works"
        world.on_request = self.on_request

    def run(self) -> int:
        self.deployment.submit(4)
        self.deployment.world.on_request = self.on_request
        report = dispatch(
            self.deployment.services, POOL, self.began_ms, rules=DispatchRules(), stopwatch=self
        )
        return report.dispatched


def test_each_turn_dates_its_jobs_by_its_own_time() -> None:
    busy = BusyRun()
    assert busy.run() == 5 * 4
    jobs = busy.deployment.world.jobs.values()
    queued = sorted({job.queued_at_ms or 0 for job in jobs if job.state is not State.READY})
    assert queued == [busy.began_ms + turn * TURN_MS for turn in range(5)]
    for job in jobs:
        assert job.ready_at_ms is not None
        assert job.queued_at_ms is not None
        assert job.queued_at_ms >= job.ready_at_ms


def test_the_lease_is_held_for_as_long_as_the_turns_take() -> None:
    busy = BusyRun()
    busy.run()
    # At the end of each turn: the times for which the lease was taken, or held when the turn before ended.
    assert [lease.until_ms - busy.began_ms for lease in busy.leases] == [
        LEASE_MS,
        *(turn * TURN_MS + LEASE_MS for turn in range(3)),
    ]


class PausedRun(BusyRun):
    """A run in which an operator pauses the pool when the second turn begins."""

    def on_request(self, request: str) -> None:
        super().on_request(request)
        if request == "give_back_lease" and self.turns == 2:
            self.deployment.services.rules.set_pool_paused(
                POOL, True, actor="ann", now_ms=self.deployment.now_ms
            )


def test_a_pause_ends_the_turns() -> None:
    busy = PausedRun()
    assert busy.run() == 2 * 4
    assert POOL not in busy.deployment.world.leases


class LeavingWorkers(BusyRun):
    """A pool that has a fourth of its capacity from the second turn on."""

    def on_request(self, request: str) -> None:
        super().on_request(request)
        settings = self.deployment.services.settings
        settings.pools[POOL] = replace(settings.pools[POOL], capacity=1)  # type: ignore[index]


def test_a_turn_goes_by_the_capacity_that_there_is_then() -> None:
    busy = LeavingWorkers()
    assert busy.run() == 4 + 4 * 2
