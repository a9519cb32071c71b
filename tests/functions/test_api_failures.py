"""Failed jobs are listed by their cause, and a cause can be muted, listed and retried by its fingerprint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.determined import StandingClock
from tests.harness.functions.api_calls import NOW_MS, Api
from tidegate.domain import limits
from tidegate.domain.failures import STEPS, fingerprint_of
from tidegate.domain.job import JobFailure
from tidegate.domain.states import State
from tidegate.domain.transitions import Ending, FinishIfAttemptHolds, Stamp
from tidegate.usecases.read import failures as module

NOOP = "tidegate.noop"
HOUR_MS = 3_600_000
LOOKS_MS = NOW_MS + 30 * HOUR_MS  # when failures are listed: 2026-12-02T14:00:00Z
BEN = "arn:aws:iam::123456789012:user/ben"
ROWS = fingerprint_of(NOOP, "broken", "row <number> is broken")


@pytest.fixture
def api() -> Api:
    api = Api()
    api.deps = replace(api.deps, clock=StandingClock(LOOKS_MS))
    return api


def _fail(
    api: Api,
    message: str = "row 1 is broken",
    *,
    hour: float = 29,
    code: str = "broken",
    state: State = State.FAILED,
) -> str:
    """Submits a job, which fails so many hours later."""
    api.deps = replace(api.deps, clock=StandingClock(NOW_MS))
    job_id = api.submit(max_retries=0)
    api.run(job_id)
    ending = Ending(state, failure=JobFailure(code, message))
    stamp = Stamp(NOW_MS + int(hour * HOUR_MS), "worker-1")
    api.services.jobs.apply(FinishIfAttemptHolds(api.job(job_id), 1, ending, stamp))
    api.deps = replace(api.deps, clock=StandingClock(LOOKS_MS))
    return job_id


def test_failures_with_one_cause_are_one_group(api: Api) -> None:
    earlier = _fail(api, "row 1 is broken\nTraceback", hour=10)
    later = _fail(api, "row 27 is broken", hour=13)
    _fail(api, "no space left")
    answer = api.call("GET", "/v1/failures").body
    assert [group["pattern"] for group in answer["groups"]] == ["row <number> is broken", "no space left"]
    group = answer["groups"][0]
    assert (group["fingerprint"], group["type"], group["code"]) == (ROWS, NOOP, "broken")
    assert (group["count"], group["message"]) == (2, "row 27 is broken")
    assert group["job_ids"] == [later, earlier]
    assert (group["first_at"], group["last_at"]) == ("2026-12-01T18:00:00.000Z", "2026-12-01T21:00:00.000Z")
    assert [place for place, count in enumerate(group["over_time"]) if count] == [4, 7]
    assert (group["workflow_count"], group["workflows"], group["muted"]) == (0, [], None)
    assert (answer["since"], answer["until"]) == ("2026-12-01T14:00:00.000Z", "2026-12-02T14:00:00.000Z")
    assert (answer["step_seconds"], len(group["over_time"])) == (3_600, STEPS)
    assert (answer["looked_at"], answer["looked_back_to"], answer["cursor"]) == (3, answer["since"], None)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"code": "broken"}, 1),
        ({"code": "lost"}, 1),
        ({"type": "tidegate.sleep"}, 0),
        ({"pool": "ecs"}, 0),
        ({"pool": "lambda", "type": NOOP}, 2),
        ({"since": "2026-12-02T12:30:00Z"}, 1),
        ({"since": "2026-11-01T00:00:00Z"}, 3),
    ],
)
def test_filters_narrow_the_failures(api: Api, query: dict[str, str], count: int) -> None:
    _fail(api, hour=28)
    _fail(api, code="lost", hour=29)
    _fail(api, "long ago", code="old", hour=5)
    assert len(api.call("GET", "/v1/failures", query=query).body["groups"]) == count


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-12-02T14:00:00Z"}, "since"),
        ({"type": ""}, "type"),
        ({"code": "x" * (limits.MAX_ERROR_CODE_CHARACTERS + 1)}, "code"),
        ({"muted": "yes"}, "muted"),
        ({"pool": "none"}, "pool"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_a_faulty_parameter_is_named(api: Api, query: dict[str, str], field: str) -> None:
    answer = api.call("GET", "/v1/failures", query=query)
    assert (answer.status, answer.fields) == (422, [field])


def test_failed_and_timed_out_jobs_are_looked_at_together_the_newest_first(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKED_AT_MOST", 2)
    states = (State.TIMED_OUT, State.FAILED)
    jobs = [_fail(api, hour=20 + number, state=states[number % 2]) for number in range(6)]
    found: list[list[str]] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = api.call("GET", "/v1/failures", query=cursor).body
        found.append([job_id for group in page["groups"] for job_id in group["job_ids"]])
        cursor = {"cursor": page["cursor"]}
    assert found == [[jobs[5], jobs[4]], [jobs[3], jobs[2]], [jobs[1], jobs[0]]]


@pytest.mark.parametrize("query", [{}, {"type": NOOP}, {"code": "none"}])
def test_a_page_looks_at_no_more_jobs_than_it_may(
    api: Api, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    """A portion of several gets the room that the others left, also where its filter leaves jobs out."""
    monkeypatch.setattr(limits, "MAX_PAGE_SIZE", 2)
    monkeypatch.setattr(module, "LOOKED_AT_MOST", 3)
    for number in range(5):
        _fail(api, hour=20 + number)
    page = api.call("GET", "/v1/failures", query=query).body
    assert (page["looked_at"], page["cursor"] is None) == (3, False)
    rest = api.call("GET", "/v1/failures", query={**query, "cursor": page["cursor"]}).body
    assert (rest["looked_at"], rest["cursor"]) == (2, None)


@pytest.mark.parametrize("bound", ["LOOKED_AT_MOST", "_PORTIONS", "groups"])
def test_a_page_is_bounded_and_the_next_one_goes_on_in_the_same_steps(
    api: Api, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """Each of the three bounds ends a page by itself, so the pages together have every failure once."""
    monkeypatch.setattr(limits, "MAX_PAGE_SIZE", 2)
    if bound != "groups":
        monkeypatch.setattr(module, bound, 2 if bound == "LOOKED_AT_MOST" else 1)
    texts = ("a", "b") if bound == "groups" else ("a", "a")
    jobs = [_fail(api, texts[number % 2], hour=20 + number) for number in range(5)]
    found: list[str] = []
    query: dict[str, str] = {}
    ranges = set()
    cursors: list[str | None] = []
    for _ in range(3):
        page = api.call("GET", "/v1/failures", query=query).body
        found += [job_id for group in page["groups"] for job_id in group["job_ids"]]
        ranges.add((page["since"], page["until"], page["step_seconds"]))
        cursors.append(page["cursor"])
        query = {"cursor": page["cursor"]}
        if page["cursor"] is None:
            break
        assert page["looked_back_to"] > page["since"]
    assert sorted(found) == sorted(jobs)
    assert cursors[-1] is None
    assert len(ranges) == 1


def test_a_muted_group_is_left_out_until_it_is_asked_for_or_unmuted(api: Api) -> None:
    _fail(api)
    _fail(api, "no space left")
    path = f"/v1/failures/{ROWS}"
    muted = api.call("POST", f"{path}/mute").body
    change = {"by": "ann@example.com", "at": "2026-12-02T14:00:00.000Z"}
    assert muted == {"fingerprint": ROWS, "muted": True, "change": change}
    page = api.call("GET", "/v1/failures").body
    assert [group["pattern"] for group in page["groups"]] == ["no space left"]
    assert (page["left_out"], page["mutes"]) == (1, {ROWS: change})
    whole = api.call("GET", "/v1/failures", query={"muted": "true"}).body
    assert {group["fingerprint"]: group["muted"] for group in whole["groups"]}[ROWS] == change
    assert whole["left_out"] == 0
    assert not api.call("POST", f"{path}/unmute").body["muted"]
    assert len(api.call("GET", "/v1/failures").body["groups"]) == 2
    acts = api.call("GET", "/v1/audit", query={"subject": f"failure#{ROWS}"}).body["acts"]
    assert [(act["act"], act["before"], act["after"]) for act in acts] == [
        ("failure.unmute", {"muted": True}, {"muted": False}),
        ("failure.mute", {"muted": False}, {"muted": True}),
    ]


def test_what_is_no_fingerprint_can_not_be_muted(api: Api) -> None:
    assert api.call("POST", "/v1/failures/rows/mute").status == 404
    assert not api.call("GET", "/v1/failures").body["mutes"]


def test_a_group_is_listed_and_retried_by_its_fingerprint(api: Api) -> None:
    jobs = [_fail(api, f"row {number} is broken") for number in range(2)]
    other = _fail(api, "no space left")
    wanted = {"state": "FAILED,TIMED_OUT", "failure": ROWS}
    listed = api.call("GET", "/v1/jobs", query=wanted).body["jobs"]
    assert sorted(job["job_id"] for job in listed) == sorted(jobs)
    refused = api.call("GET", "/v1/jobs", query={"state": "FAILED", "failure": "rows"})
    assert (refused.status, refused.fields) == (422, ["failure"])
    body = {"filter": wanted}
    foreign = api.call("POST", "/v1/jobs/retry", body, arn=BEN).body
    assert (foreign["done"], foreign["left"]) == (0, 2)
    assert api.call("POST", "/v1/jobs/retry", body).body["done"] == 2
    assert [api.job(each).state for each in (*jobs, other)] == [State.READY, State.READY, State.FAILED]
