"""The reaper publishes each pool's load as CloudWatch metrics, and waits for no slot that the streams keep busy."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.determined import StandingClock
from tests.harness.functions.api_calls import NOW_MS, SETTINGS, read_event
from tidegate.adapters.dynamodb.stream import changes_from
from tidegate.bootstrap import DispatcherDeps, Meter, ReaperDeps
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.entry import dispatcher, loads, reaper
from tidegate.settings import Settings
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.read import status
from tidegate.usecases.read.status import pool_load
from tidegate.usecases.reap.reap import ReapReport, reap
from tidegate.usecases.services import Services

NAMES = ("ReadyJobs", "ActiveJobs", "Capacity", "Workers")
WITH_METRICS = replace(SETTINGS, pool_metrics=True, stack="tidegate-dev")


class Fixture:
    """Six READY jobs of the ecs pool, whose one worker has a slot: with a window of 2, two can be dispatched."""

    def __init__(self, settings: Settings) -> None:
        self.services, world = memory_services(settings, MemoryWorld(shards=2, now_ms=NOW_MS))
        self.world = world
        self.deps = ReaperDeps(self.services, StandingClock(NOW_MS), Meter())
        worker = begin(WorkerSpec("ecs", "w", "host", 1), "session", NOW_MS)
        self.services.workers.register_if_free(worker, silent_since_ms=0)
        for number in range(6):
            world.put_new(
                Job(
                    job_id=f"01JD000000000000000000000{number}",
                    state=State.READY,
                    type="tidegate.noop",
                    pool="ecs",
                    priority=1,
                    created_at_ms=NOW_MS,
                    ready_at_ms=NOW_MS,
                )
            )

    def run(self) -> None:
        """Runs the reaper once."""
        reaper.run_round(self.deps)

    def dispatch(self, event: str) -> None:
        """Runs the dispatcher once."""
        deps = DispatcherDeps(self.services, StandingClock(NOW_MS), Meter(), changes_from)
        dispatcher.handle(read_event(event), deps)


def published(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """Returns the metric lines on standard output, by pool. Other lines belong to the log."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {line["Pool"]: line for line in lines if "_aws" in line}


def test_each_run_publishes_one_line_for_each_pool(capsys: pytest.CaptureFixture[str]) -> None:
    fixture = Fixture(WITH_METRICS)
    fixture.dispatch("dispatcher-schedule")
    fixture.run()
    lines = published(capsys)
    assert [lines["ecs"][name] for name in NAMES] == [[4.0], [2.0], [1.0], [1.0]]
    assert [lines["lambda"][name] for name in NAMES] == [[0.0], [0.0], [2.0], [0.0]]
    assert lines.keys() == {"ecs", "lambda"}
    for line in lines.values():
        assert line["Stack"] == "tidegate-dev"
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Tidegate"
        assert directive["Dimensions"] == [["Stack", "Pool"]]
        assert directive["Metrics"] == [{"Name": name, "Unit": "Count"} for name in NAMES]


def test_counts_are_bounded(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "MAX_COUNTED_JOBS", 3)
    Fixture(WITH_METRICS).run()
    assert published(capsys)["ecs"]["ReadyJobs"] == [3.0]


def test_a_paused_pool_has_nothing_that_would_bring_up_workers(capsys: pytest.CaptureFixture[str]) -> None:
    fixture = Fixture(WITH_METRICS)
    fixture.services.rules.set_pool_paused("ecs", True, actor="ann", now_ms=NOW_MS)
    fixture.run()
    assert published(capsys)["ecs"]["ReadyJobs"] == [0.0]


@pytest.mark.parametrize(
    "event", ["dispatcher-schedule", "dispatcher-stream", "dispatcher-workers", "dispatcher-rules"]
)
def test_the_dispatcher_publishes_nothing(capsys: pytest.CaptureFixture[str], event: str) -> None:
    Fixture(WITH_METRICS).dispatch(event)
    assert published(capsys) == {}


def test_a_repair_that_fails_keeps_no_pool_s_load_from_being_published(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ServiceUnavailable("the table does not answer")

    monkeypatch.setattr(reaper, "reap", fail)
    with pytest.raises(ServiceUnavailable):
        Fixture(WITH_METRICS).run()
    assert published(capsys).keys() == {"ecs", "lambda"}


def test_a_load_that_can_t_be_read_keeps_neither_repairs_nor_other_pools_from_their_turn(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(services: Services, pool: str, *, now_ms: int, is_dated: bool) -> status.PoolLoad:
        if pool == "ecs":
            raise ServiceUnavailable("the table does not answer")
        return pool_load(services, pool, now_ms=now_ms, is_dated=is_dated)

    repaired: list[int] = []

    def repair(services: Services, *, now_ms: int, until: Deadline, **_: object) -> ReapReport:
        repaired.append(now_ms)
        return reap(services, now_ms=now_ms, until=until)

    monkeypatch.setattr(loads, "pool_load", load)
    monkeypatch.setattr(reaper, "reap", repair)
    with pytest.raises(ServiceUnavailable):
        Fixture(WITH_METRICS).run()
    assert published(capsys).keys() == {"lambda"}
    assert repaired == [NOW_MS]


def test_without_the_setting_nothing_is_counted_or_published(capsys: pytest.CaptureFixture[str]) -> None:
    Fixture(SETTINGS).run()
    assert published(capsys) == {}
