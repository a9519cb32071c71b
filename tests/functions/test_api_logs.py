"""The logs of an attempt over HTTP: by attempt, in pages, followed while it runs, and bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from dev.simulator.memory.logs import MemoryLogReader, MemoryLogSink
from tests.harness.determined import StandingClock
from tests.harness.functions.api_calls import NOW, NOW_MS, UNKNOWN_ID, Api
from tidegate.domain.logs import LogLine, LogPlace
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    ClaimIfQueued,
    ClaimSecondIfOffered,
    DispatchIfReady,
    Ending,
    FinishIfAttemptHolds,
    FinishSecondIfHolds,
    HandBackIfAttemptHolds,
    OfferSecondIfFirst,
    Stamp,
)
from tidegate.usecases.read.logs import LATE_MS, MOST_PORTIONS

PLACE = LogPlace("jobs-log", "01KBC7RV8M5B6W2Y3Q7RVXN4C1")
OTHER = LogPlace("jobs-log", "01KBC7RV8M5B6W2Y3Q7RVXN4C2")


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def job_id(api: Api) -> str:
    """Returns a job whose first attempt runs."""
    job_id = api.submit()
    api.run(job_id, PLACE)
    return job_id


def write(
    api: Api,
    job_id: str,
    numbers: Sequence[int],
    *,
    attempt: int = 1,
    at_ms: int = NOW_MS,
    place: LogPlace = PLACE,
) -> None:
    sink = MemoryLogSink(api.world, place, lambda: at_ms)
    for number in numbers:
        sink.write(LogLine(job_id, attempt, number, f"line {number}"))


def read(api: Api, job_id: str, **query: str) -> dict[str, Any]:
    answer = api.call("GET", f"/v1/jobs/{job_id}/logs", query=query)
    assert answer.status == 200, answer.body
    return answer.body


def numbers(page: dict[str, Any]) -> list[int]:
    return [line["number"] for line in page["lines"]]


def end(api: Api, job_id: str, attempt: int = 1) -> None:
    stamp = Stamp(NOW_MS, "worker-1")
    api.services.jobs.apply(FinishIfAttemptHolds(api.job(job_id), attempt, Ending(State.SUCCEEDED), stamp))


def later(api: Api, by_ms: int) -> None:
    api.deps = replace(api.deps, clock=StandingClock(NOW_MS + by_ms))


def test_a_page_has_the_lines_with_their_time_and_where_they_are_kept(api: Api, job_id: str) -> None:
    write(api, job_id, [1])
    page = read(api, job_id)
    assert page["lines"] == [{"at": NOW, "number": 1, "text": "line 1"}]
    assert (page["attempt"], page["log_group"], page["log_stream"]) == (1, PLACE.group, PLACE.stream)
    assert (page["state"], page["missing"], page["looked_to"]) == ("RUNNING", 0, NOW)


def test_a_running_attempt_is_followed_by_the_cursor(api: Api, job_id: str) -> None:
    first = read(api, job_id)
    write(api, job_id, [1, 2])
    second = read(api, job_id, cursor=first["cursor"])
    third = read(api, job_id, cursor=second["cursor"])
    write(api, job_id, [3])
    fourth = read(api, job_id, cursor=third["cursor"])
    assert [numbers(page) for page in (first, second, third, fourth)] == [[], [1, 2], [], [3]]
    end(api, job_id)
    assert read(api, job_id, cursor=fourth["cursor"])["cursor"] is not None  # the last lines may be under way
    write(api, job_id, [4])
    later(api, LATE_MS)
    last = read(api, job_id, cursor=fourth["cursor"])
    assert (numbers(last), last["cursor"]) == ([4], None)


def test_a_job_is_followed_from_before_its_first_attempt(api: Api) -> None:
    job_id = api.submit()
    page = read(api, job_id)
    assert (page["attempt"], page["lines"], page["log_group"]) == (None, [], None)
    api.run(job_id, PLACE)
    write(api, job_id, [1])
    assert numbers(read(api, job_id, cursor=page["cursor"])) == [1]


def test_pages_have_at_most_the_limit_and_no_line_twice(api: Api, job_id: str) -> None:
    write(api, job_id, range(1, 8))
    cursor: dict[str, str] = {}
    seen: list[int] = []
    for _ in range(3):
        page = read(api, job_id, limit="3", **cursor)
        assert len(page["lines"]) <= 3
        seen += numbers(page)
        cursor = {"cursor": page["cursor"]}
    assert seen == list(range(1, 8))


def test_each_attempt_has_its_own_lines(api: Api, job_id: str) -> None:
    write(api, job_id, [1, 2])
    api.services.jobs.apply(HandBackIfAttemptHolds(api.job(job_id), 1, Stamp(NOW_MS, "worker-1")))
    api.services.jobs.apply(DispatchIfReady(job_id, "lambda", Stamp(NOW_MS, "dispatcher")))
    claim = ClaimIfQueued(job_id, 1, "worker-2", NOW_MS + 60_000, Stamp(NOW_MS, "worker-2", logs=OTHER))
    api.services.jobs.apply(claim)
    write(api, job_id, [1], attempt=2, place=OTHER)
    latest = read(api, job_id)
    assert (latest["attempt"], latest["log_stream"], numbers(latest)) == (2, OTHER.stream, [1])
    first = read(api, job_id, attempt="1")
    assert (first["attempt"], first["log_stream"], numbers(first)) == (1, PLACE.stream, [1, 2])


def test_from_leaves_out_earlier_lines(api: Api, job_id: str) -> None:
    write(api, job_id, [1])
    write(api, job_id, [2], at_ms=NOW_MS + 1_000)
    page = read(api, job_id, **{"from": "2026-12-01T08:00:01Z"})
    assert (numbers(page), page["missing"]) == ([2], 0)


def test_lines_that_were_dropped_are_counted(api: Api, job_id: str) -> None:
    write(api, job_id, [1, 2, 5])
    first = read(api, job_id)
    assert (numbers(first), first["missing"]) == ([1, 2, 5], 2)
    write(api, job_id, [8])
    assert read(api, job_id, cursor=first["cursor"])["missing"] == 2


def test_a_line_that_is_kept_twice_is_shown_once(api: Api, job_id: str) -> None:
    write(api, job_id, [1, 2, 1, 2, 3])
    assert numbers(read(api, job_id)) == [1, 2, 3]


def test_a_page_looks_at_a_bounded_part_of_a_log_and_the_next_goes_on(api: Api, job_id: str) -> None:
    api.services = replace(api.services, logs=MemoryLogReader(api.world, portion=10))
    api.deps = replace(api.deps, services=api.services)
    for step in range(200):
        write(api, f"{job_id}0", [step + 1], at_ms=NOW_MS + step)
    write(api, job_id, [1], at_ms=NOW_MS + 200)
    cursor: dict[str, str] = {}
    seen: list[int] = []
    for _ in range(8):
        before = api.world.requests["read_logs"]
        page = read(api, job_id, **cursor)
        assert api.world.requests["read_logs"] - before <= MOST_PORTIONS
        cursor = {"cursor": page["cursor"]}
        seen += numbers(page)
    assert seen == [1]


def test_a_page_that_would_be_too_large_ends_early(api: Api, job_id: str) -> None:
    sink = MemoryLogSink(api.world, PLACE, lambda: NOW_MS)
    for number in range(1, 401):
        sink.write(LogLine(job_id, 1, number, "😀" * 2_000))
    answer = api.call("GET", f"/v1/jobs/{job_id}/logs", query={"limit": "1000"})
    assert 1 <= len(answer.body["lines"]) < 400
    assert answer.carried_bytes < 6_000_000
    follow = read(api, job_id, limit="1000", cursor=answer.body["cursor"])
    assert follow["lines"][0]["number"] == len(answer.body["lines"]) + 1


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ({"attempt": "0"}, "attempt", "must be a whole number from 1 to 999,999"),
        ({"attempt": "x"}, "attempt", "must be a whole number from 1 to 999,999"),
        ({"attempt": "2"}, "attempt", "is 2, but the job has had 1 so far"),
        ({"limit": "1001"}, "limit", "must be a whole number from 1 to 1,000"),
        ({"from": "noon"}, "from", "must be a time with a zone, from 1970 on, like 2026-12-01T06:00:00Z"),
        (
            {"cursor": "WyJ4Il0"},
            "cursor",
            "is not a cursor of this request; pass the cursor of the last answer to the same path with the same "
            "parameters, or leave it out to start over",
        ),
    ],
)
def test_wrong_parameters_are_named(
    api: Api, job_id: str, query: dict[str, str], field: str, message: str
) -> None:
    answer = api.call("GET", f"/v1/jobs/{job_id}/logs", query=query)
    assert (answer.status, answer.fields, answer.message(field)) == (422, [field], message)


def test_all_wrong_parameters_are_named_at_once(api: Api, job_id: str) -> None:
    answer = api.call("GET", f"/v1/jobs/{job_id}/logs", query={"attempt": "x", "limit": "0", "from": "y"})
    assert (answer.status, answer.fields) == (422, ["attempt", "limit", "from"])


def test_a_cursor_belongs_to_its_job_and_attempt(api: Api, job_id: str) -> None:
    cursor = read(api, job_id)["cursor"]
    other = api.submit()
    answer = api.call("GET", f"/v1/jobs/{other}/logs", query={"cursor": cursor})
    assert (answer.status, answer.fields) == (422, ["cursor"])
    answer = api.call("GET", f"/v1/jobs/{job_id}/logs", query={"cursor": cursor, "attempt": "7"})
    assert (answer.status, answer.fields) == (422, ["cursor"])


def test_an_unknown_job_is_not_found(api: Api) -> None:
    assert api.call("GET", f"/v1/jobs/{UNKNOWN_ID}/logs").status == 404


def test_lines_before_a_time_are_never_missing_however_late_the_first_line_comes(
    api: Api, job_id: str
) -> None:
    write(api, job_id, [1, 2, 3])
    later(api, 20_000)
    query = {"from": "2026-12-01T08:00:10.000Z"}
    page = read(api, job_id, **query)
    assert (numbers(page), page["missing"]) == ([], 0)
    write(api, job_id, [4, 6], at_ms=NOW_MS + 20_000)
    page = read(api, job_id, cursor=page["cursor"], **query)
    assert (numbers(page), page["missing"]) == ([4, 6], 1)


def test_the_log_of_a_second_attempt_that_won_is_read_from_its_first_line(api: Api, job_id: str) -> None:
    write(api, job_id, [1, 2])
    followed = read(api, job_id)
    place, stamp = LogPlace("group", "second"), Stamp(NOW_MS, "worker-2")
    jobs = api.services.jobs
    jobs.apply(OfferSecondIfFirst(api.job(job_id), 1, stamp))
    jobs.apply(ClaimSecondIfOffered(job_id, 1, "worker-2", NOW_MS + 1, replace(stamp, logs=place)))
    jobs.apply(FinishSecondIfHolds(api.job(job_id), 1, "worker-2", Ending(State.SUCCEEDED), stamp))
    write(api, job_id, [1, 2, 3], place=place)
    page = read(api, job_id, cursor=followed["cursor"], limit="2")
    assert (numbers(page), page["log_stream"]) == ([1, 2], "second")
    assert numbers(read(api, job_id, cursor=page["cursor"])) == [3]
