"""`GET /v1/stats` tells of ended jobs in numbers, and refuses what it can't answer."""

from __future__ import annotations

import pytest

from tests.harness.functions.api_calls import NOW_MS, Api
from tests.harness.functions.counted import ENDED_MS, count_one_job
from tidegate.contracts.times import to_wire
from tidegate.domain.statistics.spans import DAY_MS, HOUR_MS, WINDOW_MS, floor_to


@pytest.fixture
def api() -> Api:
    """Makes an API with one job that waited for 2 s and ran for 3 s, counted."""
    api = Api()
    count_one_job(api)
    return api


def test_a_row_tells_of_the_jobs_that_ended(api: Api) -> None:
    found = api.call("GET", "/v1/stats", query={"by": "type"}).body
    (row,) = found["rows"]
    assert (row["type"], row["ended"], row["success_rate"], row["busy_seconds"]) == (
        "text.count",
        1,
        1.0,
        3.0,
    )
    assert row["wait_seconds"]["p50"] == pytest.approx(2.0, rel=found["relative_error"])
    assert row["wait_seconds"]["max"] == pytest.approx(2.0, rel=found["relative_error"])
    assert row["run_seconds"]["p99"] == pytest.approx(3.0, rel=found["relative_error"])
    of_pools = {"slot_seconds": 600.0, "utilisation": 0.005, "oldest_ready_seconds": None}
    assert found["total"] == {**row, "type": None, **of_pools}
    (pool,) = api.call("GET", "/v1/stats", query={"pool": "ecs"}).body["rows"]
    assert (pool["slot_seconds"], pool["utilisation"]) == (600.0, 0.005)
    assert row["until"] == found["counted_until"] == to_wire(floor_to(NOW_MS, WINDOW_MS) - WINDOW_MS)


def test_a_row_tells_its_ends_by_hour(api: Api) -> None:
    found = api.call("GET", "/v1/stats", query={"step": "hour"}).body
    (row,) = found["rows"]
    assert row["steps"] == [
        {
            "since": max(to_wire(floor_to(ENDED_MS, HOUR_MS)) or "", found["total"]["since"]),
            "ended": 1,
            "succeeded": 1,
            "failed": 0,
            "timed_out": 0,
        }
    ]
    assert found["total"]["steps"] == row["steps"]


def test_a_deployment_that_counted_nothing_says_so() -> None:
    found = Api().call("GET", "/v1/stats").body
    assert (found["rows"], found["counted_until"], found["total"]["ended_per_hour"]) == ([], None, None)


def test_jobs_outside_of_what_is_asked_for_are_not_counted(api: Api) -> None:
    later = to_wire(ENDED_MS + WINDOW_MS)
    assert later is not None
    for query in ({"pool": "lambda"}, {"type": "other"}, {"from": later}):
        assert api.call("GET", "/v1/stats", query=query).body["total"]["ended"] == 0, query
    just_after = to_wire(ENDED_MS + 1)
    assert just_after is not None
    assert api.call("GET", "/v1/stats", query={"to": just_after}).body["total"]["ended"] == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"by": "colour"}, "by"),
        ({"from": "yesterday"}, "from"),
        ({"from": to_wire(NOW_MS), "to": to_wire(NOW_MS)}, "from"),
        ({"from": to_wire(NOW_MS - 400 * DAY_MS)}, "from"),
        ({"by": "hour", "from": to_wire(NOW_MS - 40 * DAY_MS)}, "from"),
        ({"by": "hour", "from": to_wire(NOW_MS - 95 * DAY_MS), "to": to_wire(NOW_MS - 94 * DAY_MS)}, "by"),
        ({"step": "week"}, "step"),
        ({"step": "hour", "by": "day"}, "step"),
        ({"step": "hour", "from": to_wire(NOW_MS - 40 * DAY_MS)}, "from"),
        (
            {"step": "hour", "from": to_wire(NOW_MS - 95 * DAY_MS), "to": to_wire(NOW_MS - 94 * DAY_MS)},
            "step",
        ),
        ({"by": "worker", "type": "text.count"}, "type"),
        ({"pool": "none"}, "pool"),
    ],
)
def test_what_can_not_be_answered_is_refused(api: Api, query: dict[str, str], field: str) -> None:
    answer = api.call("GET", "/v1/stats", query=query)
    assert (answer.status, answer.fields) == (422, [field])
