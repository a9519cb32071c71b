"""`tidegate wait` lets the API wait, and polls where the API does not."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.harness.cli.samples import WORKFLOW, client_of, job_json, workflow_json
from tests.harness.cli.screens import answer_with, tidegate
from tidegate_cli.errors import ApiProblem
from tidegate_cli.following.api_wait import ApiWait

JOB_ID = f"{WORKFLOW}.0"
REFUSED = {"title": "invalid", "errors": [{"field": "wait", "message": "is no query parameter here"}]}


class _Api:
    """An API whose one job ends after some seconds of waiting."""

    def __init__(self, ends_after: float, *, waits: bool = True, workflow: bool = False) -> None:
        self.at = 0.0
        self.targets: list[str] = []
        self._ends_after = ends_after
        self._waits = waits
        self._workflow = workflow

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.targets.append(request.url.raw_path.decode().rpartition("/v1/")[2])
        asked = float(request.url.params.get("wait", 0))
        if self._waits:
            self.at = min(self.at + asked, max(self.at, self._ends_after))
        has_ended = self.at >= self._ends_after
        raw = job_json(
            0, "SUCCEEDED" if has_ended else "RUNNING", started=0.0, finished=1.0 if has_ended else None
        )
        if self._workflow:
            ended_at = "2026-12-01T08:00:00Z" if has_ended else None
            return httpx.Response(200, json={**workflow_json([raw]), "ended_at": ended_at})
        return httpx.Response(200, json=raw)


def wait_of(
    api: Callable[[httpx.Request], httpx.Response], now: Callable[[], float], **kind: bool
) -> ApiWait:
    kind.setdefault("of_workflow", False)
    return ApiWait(client_of(api), WORKFLOW if kind["of_workflow"] else JOB_ID, monotonic=now, **kind)


@pytest.mark.parametrize("of_workflow", [False, True])
def test_it_waits_as_long_as_the_api_does(of_workflow: bool) -> None:
    api = _Api(47, workflow=of_workflow)
    wait = wait_of(api, lambda: api.at, of_workflow=of_workflow)
    assert [wait(86_400), wait(86_400), wait(86_400)] == [True, True, True]
    asked = f"workflows/{WORKFLOW}?limit=1&wait=20" if of_workflow else f"jobs/{JOB_ID}?fields=slim&wait=20"
    assert api.targets == [asked] * 3
    assert api.at == 47


def test_it_waits_no_longer_than_the_command() -> None:
    api = _Api(1_000)
    wait = wait_of(api, lambda: api.at)
    assert wait(7.9)
    assert not wait(0.9)
    assert [target.rpartition("=")[2] for target in api.targets] == ["7"]


def test_an_early_answer_shows_that_the_api_does_not_wait() -> None:
    api = _Api(1_000, waits=False)
    wait = wait_of(api, lambda: api.at)
    assert [wait(60), wait(60)] == [False, False]
    assert len(api.targets) == 1


def test_an_api_that_knows_no_wait_is_asked_once() -> None:
    asked: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(422, json=REFUSED)

    wait = wait_of(refuse, lambda: 0.0)
    assert [wait(60), wait(60)] == [False, False]
    assert len(asked) == 1


def test_any_other_refusal_is_told() -> None:
    wait = wait_of(lambda _: httpx.Response(404, json={"title": "Not found"}), lambda: 0.0)
    with pytest.raises(ApiProblem):
        wait(60)


def test_the_command_that_shows_no_change_lets_the_api_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    api = _Api(9)
    answer_with(monkeypatch, api)
    result = tidegate("wait", JOB_ID)
    assert (result.exit_code, result.stdout.split()) == (0, [JOB_ID, "SUCCEEDED", "1"])
    job = f"jobs/{JOB_ID}"
    assert [each for each in api.targets if each.startswith(job)] == [job, f"{job}?fields=slim&wait=20", job]


def test_the_command_that_shows_changes_asks_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    states = ["RUNNING", "SUCCEEDED"]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json=job_json(0, states.pop(0), started=0.0, finished=1.0))

    answer_with(monkeypatch, answer)
    assert tidegate("follow", JOB_ID).exit_code == 0
    assert len(asked) == 2
    assert not any("wait=" in each for each in asked)
