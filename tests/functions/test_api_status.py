"""`GET /v1/status`, and the pulses that the functions leave for it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from tests.harness.determined import HandClock, StandingClock
from tests.harness.functions.api_calls import NOW_MS, Api, read_event
from tidegate.adapters.dynamodb.stream import changes_from
from tidegate.bootstrap import DispatcherDeps, Meter, ReaperDeps, RecorderDeps
from tidegate.contracts.times import to_wire
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.pulses import DEAD_AFTER_MS, PAUSES_MS, READ_WITHIN_MS, Part
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FinishIfAttemptHolds, Stamp
from tidegate.domain.version import VERSION
from tidegate.entry import dispatcher, reaper, recorder

LONG_MS = 3_600_000


def _status(api: Api) -> Any:
    answer = api.call("GET", "/v1/status")
    assert answer.status == 200
    return answer.body


def _lives(api: Api) -> dict[str, tuple[bool, bool | None]]:
    body = _status(api)
    return {
        each["name"]: (each["alive"], each.get("idle")) for each in [*body["schedules"], *body["streams"]]
    }


def _pulse(api: Api, *parts: Part, at_ms: int = NOW_MS) -> None:
    for part in parts:
        api.services.pulses.note_if_later(part, at_ms)


def _succeed(api: Api, job_id: str, at_ms: int) -> None:
    ending = FinishIfAttemptHolds(api.job(job_id), 1, Ending(State.SUCCEEDED), Stamp(at_ms, "worker-1"))
    api.services.jobs.apply(ending)


def test_a_deployment_whose_parts_work_is_healthy() -> None:
    api = Api()
    _pulse(api, *Part)
    api.call("POST", "/v1/pools/ecs/pause")
    life = {"last_at": to_wire(NOW_MS), "expected_every_seconds": 120, "alive": True}
    assert _status(api) == {
        "healthy": True,
        "version": VERSION,
        "schedules": [{"name": name, **life} for name in ("dispatcher", "reaper")],
        "streams": [{"name": name, **life, "idle": False} for name in ("release", "record")],
        "pools": [{"name": "ecs", "paused": True}, {"name": "lambda", "paused": False}],
    }


def test_a_schedule_that_no_longer_runs_is_dead() -> None:
    api = Api()
    _pulse(api, *Part)
    assert _status(api)["healthy"]
    api.world.pulses[Part.REAPER] = NOW_MS - DEAD_AFTER_MS - 1
    assert not _status(api)["healthy"]
    assert _lives(api) | {"reaper": (True, None)} == {
        "dispatcher": (True, None),
        "reaper": (True, None),
        "release": (True, False),
        "record": (True, False),
    }
    assert _lives(api)["reaper"] == (False, None)


def test_a_reader_is_dead_once_a_job_succeeded_that_it_has_not_read_of() -> None:
    """The recorder reads of workflows' jobs only, so a single job says nothing about it."""
    api, later_ms = Api(), NOW_MS + LONG_MS
    _pulse(api, Part.DISPATCHER, Part.REAPER, at_ms=later_ms)
    _pulse(api, Part.RELEASE, Part.RECORD)
    first, second = api.submit(), api.submit()
    flow = api.call("POST", "/v1/workflows", {"jobs": [{"key": "a", "type": "tidegate.noop"}]}).body
    for job_id in (first, second, flow["job_ids"]["a"]):
        api.run(job_id)
    api.deps = replace(api.deps, clock=StandingClock(later_ms))
    assert (_lives(api)["release"], _lives(api)["record"]) == ((True, True), (True, True))
    assert _status(api)["healthy"]

    _succeed(api, first, later_ms - READ_WITHIN_MS + 1)  # its change may still be on its way
    assert _lives(api)["release"] == (True, True)
    _succeed(api, second, later_ms - READ_WITHIN_MS)
    assert (_lives(api)["release"], _lives(api)["record"]) == ((False, False), (True, True))

    _succeed(api, flow["job_ids"]["a"], later_ms - READ_WITHIN_MS - 1)
    assert _lives(api)["record"] == (False, False)
    assert not _status(api)["healthy"]


def test_the_status_costs_two_reads_and_a_query_for_each_pool_and_shard_where_a_reader_is_quiet() -> None:
    api = Api()
    for is_quiet in (True, False):
        api.world.requests.clear()
        _status(api)
        queries = len(api.services.settings.pools) * api.world.shards if is_quiet else 0
        assert dict(api.world.requests) == {
            "load_pulses": 1,
            "load_rules": 1,
            **({"page": queries} if is_quiet else {}),
        }
        _pulse(api, *Part)


def test_each_function_leaves_its_pulse_and_not_at_every_run() -> None:
    api, clock = Api(), HandClock(NOW_MS)
    dispatched = DispatcherDeps(api.services, clock, Meter(), changes_from)
    recorded = RecorderDeps(api.services, clock, Meter(), changes_from)
    reaped = ReaperDeps(api.services, clock, Meter())

    def run_all() -> None:
        dispatcher.handle({}, dispatched)
        dispatcher.handle(read_event("dispatcher-stream"), dispatched)
        recorder.handle(read_event("recorder-stream"), recorded)
        reaper.run_round(reaped)

    run_all()
    assert api.world.pulses == dict.fromkeys(Part, NOW_MS)
    for part in Part:
        clock.at_ms = NOW_MS + PAUSES_MS[part] - 1
        run_all()
        assert api.world.pulses[part] == NOW_MS
        clock.at_ms = NOW_MS + PAUSES_MS[part]
        run_all()
        assert api.world.pulses[part] == NOW_MS + PAUSES_MS[part]
        api.world.pulses.clear()
        for deps in (dispatched, recorded, reaped):
            deps.pulses.noted_ms.clear()
        clock.at_ms = NOW_MS
        run_all()


@pytest.mark.parametrize("event", ["dispatcher-workers", "dispatcher-rules"])
def test_another_stream_leaves_no_pulse_of_the_stream_of_jobs(event: str) -> None:
    api = Api()
    deps = DispatcherDeps(api.services, StandingClock(NOW_MS), Meter(), changes_from)
    dispatcher.handle(read_event(event), deps)
    assert api.world.pulses == {}


def test_a_batch_that_fails_leaves_no_pulse() -> None:
    api = Api()

    def fail(_request: str) -> None:
        raise ServiceUnavailable("the table does not answer")

    deps = RecorderDeps(api.services, StandingClock(NOW_MS), Meter(), changes_from)
    api.world.on_request = fail
    with pytest.raises(ServiceUnavailable):
        recorder.handle(read_event("recorder-stream"), deps)
    assert "note_pulse" not in api.world.requests


def test_a_pulse_that_can_not_be_stored_fails_no_run(caplog: pytest.LogCaptureFixture) -> None:
    api = Api()

    def fail(request: str) -> None:
        if request == "note_pulse":
            raise ServiceUnavailable("the table does not answer")

    api.world.on_request = fail
    deps = ReaperDeps(api.services, StandingClock(NOW_MS), Meter())
    for _ in range(2):  # and the next run tries again
        with caplog.at_level(logging.WARNING):
            reaper.run_round(replace(deps))
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [vars(record)["part"] for record in warnings] == ["reaper"] * 2
