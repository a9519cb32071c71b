"""A worker process announces its job types once it has joined, beside its jobs."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

import pytest

from dev.simulator.memory.world import MemoryWorld
from tests.harness.functions.api_calls import NOW_MS
from tests.harness.usecases.announcing import RENDER
from tests.harness.waiting import PATIENCE_SECONDS, becomes_true
from tests.harness.worker.running import Fixture, RunningWorker
from tests.harness.worker.world import CLOCK, POOL, make_services, registration_of
from tidegate.domain.announcements import RENEWED_AFTER_MS, DescribedType
from tidegate.domain.errors import ServiceUnavailable
from tidegate_worker.announcer import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Announcer
from tidegate_worker.process import EXIT_DRAINED, Options, WorkerProcess


def announcer(world: MemoryWorld, *types: DescribedType) -> Announcer:
    """Returns an announcer over this world."""
    return Announcer(make_services(world), CLOCK, types, pool=POOL, worker_id="worker-1")


def test_it_says_what_it_announced_and_comes_again_after_a_day(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tidegate.worker")
    world = MemoryWorld()
    mine = announcer(world, RENDER)
    assert mine.announce() == RENEWED_AFTER_MS / 1_000
    found = world.announced[RENDER.type]
    assert (found.described, found.pool, found.worker_id) == (RENDER, POOL, "worker-1")
    assert "announced 1 job types: reports.render" in caplog.text
    caplog.clear()
    assert mine.announce() == RENEWED_AFTER_MS / 1_000
    assert not caplog.records


def test_its_start_is_noted_once_the_clock_is_corrected() -> None:
    """A machine's clock that is ahead is corrected by AWS's first answer, which comes as the worker joins."""

    class Corrected:
        at_ms = NOW_MS + 3 * RENEWED_AFTER_MS

        def now_ms(self) -> int:
            return self.at_ms

    world, clock = MemoryWorld(), Corrected()
    mine = Announcer(make_services(world), clock, (RENDER,), pool=POOL, worker_id="worker-1")
    clock.at_ms = NOW_MS
    mine.announce()
    assert world.announced[RENDER.type].started_at_ms == NOW_MS
    clock.at_ms += 5
    mine.announce()
    assert world.announced[RENDER.type].started_at_ms == NOW_MS


def test_what_fails_is_repeated_later_and_later() -> None:
    world = MemoryWorld()
    mine = announcer(world, RENDER)

    def fail(_request: str) -> None:
        raise ServiceUnavailable("throttled")

    world.on_request = fail
    pauses = [mine.announce() for _ in range(15)]
    assert pauses[:3] == [FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS]
    assert pauses[-1] == LONGEST_PAUSE_SECONDS
    world.on_request = lambda _request: None
    mine.announce()
    assert RENDER.type in world.announced


def test_many_types_are_named_in_part_and_what_has_no_room_is_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "tidegate.worker")
    announcer(MemoryWorld(), *(DescribedType(f"type{number:04}") for number in range(1_001))).announce()
    assert "announced 1000 job types: type0000, " in caplog.text
    assert "type0009 and others" in caplog.text
    assert "1 job types are not announced, because there are as many as may be: type1000" in caplog.text


def test_a_worker_process_announces_what_it_was_given_and_ends_in_order() -> None:
    fixture = Fixture()
    process = WorkerProcess(
        fixture.services,
        fixture.executor,
        CLOCK,
        Options(POOL, 2, poll_seconds=0, drain_seconds=PATIENCE_SECONDS),
        registration_of(fixture.services, beat_seconds=0),
        types=(RENDER,),
    )
    worker = RunningWorker(process)
    worker.start()
    becomes_true(lambda: RENDER.type in fixture.world.announced)
    process.stop()
    assert worker.ended() == EXIT_DRAINED
    assert "announcer" not in {thread.name for thread in threading.enumerate()}


def test_a_table_that_hangs_delays_neither_jobs_nor_the_end() -> None:
    fixture = Fixture()
    hangs, reached = threading.Event(), threading.Event()

    def hang(request: str) -> None:
        if request == "load_announced_types":
            reached.set()
            hangs.wait(PATIENCE_SECONDS)

    fixture.world.on_request = hang
    mine = Announcer(fixture.services, CLOCK, (RENDER,), pool=POOL, worker_id="worker-1")
    mine.start()
    try:
        assert reached.wait(PATIENCE_SECONDS)
        fixture.services.workers.page(POOL, limit=1)  # nothing else waits
    finally:
        hangs.set()
    mine.close()


def test_a_worker_without_types_asks_nothing() -> None:
    world = MemoryWorld()
    mine = announcer(world)
    mine.start()
    mine.close()
    assert not world.requests


def test_two_workers_of_one_version_write_each_type_once() -> None:
    world = MemoryWorld()
    for _ in range(3):
        announcer(world, RENDER, replace(RENDER, type="other")).announce()
    assert world.requests["announce_type"] == 2
    assert world.requests["renew_type"] == 0
