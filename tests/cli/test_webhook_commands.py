"""The commands of `tidegate webhooks`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.harness.cli.samples import client_of
from tidegate_cli import options
from tidegate_cli.commands.root import app

ID = "01JD3V8Q5S2Y6W9K4M7N0P1R2T"
URL = "https://hooks.example.com/in"
WEBHOOK: dict[str, Any] = {
    "id": ID,
    "url": URL,
    "description": None,
    "enabled": False,
    "disabled_reason": "an operator disabled it",
    "events": ["job.ended"],
    "types": [],
    "pools": ["ecs"],
    "states": [],
    "tags": {"team": "data"},
    "last_success_at": None,
}
DELIVERY: dict[str, Any] = {
    "id": ID,
    "event_id": "evt_1",
    "event_type": "job.ended",
    "attempt": 3,
    "at": "2026-12-01T08:00:00.000Z",
    "took_seconds": 0.25,
    "outcome": "given-up",
    "status": 503,
    "fault": None,
}
SECRET = {"webhook": WEBHOOK, "secret": "whsec_MDEy"}
TESTED = {"delivery": DELIVERY, "succeeded": False, "answer": "no", "message": None}
ONE = f"/live/v1/webhooks/{ID}"
NO_FILTERS: dict[str, Any] = {"events": [], "types": [], "pools": [], "states": [], "tags": {}}
Seen = list[tuple[str, str, Any]]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Seen]:
    """Makes commands talk to an API that gives every request the same answer. Returns the list of its requests."""

    def install(answer: Any) -> Seen:
        seen: Seen = []

        def handler(request: httpx.Request) -> httpx.Response:
            body = json.loads(request.content) if request.content else None
            seen.append((request.method, request.url.raw_path.decode(), body))
            return httpx.Response(200, json=answer)

        monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
        monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        return seen

    return install


def tidegate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["webhooks", *arguments])


@pytest.mark.parametrize(
    ("arguments", "answer", "asked"),
    [
        (("list",), {"webhooks": [WEBHOOK]}, ("GET", "/live/v1/webhooks", None)),
        (("get", ID), WEBHOOK, ("GET", ONE, None)),
        (
            ("create", URL),
            SECRET,
            ("POST", "/live/v1/webhooks", {"url": URL, "description": None, **NO_FILTERS}),
        ),
        (
            (
                "create",
                URL,
                "--event",
                "job.ended",
                "--event",
                "worker.lost",
                "--tag",
                "team=data",
                "--state",
                "FAILED",
            ),
            SECRET,
            (
                "POST",
                "/live/v1/webhooks",
                {
                    "url": URL,
                    "description": None,
                    **NO_FILTERS,
                    "events": ["job.ended", "worker.lost"],
                    "states": ["FAILED"],
                    "tags": {"team": "data"},
                },
            ),
        ),
        (
            ("change", ID, "--pool", "none", "--type", "a", "--url", URL, "--description", ""),
            WEBHOOK,
            ("PATCH", ONE, {"url": URL, "description": None, "types": ["a"], "pools": []}),
        ),
        (("remove", ID), WEBHOOK, ("DELETE", ONE, None)),
        (("rotate", ID), SECRET, ("POST", f"{ONE}/rotate", None)),
        (("enable", ID), WEBHOOK, ("POST", f"{ONE}/enable", None)),
        (("disable", ID), WEBHOOK, ("POST", f"{ONE}/disable", None)),
        (("test", ID), TESTED, ("POST", f"{ONE}/test", None)),
    ],
)
def test_each_command_is_one_call_and_prints_the_answer(
    api: Callable[[Any], Seen], arguments: tuple[str, ...], answer: Any, asked: tuple[str, str, Any]
) -> None:
    seen = api(answer)
    result = tidegate(*arguments, "--output", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, answer)
    assert seen == [asked]


def test_deliveries_are_listed_up_to_the_limit(api: Callable[[Any], Seen]) -> None:
    seen = api({"deliveries": [DELIVERY, DELIVERY], "cursor": None})
    result = tidegate("deliveries", ID, "--limit", "1", "--output", "json")
    assert json.loads(result.stdout) == {"deliveries": [DELIVERY]}
    assert seen == [("GET", f"{ONE}/deliveries?limit=1", None)]


def test_webhooks_are_shown_for_people(api: Callable[[Any], Seen]) -> None:
    api({"webhooks": [WEBHOOK]})
    assert "an operator disabled it" in " ".join(tidegate("list").stdout.split())
    api({"webhooks": []})
    assert tidegate("list").stdout == "no webhooks\n"
    api(WEBHOOK)
    assert "team=data" in tidegate("get", ID).stdout
    api(SECRET)
    made = tidegate("create", URL).stdout
    assert "whsec_MDEy" in made
    assert "not shown again" in made
    api(TESTED)
    assert "503" in tidegate("test", ID).stdout
    api({"deliveries": [DELIVERY], "cursor": None})
    assert "given-up" in tidegate("deliveries", ID).stdout
    api({"deliveries": [], "cursor": None})
    assert tidegate("deliveries", ID).stdout == "no deliveries\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("change", ID), "nothing to change"),
        (("get", "x"), "tidegate webhooks list"),
        (("create", URL, "--tag", "team"), "NAME=VALUE"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_sent(
    api: Callable[[Any], Seen], arguments: tuple[str, ...], says: str
) -> None:
    seen = api({})
    result = tidegate(*arguments)
    assert result.exit_code != 0
    assert says in str(result.exception) + result.output
    assert seen == []


def test_a_text_of_the_receiver_can_not_control_the_terminal(api: Callable[[Any], Seen]) -> None:
    api({**TESTED, "answer": "\x1b[2Jx"})
    assert "\x1b" not in tidegate("test", ID).stdout
