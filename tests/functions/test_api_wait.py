"""`GET …?wait=` of a job and of a workflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.functions.test_api_progress import recorded
from tests.functions.test_api_recovery import fail
from tests.harness.determined import HandClock, HandPauses
from tests.harness.functions.api_calls import NOW_MS, UNKNOWN_ID, Answer, Api
from tidegate.api import app
from tidegate.domain.limits import MAX_ASKED_WAIT_SECONDS, MAX_OPEN_WAITS
from tidegate.usecases.bounds.deadline import Deadline

ON = {"waits": "2"}
WRONG = ["-1", "21", "1e9", "1000000000", "1.5", "ten", "", " 5", "\u0665", "9" * 10_000]


class _Waiting(Api):
    """A deployment whose calls may wait. Waits take no time."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses = HandPauses()
        self.deps = replace(self.deps, pauses=self.pauses)
        self.job_id = self.submit()
        flow = self.call("POST", "/v1/workflows", {"jobs": [{"key": "a", "type": "tidegate.noop"}]}).body
        self.workflow_id, self.member = flow["workflow_id"], flow["job_ids"]["a"]

    def get(self, path: str, wait: str | int, *, stage: dict[str, str] | None = None, **more: Any) -> Answer:
        return self.call("GET", path, query={"wait": str(wait)}, stage=ON if stage is None else stage, **more)

    def end_after(self, seconds: float) -> None:
        """Ends both jobs after some seconds of waiting."""

        def look(at_ms: int) -> None:
            if at_ms == int(seconds * 1_000):
                for job_id in (self.job_id, self.member):
                    fail(self, job_id)
                recorded(self)

        self.pauses.at_end = look


@pytest.fixture
def api() -> _Waiting:
    return _Waiting()


Path = Callable[[_Waiting], str]
both = pytest.mark.parametrize(
    "path",
    [lambda api: f"/v1/jobs/{api.job_id}", lambda api: f"/v1/workflows/{api.workflow_id}"],
    ids=["job", "workflow"],
)


@both
def test_an_answer_waits_for_the_end(api: _Waiting, path: Path) -> None:
    api.end_after(3)
    answer = api.get(path(api), 20)
    assert (answer.status, answer.body["state"], api.pauses.at_ms) == (200, "FAILED", 3_000)
    assert answer.body == api.call("GET", path(api)).body


@both
@pytest.mark.parametrize("seconds", [1, MAX_ASKED_WAIT_SECONDS])
def test_after_the_time_the_answer_is_that_without_a_wait(api: _Waiting, path: Path, seconds: int) -> None:
    plain = api.call("GET", path(api))
    waited = api.get(path(api), seconds)
    assert (waited.status, waited.body, waited.headers) == (200, plain.body, plain.headers)
    assert api.pauses.at_ms == seconds * 1_000


@both
def test_what_has_ended_is_answered_at_once(api: _Waiting, path: Path) -> None:
    api.end_after(1)
    api.get(path(api), 1)
    first = api.get(path(api), 20)
    assert api.pauses.at_ms == 1_000
    assert api.get(path(api), 20, known=first.headers["ETag"]).status == 304


@both
def test_a_wait_without_a_change_ends_in_304(api: _Waiting, path: Path) -> None:
    known = api.call("GET", path(api)).headers["ETag"]
    assert api.get(path(api), 2, known=known).status == 304
    assert api.pauses.at_ms == 2_000
    api.end_after(3)
    changed = api.get(path(api), 20, known=known)
    assert (changed.status, changed.body["state"]) == (200, "FAILED")


@both
@pytest.mark.parametrize("stage", [{}, {"waits": "0"}, {"waits": ""}, {"waits": "many"}])
def test_a_deployment_may_let_no_call_wait(api: _Waiting, path: Path, stage: dict[str, str]) -> None:
    assert api.get(path(api), 20, stage=stage).status == 200
    assert api.pauses.taken_ms == []
    assert api.world.requests["begin_wait"] == 0
    assert api.get(path(api), "x", stage=stage).status == 422, "a fault is told all the same"


@both
def test_a_wait_of_0_is_none(api: _Waiting, path: Path) -> None:
    assert api.get(path(api), 0).status == 200
    assert api.world.requests["begin_wait"] == 0


@both
def test_an_answer_without_a_wait_costs_what_it_did(api: _Waiting, path: Path) -> None:
    before = api.world.requests.copy()
    api.call("GET", path(api), stage=ON)
    plain = api.world.requests - before
    before = api.world.requests.copy()
    api.get(path(api), 20, stage={})
    assert api.world.requests - before == plain


@both
def test_no_more_calls_wait_than_the_deployment_lets(api: _Waiting, path: Path) -> None:
    api.world.open_waits = {(NOW_MS, "a"), (NOW_MS, "b")}
    assert api.get(path(api), 20, stage={"waits": "2"}).status == 200
    assert api.pauses.taken_ms == []
    assert api.get(path(api), 20, stage={"waits": "3"}).status == 200
    assert api.pauses.at_ms == 20_000


def test_a_stage_lets_no_more_calls_wait_than_the_item_holds(api: _Waiting) -> None:
    api.world.open_waits = {(NOW_MS, str(number)) for number in range(MAX_OPEN_WAITS)}
    assert api.get(f"/v1/jobs/{api.job_id}", 20, stage={"waits": "999"}).status == 200
    assert api.pauses.taken_ms == []


@both
@pytest.mark.parametrize("text", WRONG)
def test_a_wait_that_is_no_number_of_seconds_is_refused_by_name(api: _Waiting, path: Path, text: str) -> None:
    before = api.contents()
    answer = api.get(path(api), text)
    assert answer.status == 422
    assert answer.message("wait") == "must be a whole number of seconds from 0 to 20"
    assert api.pauses.taken_ms == []
    assert api.contents() == before
    assert not api.world.open_waits


@pytest.mark.parametrize("kind", ["jobs", "workflows"])
def test_an_unknown_id_is_not_waited_for(api: _Waiting, kind: str) -> None:
    assert api.get(f"/v1/{kind}/{UNKNOWN_ID}", 20).status == 404
    assert api.pauses.taken_ms == []


def test_a_page_that_is_refused_is_not_waited_for(api: _Waiting) -> None:
    path = f"/v1/workflows/{api.workflow_id}"
    answer = api.call("GET", path, query={"wait": "20", "limit": "0"}, stage=ON)
    assert (answer.status, answer.fields, api.pauses.taken_ms) == (422, ["limit"], [])


def test_no_other_route_takes_a_wait(api: _Waiting) -> None:
    for path in ("/v1/jobs", f"/v1/jobs/{api.job_id}/why", f"/v1/workflows/{api.workflow_id}/states"):
        assert api.get(path, 5).fields == ["wait"]


def test_a_wait_leaves_time_for_its_answer(api: _Waiting) -> None:
    """The function has 29 s, of which work in portions leaves 14 and a wait leaves 8."""
    clock = HandClock()
    api.pauses.at_end = lambda at_ms: setattr(clock, "at_ms", at_ms)
    portions_until = Deadline(clock, 1_000)  # the function began late, or a read was slow
    event_api = _until(api, portions_until)
    assert event_api.get(f"/v1/jobs/{api.job_id}", 20).status == 200
    assert api.pauses.at_ms == 7_000
    assert app._PORTION_RESERVE_SECONDS == 14


def _until(api: _Waiting, until: Deadline) -> _Waiting:
    api.until = lambda: until  # type: ignore[method-assign]
    return api
