"""`tidegate jobs logs`: the lines of an attempt, once or followed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.harness.cli.samples import client_of
from tidegate_cli import options
from tidegate_cli.commands.root import app

JOB = "01JD3V8Q5S2Y6W9K4M7N0P1R2T.3"


@pytest.fixture(autouse=True)
def deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def api(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> Callable[[Sequence[dict[str, Any]]], list[httpx.Request]]:
    """Makes the API answer with one page after the other. Returns the list of its requests."""

    def install(pages: Sequence[dict[str, Any]]) -> list[httpx.Request]:
        seen: list[httpx.Request] = []
        left = list(pages)

        def handler(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, json=left.pop(0))

        monkeypatch.setattr(options, "Client", lambda target: client_of(handler, pauses))
        return seen

    return install


def page(*texts: str, first: int = 1, cursor: str | None = None, **changes: Any) -> dict[str, Any]:
    lines = [
        {"at": "2026-12-01T08:00:00.000Z", "number": number, "text": text}
        for number, text in enumerate(texts, first)
    ]
    given = {"job_id": JOB, "state": "RUNNING", "attempt": 1, "log_group": "g", "log_stream": "s"}
    looked_to = lines[-1]["at"] if lines else None
    return {**given, "lines": lines, "missing": 0, "looked_to": looked_to, "cursor": cursor, **changes}


def tidegate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["jobs", "logs", JOB, *arguments])


def test_lines_are_printed_as_they_are(api: Callable[..., list[httpx.Request]]) -> None:
    seen = api([page("reading", "  done \x1b[31m")])
    result = tidegate("--attempt", "1", "--from", "2026-12-01T08:00:00Z")
    assert (result.exit_code, result.stdout) == (0, "reading\n  done \\x1b[31m\n")
    assert seen[0].url.path == f"/live/v1/jobs/{JOB}/logs"
    assert dict(seen[0].url.params) == {"attempt": "1", "from": "2026-12-01T08:00:00Z", "limit": "1000"}


def test_pages_are_read_until_nothing_more_is_there(
    api: Callable[..., list[httpx.Request]], pauses: list[float]
) -> None:
    seen = api([page("a", cursor="c1"), page("b", first=2, cursor="c2"), page(cursor="c3")])
    assert tidegate().stdout == "a\nb\n"
    assert [request.url.params.get("cursor") for request in seen] == [None, "c1", "c2"]
    assert pauses == []


def test_times_are_shown_on_request(api: Callable[..., list[httpx.Request]]) -> None:
    api([page("a")])
    assert tidegate("--timestamps").stdout == "2026-12-01T08:00:00.000Z a\n"


def test_a_followed_attempt_is_asked_for_once_a_second_until_it_has_ended(
    api: Callable[..., list[httpx.Request]], pauses: list[float]
) -> None:
    waiting = page(cursor="c1", attempt=None, log_stream=None)
    api([waiting, page("a", cursor="c2"), page(cursor="c3"), page("b", first=2)])
    assert tidegate("--follow").stdout == "a\nb\n"
    assert pauses == [1.0, 1.0]


def test_a_followed_attempt_in_json_is_one_object_a_line(api: Callable[..., list[httpx.Request]]) -> None:
    api([page("a", cursor="c1"), page("b", first=2)])
    lines = [json.loads(line) for line in tidegate("--follow", "--output", "json").stdout.splitlines()]
    assert [(line["number"], line["text"]) for line in lines] == [(1, "a"), (2, "b")]


def test_json_is_one_document_with_all_lines(api: Callable[..., list[httpx.Request]]) -> None:
    api([page("a", cursor="c1", missing=2), page("b", first=4)])
    document = json.loads(tidegate("--output", "json").stdout)
    assert ([line["text"] for line in document["lines"]], document["missing"]) == (["a", "b"], 2)


def test_lines_that_are_missing_are_counted_on_standard_error(
    api: Callable[..., list[httpx.Request]],
) -> None:
    api([page("a", missing=1_200)])
    assert tidegate().stderr == "1,200 more lines were printed and are not in the log\n"


def test_a_job_without_an_attempt_is_said(api: Callable[..., list[httpx.Request]]) -> None:
    api([page(attempt=None, log_stream=None, state="PENDING")])
    assert "is PENDING and has had no attempt" in tidegate().stderr


def test_an_attempt_whose_log_is_not_known_is_said(api: Callable[..., list[httpx.Request]]) -> None:
    api([page(log_group=None, log_stream=None)])
    assert "the log of attempt 1 is not known" in tidegate().stderr
