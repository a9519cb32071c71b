"""Retries, errors, pages, waits and follows, in both clients over a transport of the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

import tidegate_client as tg

JOB = {
    "job_id": "01JD3V8Q5S2Y6W9K4M7N0P1R2T", "type": "text.count", "state": "READY", "priority": 500, "pool": "ecs",
    "critical_path_boost": 0, "attempt": 0, "tries": 0, "worker_losses": 0, "reopened": 0, "waiting_on_count": 0,
    "timeout_seconds": 60, "max_retries": 3, "retry": {"backoff_seconds": 1, "max_backoff_seconds": 2},
}  # fmt: skip
Step = tuple[int, Any] | tuple[int, Any, dict[str, str]] | Exception


class Server:
    """Answers one step after the other, and keeps the requests and the pauses."""

    def __init__(self, steps: Sequence[Step], *, takes: Sequence[float] = ()) -> None:
        """`takes` are the seconds that the first answers take."""
        self._takes = list(takes)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.time = 0.0
        self._steps = list(steps)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.time += self._takes.pop(0) if self._takes else 0
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        status, body, headers = step if len(step) == 3 else (*step, {})
        return httpx.Response(status, json=body, headers=headers)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    async def async_sleep(self, seconds: float) -> None:
        self.sleep(seconds)

    @property
    def targets(self) -> list[str]:
        return [request.url.raw_path.decode() for request in self.requests]

    def client(self, **options: Any) -> tg.Client:
        transport = httpx.MockTransport(self)
        return tg.Client(
            "https://api.test/", transport=transport, sleep=self.sleep, chance=lambda: 1.0,
            now=lambda: self.time, **options,
        )  # fmt: skip

    def async_client(self, **options: Any) -> tg.AsyncClient:
        transport = httpx.MockTransport(self)
        return tg.AsyncClient(
            "https://api.test/", transport=transport, sleep=self.async_sleep, chance=lambda: 1.0,
            now=lambda: self.time, **options,
        )  # fmt: skip


def _job(state: str, **more: Any) -> dict[str, Any]:
    return {**JOB, "state": state, **more}


def test_a_submission_is_repeated_with_one_key() -> None:
    server = Server([httpx.ConnectError("refused"), (503, {}), (201, {"job_id": "J"})])
    with server.client() as client:
        accepted = client.submit_job({"type": "text.count"})
    keys = [request.headers["idempotency-key"] for request in server.requests]
    assert keys == [accepted.idempotency_key] * 3
    assert accepted.id == "J"
    assert server.pauses == [0.4, 0.8]


def test_retries_are_bounded_and_heed_retry_after() -> None:
    server = Server(
        [(429, {"title": "slow", "type": "urn:tidegate:problem:too-many"}, {"retry-after": "3"})] * 2
    )
    with (
        server.client(retries=tg.RetryPolicy(tries=2)) as client,
        pytest.raises(tg.TooManyRequests) as raised,
    ):
        client.get_job("J")
    assert server.pauses == [3.0]
    assert raised.value.code == "too-many"


def test_a_retry_after_is_bounded_too() -> None:
    server = Server([(503, {}, {"retry-after": "3600"}), (200, JOB)])
    with server.client() as client:
        client.get_job("J")
    assert server.pauses == [5.0]


def test_the_reason_of_a_repeat_is_told() -> None:
    told: list[tuple[str, str]] = []
    server = Server([(502, {}), (200, JOB)])
    with server.client(on_repeat=lambda request, answer: told.append((request.method, answer.why))) as client:
        client.get_job("J")
    assert told == [("GET", "the API answered 502")]


def test_an_api_that_never_answers_is_unreachable() -> None:
    server = Server([httpx.ReadTimeout("late")] * 5)
    with server.client() as client, pytest.raises(tg.Unreachable, match="late"):
        client.health()
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "malformed-body", tg.InvalidRequest),
        (403, "forbidden", tg.Forbidden),
        (404, "not-found", tg.NotFound),
        (409, "already-ended", tg.Conflict),
        (409, "idempotency-conflict", tg.IdempotencyConflict),
        (409, "only-a-newer-api-has-this", tg.Conflict),
        (418, "", tg.ApiError),
        (500, "internal", tg.ServerError),
    ],
)
def test_a_refusal_is_an_error_of_its_kind(status: int, code: str, kind: type[tg.ApiError]) -> None:
    problem = {"type": f"urn:tidegate:problem:{code}" if code else "", "title": "No", "status": status}
    with Server([(status, problem)]).client() as client, pytest.raises(tg.ApiError) as raised:
        client.get_job("J")
    assert type(raised.value) is kind
    assert raised.value.code == (code or f"http-{status}")
    assert isinstance(raised.value, tg.ClientError)


def test_wrong_fields_are_named() -> None:
    problem = {"title": "Invalid", "errors": [{"field": "priority", "message": "must be at most 1000"}]}
    with Server([(422, problem)]).client() as client, pytest.raises(tg.InvalidRequest) as raised:
        client.submit_job({"type": "x", "priority": 5000})
    assert raised.value.faults == (tg.FieldFault("priority", "must be at most 1000"),)
    assert "priority: must be at most 1000" in str(raised.value)


@pytest.mark.parametrize("body", [[], "text", {"job_id": 5}])
def test_an_answer_of_another_service_is_named(body: Any) -> None:
    with Server([(200, body)]).client() as client, pytest.raises(tg.UnexpectedAnswer):
        client.get_job("J")


def test_a_newer_api_is_no_error() -> None:
    with Server([(200, _job("PARKED", colour="blue"))]).client() as client:
        job = client.get_job("J")
    assert job.state == "PARKED"
    assert job.model_extra == {"colour": "blue"}
    assert not job.has_ended


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_an_id_can_not_name_another_path(part: str) -> None:
    with Server([]).client() as client, pytest.raises(tg.InvalidArgument):
        client.get_job(part)


def test_an_id_is_encoded_as_one_part() -> None:
    server = Server([(200, JOB)])
    with server.client() as client:
        client.get_job("a/b?c")
    assert server.targets == ["/v1/jobs/a%2Fb%3Fc"]


@pytest.mark.parametrize("key", ["", " a", "ü", "a" * 129, "a\nb"])
def test_a_key_that_no_header_can_hold_is_refused(key: str) -> None:
    with Server([]).client() as client, pytest.raises(tg.InvalidArgument):
        client.submit_job({}, idempotency_key=key)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}])
def test_a_body_that_is_no_json_is_refused(value: Any) -> None:
    with Server([]).client() as client, pytest.raises(tg.InvalidArgument, match="JSON"):
        client.submit_job({"parameters": {"x": value}})


def test_a_body_that_can_not_reach_the_api_is_refused() -> None:
    body = {"parameters": {"text": '"' * 2_000_000}}  # 4 MB on the wire, 8 MB where it is read
    with Server([]).client() as client, pytest.raises(tg.InvalidArgument, match="several workflows"):
        client.submit_job(body)


def test_a_list_is_read_as_it_is_iterated() -> None:
    server = Server([(200, {"jobs": [JOB], "cursor": "a b"}), (200, {"jobs": [], "cursor": "c"})])
    with server.client() as client:
        jobs = client.list_jobs(state="READY", tag=["team=data", "x=y"], overdue=True, page_size=1)
        assert server.requests == []
        found = iter(jobs)
        assert next(found).state == tg.State.READY
    first = "/v1/jobs?state=READY&tag=team%3Ddata&tag=x%3Dy&overdue=true&limit=1"
    assert server.targets == [first]
    with server.client() as client:
        assert client.list_jobs().page("a b").items == ()
    assert server.targets[1:] == ["/v1/jobs?cursor=a%20b"]


def test_pages_end_with_the_last_cursor() -> None:
    pages: list[Step] = [(200, {"jobs": [], "cursor": "b"}), (200, {"jobs": [JOB, JOB], "cursor": None})]
    with Server(pages).client() as client:
        assert len(list(client.list_jobs())) == 2


def test_a_bearer_token_is_asked_for_each_request() -> None:
    tokens = iter(["one", "two"])
    server = Server([(503, {}), (200, JOB)])
    with server.client(auth=tg.Bearer(lambda: next(tokens))) as client:
        client.get_job("J")
    assert [each.headers["authorization"] for each in server.requests] == ["Bearer one", "Bearer two"]


def test_a_wait_polls_slower_and_slower_where_the_api_does_not_wait() -> None:
    running = _job("RUNNING")
    server = Server([(200, running)] * 4 + [(200, _job("SUCCEEDED")), (200, _job("SUCCEEDED", result=7))])
    with server.client() as client:
        assert client.wait_job("J", polling=tg.Polling(1, 3)).result == 7
    assert server.pauses == [1, 1, 2, 3]
    assert server.targets[0] == "/v1/jobs/J?fields=slim&wait=20"
    assert server.targets[1:5] == ["/v1/jobs/J?fields=slim"] * 4
    assert server.targets[-1] == "/v1/jobs/J"


def test_the_api_waits_where_it_does() -> None:
    """A job of 47 s costs four calls."""
    running, done = (200, _job("RUNNING")), (200, _job("SUCCEEDED", result=7))
    server = Server([running, running, done, done], takes=[20.1, 19.9, 7])
    with server.client() as client:
        assert client.wait_job("J").result == 7
    assert server.pauses == []
    assert server.targets == [*["/v1/jobs/J?fields=slim&wait=20"] * 3, "/v1/jobs/J"]


def test_a_workflow_that_the_api_waited_for_is_read_once() -> None:
    page = {
        "workflow_id": "W",
        "job_count": 1,
        "jobs": [],
        "cursor": None,
        "created_at": "2026-12-01T00:00:00Z",
    }
    ended = {"state": "SUCCEEDED", "ended_at": "2026-12-01T00:00:09Z"}
    server = Server([(200, {**page, **ended}), _states("3", states="SSS", **ended)], takes=[9])
    with server.client() as client:
        assert client.wait_workflow("W").has_ended
    assert server.targets == ["/v1/workflows/W?limit=1&wait=20", "/v1/workflows/W/states"]


def test_an_api_that_knows_no_wait_is_polled() -> None:
    refused = {"title": "invalid", "errors": [{"field": "wait", "message": "is no query parameter here"}]}
    server = Server([(422, refused), (200, _job("SUCCEEDED")), (200, _job("SUCCEEDED", result=7))])
    with server.client() as client:
        assert client.wait_job("J").result == 7
    assert server.targets[1] == "/v1/jobs/J?fields=slim"


def test_another_refusal_of_a_wait_is_told() -> None:
    refused = {"title": "invalid", "errors": [{"field": "fields", "message": "is wrong"}]}
    with Server([(422, refused)]).client() as client, pytest.raises(tg.InvalidRequest, match="is wrong"):
        client.wait_job("J")


@pytest.mark.parametrize(
    ("timeout_seconds", "wait"), [(35, "wait=20"), (29, "wait=20"), (25.5, "wait=16"), (10, "wait=1")]
)
def test_an_answer_comes_within_the_bound_of_its_request(timeout_seconds: float, wait: str) -> None:
    server = Server([(200, _job("SUCCEEDED"))] * 2)
    with server.client(timeout_seconds=timeout_seconds) as client:
        client.wait_job("J")
    assert server.targets[0].endswith(wait)


def test_a_client_with_short_requests_asks_for_no_wait() -> None:
    server = Server([(200, _job("SUCCEEDED"))] * 2)
    with server.client(timeout_seconds=9.9) as client:
        client.wait_job("J")
    assert server.targets[0] == "/v1/jobs/J?fields=slim"


def test_the_api_waits_no_longer_than_the_caller() -> None:
    server = Server([(200, _job("RUNNING"))] * 3, takes=[20, 5.5])
    with server.client() as client, pytest.raises(tg.StillRunning):
        client.wait_job("J", timeout_seconds=25.5)
    assert server.targets == [f"/v1/jobs/J?fields=slim{wait}" for wait in ("&wait=20", "&wait=5", "")]
    assert server.pauses == []


def test_a_wait_is_bounded() -> None:
    server = Server([(200, _job("RUNNING"))] * 9)
    with server.client() as client, pytest.raises(tg.StillRunning) as raised:
        client.wait_job("J", timeout_seconds=5, polling=tg.Polling(1, 3))
    assert sum(server.pauses) == 5
    assert isinstance(raised.value.last, object)


def test_a_follow_gives_each_change_once() -> None:
    states = ["READY", "READY", "RUNNING", "RUNNING", "FAILED", "FAILED"]
    with Server([(200, _job(state)) for state in states]).client() as client:
        assert [job.state for job in client.follow_job("J")] == ["READY", "RUNNING", "FAILED"]


def _states(version: str, **more: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"state": "RUNNING", "workflow_id": "W", "job_count": 3, "version": version, **more}


def test_a_workflow_is_followed_by_its_changes() -> None:
    server = Server(
        [
            _states("1", states="PPR"),
            _states("1", states=None, changes={}),
            _states("2", states=None, changes={"A": [2], "R": [0]}),
            _states("3", states="SSS", state="SUCCEEDED", ended_at="2026-12-01T00:00:00Z"),
        ]
    )
    with server.client() as client:
        seen = list(client.follow_workflow("W"))
    assert [change.changed for change in seen] == [(0, 1, 2), (0, 2), (0, 1, 2)]
    assert seen[1].states == ("READY", "PENDING", "RUNNING")
    assert seen[-1].has_ended
    assert server.targets[1:] == [f"/v1/workflows/W/states?since={each}" for each in ("1", "1", "2")]


def test_logs_are_followed_until_the_attempt_has_ended() -> None:
    def page(lines: Sequence[int], cursor: str | None) -> Step:
        texts = [{"at": None, "number": each, "text": str(each)} for each in lines]
        return 200, {"job_id": "J", "state": "RUNNING", "lines": texts, "missing": 0, "cursor": cursor}

    server = Server([page([], "a"), page([1, 2], "b"), page([], "b"), page([3], None)])
    with server.client() as client:
        numbers = [line.number for page in client.follow_logs("J") for line in page.lines]
    assert numbers == [1, 2, 3]
    assert server.pauses == [0.5, 0.5]


def _run(use: Callable[[tg.AsyncClient], Any], server: Server) -> Any:
    async def main() -> Any:
        async with server.async_client() as client:
            return await use(client)

    return asyncio.run(main())


def test_the_async_client_retries_pages_waits_and_follows_alike() -> None:
    async def use(client: tg.AsyncClient) -> list[Any]:
        accepted = await client.submit_job({"type": "text.count"})
        listed = [job.state async for job in client.list_jobs()]
        followed = [job.state async for job in client.follow_job("J")]
        done = await client.wait_job("J")
        page = await client.list_jobs().page()
        return [accepted.id, listed, followed, done.result, page.cursor]

    server = Server(
        [
            (503, {}), (201, {"job_id": "J"}),
            (200, {"jobs": [JOB], "cursor": "x"}), (200, {"jobs": [JOB], "cursor": None}),
            (200, _job("RUNNING")), (200, _job("FAILED")), (200, _job("FAILED")),
            (200, _job("SUCCEEDED")), (200, _job("SUCCEEDED", result=[1])),
            (200, {"jobs": [], "cursor": "y"}),
        ]
    )  # fmt: skip
    assert _run(use, server) == ["J", ["READY", "READY"], ["RUNNING", "FAILED"], [1], "y"]


def test_the_async_client_raises_the_same_errors() -> None:
    async def use(client: tg.AsyncClient) -> None:
        await client.get_job("J")

    with pytest.raises(tg.Unreachable):
        _run(use, Server([httpx.ConnectError("no")] * 5))
    with pytest.raises(tg.NotFound):
        _run(use, Server([(404, {})]))


def test_raw_answers_come_as_they_are() -> None:
    from tidegate_client.operations.jobs import get_job

    with Server([(200, _job("READY", colour="blue"))]).client() as client:
        assert client.raw(get_job("J")) == _job("READY", colour="blue")


def test_a_built_workflow_is_sent() -> None:
    with tg.Workflow("nightly") as nightly:
        nightly.job("text.count")
    server = Server([(201, {"workflow_id": "W", "job_ids": {"text.count": "W.0"}})])
    with server.client() as client:
        accepted = client.submit_workflow(nightly, idempotency_key="k")
    assert json.loads(server.requests[0].content) == nightly.as_json()
    assert accepted.job_ids == {"text.count": "W.0"}
