"""Ticks do their work and the pools' metrics are published, however busy the streams keep the dispatcher.

The functions' own handlers run over the memory store, in a model of how Lambda shares out executions. The tests measure
what a user sees: how long a job waits for a permit left behind, which only a tick finds, and the time between two lines
of a pool's metrics.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from dev.simulator.memory.seeded import START_MS, function_pool, make_services, make_settings
from dev.simulator.system.lambda_platform import (
    MINUTE_MS,
    SECOND_MS,
    Calls,
    Event,
    Executions,
    Function,
    Platform,
    Schedule,
    Shard,
    keep_busy,
)
from tests.harness.template import Resolved
from tidegate.bootstrap import DispatcherDeps, Meter, ReaperDeps
from tidegate.domain.changes import Changes, JobChange
from tidegate.domain.job import Job
from tidegate.domain.lanes import key_lane
from tidegate.domain.states import State
from tidegate.entry import dispatcher, reaper
from tidegate.usecases.dispatch.tick import TickWatch

POOL = "busy"
HOURS = 1
SHARDS = 4
NEW_ACCOUNT = 10
LONGEST_RUN_MS = 3_000

LONGEST_WAIT_MS = 210 * SECOND_MS + 2 * LONGEST_RUN_MS
"""docs/explanation/guarantees.md: three and a half minutes, and the runs in the way."""

LONGEST_SILENCE_MS = 3 * MINUTE_MS
"""docs/explanation/guarantees.md: between two lines of a pool's metrics."""


@pytest.fixture(autouse=True)
def _no_logs() -> Iterator[None]:
    """Silences the logs of thousands of runs."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Clock:
    """The platform's clock."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def now_ms(self) -> int:
        return START_MS + self._platform.now_ms


class Deployment:
    """The dispatcher and the reaper as the template deploys them, in an account with a given number of executions."""

    def __init__(self, seed: int, account: int, **parameters: str) -> None:
        self.template = Resolved(**parameters)
        self.platform = Platform(seed)
        self.clock = Clock(self.platform)
        self.account = Executions(account)
        variables = self.template.globals["Function"]["Environment"]["Variables"]
        settings = replace(
            make_settings(function_pool(POOL, 1_000)),
            dispatch_lease_seconds=int(variables["TIDEGATE_DISPATCH_LEASE_SECONDS"]),
            pool_metrics=True,
        )
        self.services, self.world = make_services(settings, seed)
        reserved = self.template.properties("DispatcherFunction").get("ReservedConcurrentExecutions")
        slots = self.account if reserved is None else Executions(int(reserved))
        self.dispatcher = Function(self.platform, slots, self._dispatcher, self._dispatch)
        self.reaper = Function(self.platform, self.account, self._reaper, self._reap)
        self.ticks = Schedule(self.dispatcher, {}, 500, self.event_age("Dispatcher"))
        self.rounds = Schedule(self.reaper, {}, 2_000, self.event_age("Reaper"))
        self.waits_ms: list[int] = []
        self.published_ms: list[int] = []
        self._waiting: tuple[str, int] | None = None
        self._left_behind = 0

    def event_age(self, function: str) -> int:
        """Returns the seconds for which Lambda keeps a function's asynchronous events, from the template."""
        return int(
            self.template.properties(f"{function}Function")["EventInvokeConfig"]["MaximumEventAgeInSeconds"]
        )

    def _dispatcher(self) -> DispatcherDeps:
        return DispatcherDeps(
            self.services,
            self.clock,
            Meter(),
            lambda records: Changes(
                tuple(JobChange(None, record["dynamodb"]["NewImage"]["job"]) for record in records)
            ),
            stopwatch=self.clock,
        )

    def _dispatch(self, deps: DispatcherDeps, event: Event) -> None:
        self.world.now_ms = self.clock.now_ms()
        dispatcher.handle(event, deps)
        if self._waiting is not None:
            job_id, since_ms = self._waiting
            if self.world.jobs[job_id].state is State.QUEUED:
                self.waits_ms.append(self.platform.now_ms - since_ms)
                self._waiting = None

    def _reaper(self) -> ReaperDeps:
        return ReaperDeps(self.services, self.clock, Meter(), self.clock)

    def _reap(self, deps: ReaperDeps, event: Event) -> None:
        self.world.now_ms = self.clock.now_ms()
        printed = io.StringIO()
        with redirect_stdout(printed):
            reaper.run_round(deps)
        lines = [json.loads(line) for line in printed.getvalue().splitlines()]
        self.published_ms.extend(self.platform.now_ms for line in lines if "_aws" in line)

    def leave_behind(self) -> None:
        """Kills a dispatcher that had taken a permit, now and then.

        A job waits for the permit, and no event tells of it.
        """
        if self._waiting is None:
            self._left_behind += 1
            key, now_ms = f"key-{self._left_behind}", self.clock.now_ms()
            lane, job_id = key_lane(key, 1), f"waiting-{self._left_behind}"
            self.world.now_ms = now_ms
            self.services.permits.take_if_free(f"key:{key}", "gone@0", limit=1, now_ms=now_ms)
            self.services.lanes.note(POOL, lane, now_ms=now_ms)
            self.world.put_new(replace(ended(job_id), state=State.READY, concurrency_key=key, held_in=lane))
            self._waiting = (job_id, self.platform.now_ms)
        self.platform.after(self.platform.draw.uniform(0, 20 * SECOND_MS), self.leave_behind)

    def streams(self, shards: int, load: Load, retry_ms: tuple[float, float]) -> None:
        """Starts shards of the stream of jobs, which bring the ends of jobs."""
        source = self.template.properties("DispatcherStream")
        record = {"eventName": "MODIFY", "dynamodb": {"NewImage": {"job": ended("another")}}}
        for _ in range(shards):
            Shard(
                self.dispatcher,
                {"Records": [record]},
                load.records_a_second,
                lambda _: load.run_ms,
                batch_size=int(source["BatchSize"]),
                window_ms=SECOND_MS * int(source.get("MaximumBatchingWindowInSeconds", 0)),
                retry_ms=retry_ms,
            ).start()

    def run(self) -> None:
        """Runs the schedules beside the started parts."""
        self.ticks.start()
        self.rounds.start()
        self.leave_behind()
        self.platform.run(HOURS * 60 * MINUTE_MS)
        if self._waiting is not None:
            self.waits_ms.append(self.platform.now_ms - self._waiting[1])

    @property
    def longest_silence_ms(self) -> int:
        """Returns the longest time without a line of the pool's metrics, start and end included."""
        times = [0, *self.published_ms, self.platform.now_ms]
        return max(later - earlier for earlier, later in pairwise(times))


def ended(job_id: str) -> Job:
    return Job(
        job_id=job_id,
        state=State.SUCCEEDED,
        type="simulated",
        pool=POOL,
        priority=1,
        created_at_ms=START_MS,
        ready_at_ms=START_MS,
    )


@dataclass(frozen=True, slots=True)
class Load:
    """The records that each shard brings, and how long the dispatcher takes for a batch."""

    records_a_second: float
    run_ms: int


LOADS = {
    "quiet": Load(records_a_second=0.05, run_ms=100),
    "half": Load(records_a_second=1, run_ms=150),
    "full": Load(records_a_second=5, run_ms=LONGEST_RUN_MS),
}
EAGER, PATIENT = (5, 50), (500, 5_000)
"""How soon a throttled poller asks again, in milliseconds: AWS does not say."""


def check(deployment: Deployment) -> None:
    assert len(deployment.waits_ms) > 10
    assert max(deployment.waits_ms) <= LONGEST_WAIT_MS
    assert deployment.longest_silence_ms <= LONGEST_SILENCE_MS
    assert deployment.rounds.dead_letters == 0


@pytest.mark.parametrize("retry_ms", [EAGER, PATIENT], ids=["eager", "patient"])
@pytest.mark.parametrize("load", LOADS)
def test_one_reserved_execution_is_enough_for_the_streams_and_the_schedule(
    load: str, retry_ms: tuple[float, float]
) -> None:
    deployment = Deployment(1, 1_000, DispatcherConcurrency="1")
    deployment.streams(SHARDS, LOADS[load], retry_ms)
    deployment.run()
    check(deployment)


@pytest.mark.parametrize("load", LOADS)
def test_a_new_account_has_room_for_all_of_it(load: str) -> None:
    """Its workers are always busy, and clients call the API all the time."""
    deployment = Deployment(2, NEW_ACCOUNT)
    workers = int(deployment.template.properties("WorkerSource")["ScalingConfig"]["MaximumConcurrency"])
    plain: Function[None] = Function(deployment.platform, deployment.account, lambda: None, lambda *_: None)
    for _ in range(workers):
        keep_busy(plain, lambda: deployment.platform.draw.randint(100, 60_000))
    clients = Calls(plain, a_second=1, duration_ms=300)
    clients.start()
    deployment.streams(SHARDS, LOADS[load], EAGER)
    deployment.run()
    check(deployment)
    assert deployment.ticks.dead_letters == 0
    assert clients.refused <= 0.05 * (clients.served + clients.refused)


def test_events_that_find_no_room_do_not_pile_up() -> None:
    deployment = Deployment(3, 1_000, DispatcherConcurrency="1")
    deployment.streams(SHARDS, LOADS["full"], EAGER)
    deployment.run()
    ticks = deployment.ticks
    assert ticks.dead_letters > 10
    assert ticks.most_waiting <= ticks.event_age_seconds * SECOND_MS / MINUTE_MS + 1


def test_without_the_watch_the_schedule_starves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shows that the model is hard enough for the watch to matter."""
    monkeypatch.setattr(TickWatch, "is_overdue", lambda _self, _now_ms: False)
    deployment = Deployment(1, 1_000, DispatcherConcurrency="1")
    deployment.streams(SHARDS, LOADS["full"], EAGER)
    deployment.run()
    assert max(deployment.waits_ms) > 10 * LONGEST_WAIT_MS
