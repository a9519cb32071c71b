from __future__ import annotations

import logging
from dataclasses import fields, replace

import pytest

from tests.harness.determined import HandClock, StandingClock
from tests.harness.functions.api_calls import NOW_MS, Api
from tests.harness.tables import resources
from tidegate.bootstrap import Meter, ReaperDeps
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.states import State
from tidegate.entry import reaper
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.reap.reap import ReapReport
from tidegate.usecases.services import Services

NOTHING = dict.fromkeys((field.name for field in fields(ReapReport)), 0)


def _deps(api: Api, now_ms: int) -> ReaperDeps:
    return ReaperDeps(api.services, StandingClock(now_ms), Meter())


def test_a_job_of_a_lost_worker_is_ready_again(caplog: pytest.LogCaptureFixture) -> None:
    api = Api()
    job_id = api.submit()
    api.run(job_id)  # its lease ends long before the clock of this test
    caplog.clear()
    with caplog.at_level(logging.INFO):
        assert reaper.run_round(_deps(api, NOW_MS)) == {
            **NOTHING,
            "jobs_reclaimed": 1,
        }
    assert api.job(job_id).state is State.READY
    done, usage = (vars(record) for record in caplog.records)
    assert done["jobs_reclaimed"] == 1
    assert usage["usage"] == {"requests": {}, "write_units": 0, "read_units": 0.0}


def test_a_round_with_nothing_to_do_says_so_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert reaper.run_round(_deps(Api(), NOW_MS)) == NOTHING
    assert [record.getMessage() for record in caplog.records] == ["usage"]


def test_a_store_that_does_not_answer_fails_the_round() -> None:
    api = Api()

    def refuse(request: str) -> None:
        raise ServiceUnavailable("the table does not answer")

    api.world.on_request = refuse
    with pytest.raises(ServiceUnavailable):
        reaper.run_round(_deps(api, NOW_MS))


def test_the_repairs_end_well_before_the_platform_ends_the_function() -> None:
    """Each repair may be in the middle of a portion when its time is over."""
    timeout_ms = resources()["ReaperFunction"]["Properties"]["Timeout"] * 1_000
    assert timeout_ms >= reaper.WORKING_MS + 30_000


def test_a_round_ends_in_time_though_the_clock_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    stopwatch = HandClock()
    over: list[bool] = []

    def reap(_services: Services, *, now_ms: int, until: Deadline, **_: object) -> ReapReport:
        for passed_ms in (reaper.WORKING_MS - 1, 1):
            stopwatch.at_ms += passed_ms
            over.append(until.is_over())
        return ReapReport(**NOTHING)

    monkeypatch.setattr(reaper, "reap", reap)
    reaper.run_round(replace(_deps(Api(), NOW_MS), stopwatch=stopwatch))
    assert over == [False, True]
