"""The load of each pool as CloudWatch metrics, by the dispatcher's scheduled run."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.dispatcher import app
from tests.functions.api_calls import NOW_MS, SETTINGS, read_event
from tests.support.determined import StandingClock
from tidegate.adapters.dynamodb_items import job_from_image
from tidegate.adapters.dynamodb_rules import is_of_rules
from tidegate.adapters.dynamodb_workers import pool_of_worker
from tidegate.adapters.memory_world import MemoryWorld
from tidegate.bootstrap import DispatcherDeps, Meter, memory_services
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.settings import Settings
from tidegate.usecases import status

NAMES = ("ReadyJobs", "ActiveJobs", "Capacity", "Workers")
WITH_METRICS = replace(SETTINGS, pool_metrics=True, stack="tidegate-dev")


class Fixture:
    """Six ready jobs of the ecs pool, whose one worker has a slot: with a window of 2, two can be dispatched."""

    def __init__(self, settings: Settings) -> None:
        self.services, world = memory_services(settings, MemoryWorld(shards=2, now_ms=NOW_MS))
        self.deps = DispatcherDeps(
            self.services, StandingClock(NOW_MS), Meter(), job_from_image, pool_of_worker, is_of_rules
        )
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

    def run(self, event: str) -> None:
        app.handle(read_event(event), self.deps)


def published(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """The metric lines on standard output, by pool; other lines are the log's."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {line["Pool"]: line for line in lines if "_aws" in line}


def test_the_scheduled_run_publishes_one_line_for_each_pool(capsys: pytest.CaptureFixture[str]) -> None:
    Fixture(WITH_METRICS).run("dispatcher-schedule")
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
    Fixture(WITH_METRICS).run("dispatcher-schedule")
    assert published(capsys)["ecs"]["ReadyJobs"] == [3.0]


def test_a_paused_pool_has_nothing_that_would_bring_up_workers(capsys: pytest.CaptureFixture[str]) -> None:
    fixture = Fixture(WITH_METRICS)
    fixture.services.rules.set_pool_paused("ecs", True, actor="ann", now_ms=NOW_MS)
    fixture.run("dispatcher-schedule")
    assert published(capsys)["ecs"]["ReadyJobs"] == [0.0]


@pytest.mark.parametrize("event", ["dispatcher-stream", "dispatcher-workers", "dispatcher-rules"])
def test_no_other_run_publishes(capsys: pytest.CaptureFixture[str], event: str) -> None:
    Fixture(WITH_METRICS).run(event)
    assert published(capsys) == {}


def test_without_the_setting_nothing_is_counted_or_published(capsys: pytest.CaptureFixture[str]) -> None:
    Fixture(SETTINGS).run("dispatcher-schedule")
    assert published(capsys) == {}
