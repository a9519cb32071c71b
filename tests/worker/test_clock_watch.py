"""A worker reports a wrong clock of its machine in its log and in its entry."""

from __future__ import annotations

import logging

import pytest

from dev.simulator.memory.world import MemoryWorld
from tests.harness.worker.world import CLOCK, POOL, make_services
from tidegate.domain.workers import Totals, WorkerSpec
from tidegate_worker.clock_watch import ClockWatch
from tidegate_worker.registration import Registration

LEASE_MS = 60_000


def test_a_clock_is_said_to_be_off_once_and_to_be_right_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    off_ms = [0, 19_999, 600_000, 600_400, 600_800, -120_000, 0, 0]
    seen = iter(off_ms)
    watch = ClockWatch(lambda: next(seen), LEASE_MS)
    assert [watch.look() for _ in off_ms] == [0, 0, 600_000, 600_400, 600_800, -120_000, 0, 0]
    said = [record.getMessage() for record in caplog.records]
    assert ["600 s ahead" in said[0], "120 s behind" in said[1], "right again" in said[2]] == [True] * 3
    assert len(said) == 3


def test_a_worker_s_entry_says_at_once_that_its_clock_is_off_and_that_it_is_right_again() -> None:
    world = MemoryWorld()
    off_ms = 0
    registration = Registration(
        make_services(world),
        CLOCK,
        WorkerSpec(POOL, "worker-1", "host-a", 1),
        "S1",
        clock_off_ms=lambda: off_ms,
        monotonic=lambda: 100.0,
    )
    registration.register()
    for off_ms in (0, 600_000, 0):
        registration.beat_if_due(running=0, totals=Totals())
        assert world.workers[(POOL, "worker-1")].clock_off_ms == off_ms
