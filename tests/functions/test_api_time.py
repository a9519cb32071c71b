"""Calls over many jobs stop in time, report the finished part, and go on there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from tests.functions.test_api_recovery import fail
from tests.harness.determined import HandClock
from tests.harness.functions.api_calls import Api
from tidegate.api import app
from tidegate.domain.states import State
from tidegate.usecases.bounds import portions
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.recover import cancel, reopen
from tidegate.usecases.release.release import release

JOBS = 95
PORTION = 10


class Slow(Api):
    """An API whose store takes a second for each batch of writes, and whose calls have `seconds` for portions."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.stopwatch = HandClock()
        self.seconds = seconds
        self.world.on_request = self._take_time

    def _take_time(self, request: str) -> None:
        if request == "apply_all":
            self.stopwatch.at_ms += 1_000

    def until(self) -> Deadline:
        return Deadline(self.stopwatch, self.stopwatch.at_ms + int(self.seconds * 1_000))

    def all_calls(self, path: str, body: object = None, *, keep_cursor: bool = True) -> list[dict[str, Any]]:
        """Returns the answers of repeated calls, up to the complete one."""
        answers: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(60):
            query = {"cursor": cursor} if cursor is not None and keep_cursor else None
            answer = self.call("POST", path, body, query=query)
            assert answer.status in (200, 202), answer.body
            found = answer.body.get("downstream", answer.body)
            answers.append(found)
            if found["complete"]:
                return answers
            cursor = found.get("cursor")
        raise AssertionError(answers[-3:])


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Slow]:
    for module in (cancel, reopen, portions):
        monkeypatch.setattr(module, "JOBS_AT_ONCE", PORTION)
    monkeypatch.setattr(portions.portions, "__defaults__", (PORTION,))
    return Slow


def submit(api: Api) -> tuple[str, list[str]]:
    edge = {"key": "root"}
    jobs: list[dict[str, object]] = [{"key": "root", "type": "tidegate.noop"}]
    jobs += [{"key": f"k{place}", "type": "tidegate.noop", "depends_on": [edge]} for place in range(JOBS)]
    body = api.call("POST", "/v1/workflows", {"jobs": jobs}).body
    return body["workflow_id"], list(body["job_ids"].values())


def states(api: Api, ids: list[str]) -> set[State]:
    return {api.job(job_id).state for job_id in ids}


def test_a_large_workflow_is_cancelled_in_several_calls_that_count_each_job_once(
    slow: Callable[[float], Slow],
) -> None:
    api = slow(3)
    workflow, ids = submit(api)
    answers = api.all_calls(f"/v1/workflows/{workflow}/cancel")
    assert len(answers) == 4
    assert [answer["left"] for answer in answers] == [70, 40, 10, 0]
    assert [sum(answer[name] for answer in answers) for name in ("cancelled", "asked", "ended")] == [96, 0, 0]
    assert states(api, ids) == {State.CANCELLED}


def test_a_call_without_any_time_makes_progress_all_the_same(slow: Callable[[float], Slow]) -> None:
    api = slow(-5)
    workflow, ids = submit(api)
    assert len(api.all_calls(f"/v1/workflows/{workflow}/cancel")) == 10
    assert states(api, ids) == {State.CANCELLED}


def test_everything_downstream_is_cancelled_in_several_calls_and_the_job_last(
    slow: Callable[[float], Slow],
) -> None:
    api = slow(3)
    _, ids = submit(api)
    first = api.call("POST", f"/v1/jobs/{ids[0]}/cancel", {"downstream": True})
    assert (first.status, first.body["state"]) == (202, "READY")
    assert first.body["downstream"] == {
        "cancelled": 30, "asked": 0, "ended": 0, "left": 65, "complete": False,
    }  # fmt: skip
    answers = api.all_calls(f"/v1/jobs/{ids[0]}/cancel", {"downstream": True})
    assert sum(answer["cancelled"] for answer in answers) == 65
    assert answers[-1]["ended"] == 90
    assert states(api, ids) == {State.CANCELLED}


@pytest.mark.parametrize("seconds", [-5, 2, 5])
def test_a_rerun_in_several_calls_reopens_and_judges_everything(
    slow: Callable[[float], Slow], seconds: float
) -> None:
    api = slow(seconds)
    workflow, ids = submit(api)
    api.all_calls(f"/v1/workflows/{workflow}/cancel")
    answers = api.all_calls(f"/v1/workflows/{workflow}/rerun")
    assert len(answers) > 2
    assert sum(answer["reopened"] for answer in answers) == JOBS + 1
    assert api.job(ids[0]).state is State.READY
    assert states(api, ids[1:]) == {State.PENDING}


def test_nothing_is_judged_before_all_is_reopened(slow: Callable[[float], Slow]) -> None:
    """Each job waits for the end of the last one, however it ends, and must not judge by its old end."""
    api = slow(2)
    edge = {"key": "root", "type": "MUST_COMPLETE"}
    jobs = [{"key": f"k{n}", "type": "tidegate.noop", "depends_on": [edge]} for n in range(JOBS)]
    root = {"key": "root", "type": "tidegate.noop"}
    body = api.call("POST", "/v1/workflows", {"jobs": [*jobs, root]}).body
    ids = list(body["job_ids"].values())
    api.all_calls(f"/v1/workflows/{body['workflow_id']}/cancel")
    api.all_calls(f"/v1/workflows/{body['workflow_id']}/rerun")
    assert api.job(ids[-1]).state is State.READY
    assert states(api, ids[:-1]) == {State.PENDING}


@pytest.mark.parametrize("seconds", [-5, 3, 1_000])
def test_jobs_that_stand_before_what_they_were_skipped_for_are_reopened_too(
    slow: Callable[[float], Slow], seconds: float
) -> None:
    api = slow(seconds)
    chain: list[dict[str, object]] = [
        {"key": f"k{n}", "type": "tidegate.noop", "depends_on": [{"key": f"k{n + 1}"}]} for n in range(35)
    ]
    body = api.call("POST", "/v1/workflows", {"jobs": [*chain, {"key": "k35", "type": "tidegate.noop"}]}).body
    ids = list(body["job_ids"].values())
    fail(api, ids[-1])
    for job_id in reversed(ids):
        release(api.services, [api.job(job_id)], 0)
    assert states(api, ids[:-1]) == {State.SKIPPED}
    answers = api.all_calls(f"/v1/workflows/{body['workflow_id']}/rerun")
    assert sum(answer["reopened"] for answer in answers) == 36
    assert states(api, ids[:-1]) == {State.PENDING}
    assert api.job(ids[-1]).state is State.READY


def test_a_rerun_ends_where_what_comes_later_can_not_be_reopened(
    slow: Callable[[float], Slow], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = slow(1_000)
    chain: list[dict[str, object]] = [
        {"key": f"k{n}", "type": "tidegate.noop", "depends_on": [{"key": f"k{n + 1}"}]} for n in range(15)
    ]
    jobs = [{"key": "bad", "type": "tidegate.noop"}, *chain, {"key": "k15", "type": "tidegate.noop"}]
    body = api.call("POST", "/v1/workflows", {"jobs": jobs}).body
    ids = list(body["job_ids"].values())
    for job_id in (ids[0], ids[-1]):
        fail(api, job_id)
    for job_id in reversed(ids):
        release(api.services, [api.job(job_id)], 0)
    only_the_first = iter([True])
    monkeypatch.setattr(reopen, "may_be_reopened", lambda _: next(only_the_first, False))
    (answer,) = api.all_calls(f"/v1/workflows/{body['workflow_id']}/rerun")
    assert (answer["reopened"], answer["complete"]) == (1, True)


def test_a_rerun_called_again_without_its_cursor_gets_on_too(slow: Callable[[float], Slow]) -> None:
    api = slow(3)
    workflow, ids = submit(api)
    api.all_calls(f"/v1/workflows/{workflow}/cancel")
    answers = [api.call("POST", f"/v1/workflows/{workflow}/rerun").body for _ in range(8)]
    assert sum(answer["reopened"] for answer in answers) == JOBS + 1
    assert answers[-1]["complete"]
    assert api.job(ids[0]).reopened == 1


def test_a_retry_leaves_what_it_has_no_time_for_to_follow_by_itself(slow: Callable[[float], Slow]) -> None:
    api = slow(3)
    _, ids = submit(api)
    fail(api, ids[0])
    release(api.services, [api.job(ids[0])], 0)
    assert states(api, ids[1:]) == {State.SKIPPED}
    answer = api.call("POST", f"/v1/jobs/{ids[0]}/retry")
    assert answer.status == 200
    assert not answer.body["reopening"]["complete"]
    assert 1 < answer.body["reopening"]["reopened"] < JOBS
    assert answer.body["state"] == "READY"


@pytest.mark.parametrize(
    "cursor",
    ["x", "0", "97", "-1", "judge.", "judge.1.2", "judge.999999.00", "reopen.٣.00", "¹", "9" * 5_000],
)
@pytest.mark.parametrize("act", ["cancel", "rerun"])
def test_a_cursor_that_no_call_gave_is_refused(act: str, cursor: str) -> None:
    api = Api()
    workflow, _ = submit(api)
    before = api.contents()
    answer = api.call("POST", f"/v1/workflows/{workflow}/{act}", query={"cursor": cursor})
    assert (answer.status, answer.fields) == (422, ["cursor"])
    assert api.contents() == before


class Lambda:
    """An invocation with this much time left."""

    def __init__(self, left_ms: int) -> None:
        self.left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


@pytest.mark.parametrize(("left_ms", "is_over"), [(29_000, False), (13_000, True)])
def test_portions_stop_long_before_the_function_does(
    monkeypatch: pytest.MonkeyPatch, left_ms: int, is_over: bool
) -> None:
    seen: list[Deadline] = []
    monkeypatch.setattr(app, "handle", lambda event, deps, context, until: seen.append(until))
    app.answer_in_time({}, Api().deps, cast(LambdaContext, Lambda(left_ms)))
    assert seen[0].is_over() is is_over
