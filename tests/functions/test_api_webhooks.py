"""The routes of webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.harness.domain.webhook_samples import attempt
from tests.harness.functions.api_calls import ANN, NOW, NOW_MS, UNKNOWN_ID, Answer, Api
from tests.harness.outside.staged import FINE, StagedCaller
from tidegate.domain import limits, outside_calls
from tidegate.domain.addresses import Reach
from tidegate.domain.outside_calls import CallFailed, Fault
from tidegate.domain.webhooks import Outcome

URL = "https://hooks.example.com/in"
ALL = "/v1/webhooks"
BODY: dict[str, Any] = {
    "url": URL,
    "description": "for the team",
    "events": ["job.ended", "worker.lost"],
    "types": ["text.count"],
    "pools": ["ecs"],
    "states": ["FAILED", "LOST"],
    "tags": {"team": "data"},
}


class WebhookApi(Api):
    """A deployment that sends webhooks, to a staged receiver."""

    def __init__(self, reach: Reach | None = Reach.PUBLIC) -> None:
        super().__init__()
        self.receiver = StagedCaller()
        self.services = replace(self.services, settings=replace(self.services.settings, webhook_reach=reach))
        self.deps = replace(self.deps, services=self.services, outside=self.receiver)

    def made(self, **changes: object) -> tuple[str, str]:
        """Makes a webhook; returns its path and its secret."""
        answer = self.call("POST", ALL, {"url": URL, **changes})
        assert answer.status == 201, answer.body
        return f"{ALL}/{answer.body['webhook']['id']}", str(answer.body["secret"])


@pytest.fixture
def api() -> WebhookApi:
    return WebhookApi()


def test_a_webhook_is_made_shown_and_removed(api: WebhookApi) -> None:
    made = api.call("POST", ALL, BODY)
    webhook = made.body["webhook"]
    path = f"{ALL}/{webhook['id']}"
    assert (made.status, made.headers["Location"]) == (201, path)
    assert webhook == {
        **BODY,
        "id": webhook["id"],
        "enabled": True,
        "disabled_reason": None,
        "last_success_at": None,
        "old_secret_until": None,
        "created_by": ANN,
        "created_at": NOW,
        "changed_by": ANN,
        "changed_at": NOW,
    }
    assert api.call("GET", path).body == webhook
    assert api.call("GET", ALL).body == {"webhooks": [webhook]}
    assert api.call("DELETE", path).body == webhook
    assert [api.call(method, path).status for method in ("GET", "DELETE")] == [404, 404]
    assert api.call("GET", ALL).body == {"webhooks": []}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_filters_that_no_event_could_ever_pass_are_refused(api: WebhookApi, method: str) -> None:
    path, _ = api.made()
    filters = {"events": ["workflow.ended"], "states": ["TIMED_OUT"]}
    answer = (
        api.call("POST", ALL, {"url": URL, **filters})
        if method == "POST"
        else api.call(method, path, filters)
    )
    assert answer.status == 422
    (violation,) = answer.body["errors"]
    assert violation["field"] == "states"
    assert "workflow.ended" in violation["message"]
    assert len(api.call("GET", ALL).body["webhooks"]) == 1


def test_without_filters_a_webhook_wants_every_event(api: WebhookApi) -> None:
    path, _ = api.made()
    assert len(api.call("GET", path).body["events"]) == 4
    api.call("PATCH", path, {"events": ["job.ended"]})
    assert api.call("PATCH", path, {"events": []}).body["events"] == [
        "deadline.at-risk",
        "job.ended",
        "worker.lost",
        "workflow.ended",
    ]


def test_the_secret_is_shown_once_and_stands_nowhere_else(api: WebhookApi) -> None:
    path, secret = api.made()
    rotated = str(api.call("POST", f"{path}/rotate").body["secret"])
    api.call("PATCH", path, {"description": "new"})
    api.call("POST", f"{path}/test")
    assert secret.startswith("whsec_")
    assert rotated not in ("", secret)
    routes = (path, ALL, f"{path}/deliveries", "/v1/audit")
    shown = json.dumps([api.call("GET", route).body for route in routes]) + str(api.world.acts)
    assert "whsec_" not in shown
    assert secret.removeprefix("whsec_") not in shown


def test_a_repeated_request_makes_no_second_webhook(api: WebhookApi) -> None:
    first = api.call("POST", ALL, BODY, key="k")
    again = api.call("POST", ALL, BODY, key="k")
    assert (again.status, again.body) == (201, first.body)
    assert len(api.call("GET", ALL).body["webhooks"]) == 1
    other = api.call("POST", ALL, {**BODY, "pools": []}, key="k")
    assert (other.status, other.body["type"]) == (409, "urn:tidegate:problem:idempotency-conflict")
    webhook_id = first.body["webhook"]["id"]
    assert f"the webhook {webhook_id}, which differs" in other.body["detail"]
    api.call("PATCH", f"{ALL}/{webhook_id}", {"description": None})
    changed = api.call("POST", ALL, BODY, key="k")
    assert changed.status == 409, "the same body, but another webhook than then"
    assert f"the webhook {webhook_id}, which was changed since" in changed.body["detail"]


def test_a_repeated_rotation_keeps_the_secret_that_the_receiver_knows(api: WebhookApi) -> None:
    path, known = api.made()
    first = api.call("POST", f"{path}/rotate", key="k")
    assert api.call("POST", f"{path}/rotate", key="k").body == first.body
    assert first.body["webhook"]["old_secret_until"] == "2026-12-02T08:00:00.000Z"
    (stored,) = api.world.webhooks.values()
    assert [each.text for each in stored.secrets] == [first.body["secret"], known]
    assert api.call("POST", f"{path}/rotate", key="l").body["secret"] != first.body["secret"]


def test_a_rotation_that_is_repeated_after_another_one_takes_no_further_secret(api: WebhookApi) -> None:
    path, _ = api.made()
    lost = api.call("POST", f"{path}/rotate", key="k").body["secret"]
    other = api.call("POST", f"{path}/rotate", key="l").body["secret"]
    again = api.call("POST", f"{path}/rotate", key="k")
    (stored,) = api.world.webhooks.values()
    assert [each.text for each in stored.secrets] == [other, lost], "both still sign"
    assert (again.status, again.body["secret"]) == (200, lost), "a repeated request returns the first answer"


def test_a_change_replaces_what_it_names_alone(api: WebhookApi) -> None:
    path, _ = api.made(**BODY)
    changed = api.call("PATCH", path, {"pools": [], "description": None, "tags": {"a": "b"}}).body
    assert (changed["pools"], changed["description"], changed["tags"]) == ([], None, {"a": "b"})
    assert (changed["types"], changed["states"]) == (["text.count"], ["FAILED", "LOST"])
    moved = api.call("PATCH", path, {"url": "https://other.example.com"}).body
    assert moved["url"] == "https://other.example.com"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": ""}, "url"),
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "https://a:b@hooks.example.com/"}, "url"),
        ({"url": "https://hooks.example.com:8443/"}, "url"),
        ({"url": "https://hooks.example.com/" + "a" * 2_048}, "url"),
        ({"url": 5}, "url"),
        ({"url": URL, "events": ["job.began"]}, "events[0]"),
        ({"url": URL, "events": "job.ended"}, "events"),
        ({"url": URL, "types": [str(n) for n in range(21)]}, "types"),
        ({"url": URL, "pools": [""]}, "pools[0]"),
        ({"url": URL, "states": ["GONE"]}, "states[0]"),
        ({"url": URL, "tags": {"a": 1}}, "tags.a"),
        ({"url": URL, "description": "\x1b"}, "description"),
        ({"url": URL, "secret": "whsec_"}, "secret"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_stored(
    api: WebhookApi, body: Mapping[str, object], field: str
) -> None:
    answer = api.call("POST", ALL, body)
    assert (answer.status, answer.fields) == (422, [field])
    assert not api.world.webhooks
    path, _ = api.made()
    before = dict(api.world.webhooks)
    if body:
        answer = api.call("PATCH", path, body)
        assert answer.status == 422
        assert api.world.webhooks == before


def test_a_change_names_at_least_one_field(api: WebhookApi) -> None:
    path, _ = api.made()
    assert api.call("PATCH", path, {}).status == 422
    assert api.call("PATCH", path).status == 400
    assert api.call("POST", ALL).status == 400


def test_there_are_only_so_many_webhooks(api: WebhookApi) -> None:
    for _ in range(limits.MAX_WEBHOOKS):
        api.made()
    answer = api.call("POST", ALL, {"url": URL})
    assert answer.status == 422
    assert "remove one first" in answer.body["detail"]


def test_a_deployment_without_webhooks_makes_and_enables_none(api: WebhookApi) -> None:
    none = WebhookApi(reach=None)
    answer = none.call("POST", ALL, {"url": URL})
    assert answer.status == 422
    assert "Webhooks=true" in answer.body["detail"]
    path, _ = api.made()
    none.world.webhooks.update(api.world.webhooks)
    assert [none.call("POST", f"{path}/{act}").status for act in ("enable", "test")] == [422, 422]
    assert [none.call("GET", each).status for each in (ALL, path)] == [200, 200]
    assert none.call("DELETE", path).status == 200
    assert none.receiver.calls == []


def test_the_local_stack_takes_any_address() -> None:
    local = WebhookApi(Reach.ANY)
    assert local.call("POST", ALL, {"url": "https://127.0.0.1:8443/in"}).status == 201
    assert local.call("POST", ALL, {"url": "http://127.0.0.1:8443/in"}).status == 422


def test_a_webhook_is_disabled_and_enabled_again(api: WebhookApi) -> None:
    path, _ = api.made()
    disabled = api.call("POST", f"{path}/disable").body
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "an operator disabled it")
    enabled = api.call("POST", f"{path}/enable").body
    assert (enabled["enabled"], enabled["disabled_reason"]) == (True, None)
    acts = [(act.act, act.before.get("enabled"), act.after.get("enabled")) for act in api.world.acts.values()]
    assert acts[1:] == [("webhook.disable", True, False), ("webhook.enable", False, True)]


def test_the_audit_trail_keeps_the_host_and_never_the_path(api: WebhookApi) -> None:
    path, _ = api.made(url="https://hooks.example.com/services/T0/B0/confidential")
    api.call("PATCH", path, {"url": "https://other.example.com/confidential"})
    assert "confidential" not in str(api.world.acts)
    last = list(api.world.acts.values())[-1]
    assert (last.before["host"], last.after["host"]) == ("hooks.example.com", "other.example.com")
    assert last.subject == f"webhook#{path.rpartition('/')[2]}"


def test_a_test_delivery_says_what_the_receiver_answered(api: WebhookApi) -> None:
    path, _ = api.made()
    api.receiver.says = [outside_calls.Answer(200, b"th\x1banks \xff")]
    answer = api.call("POST", f"{path}/test")
    assert (answer.status, answer.body["succeeded"], answer.body["message"]) == (200, True, None)
    assert answer.body["answer"] == "th?anks \ufffd"
    delivery = answer.body["delivery"]
    assert (delivery["event_type"], delivery["status"], delivery["outcome"]) == (
        "webhook.test",
        200,
        "tested",
    )
    ((url, headers, sent),) = api.receiver.calls
    assert url == URL
    assert headers["webhook-id"] == delivery["event_id"]
    assert json.loads(sent)["type"] == "webhook.test"
    assert api.call("GET", f"{path}/deliveries").body["deliveries"] == [delivery]


def test_a_test_delivery_without_an_answer_says_why(api: WebhookApi) -> None:
    path, _ = api.made()
    api.receiver.says = [CallFailed(Fault.NO_TRUST, "its certificate is not trusted")]
    answer = api.call("POST", f"{path}/test").body
    assert (answer["succeeded"], answer["answer"]) == (False, None)
    assert answer["message"] == "its certificate is not trusted"
    assert (answer["delivery"]["fault"], answer["delivery"]["status"]) == ("no-trust", None)


def test_a_disabled_webhook_can_be_tested(api: WebhookApi) -> None:
    path, _ = api.made()
    api.call("POST", f"{path}/disable")
    api.receiver.says = [FINE]
    assert api.call("POST", f"{path}/test").body["succeeded"]
    assert not api.call("GET", path).body["enabled"]


def _pages(api: Api, path: str, limit: int) -> list[int]:
    found: list[int] = []
    cursor: str | None = None
    for _ in range(20):
        query = {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
        page: Answer = api.call("GET", f"{path}/deliveries", query=query)
        assert page.status == 200, page.body
        found += [each["attempt"] for each in page.body["deliveries"]]
        cursor = page.body["cursor"]
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_deliveries_come_in_pages_latest_first(api: WebhookApi, limit: int) -> None:
    path, _ = api.made()
    for number in range(1, 8):
        logged = attempt(number, path.rpartition("/")[2], outcome=Outcome.RETRIED, at_ms=NOW_MS)
        api.services.webhooks.log(logged)
    assert _pages(api, path, limit) == [7, 6, 5, 4, 3, 2, 1]


def test_a_cursor_of_something_else_is_refused(api: WebhookApi) -> None:
    path, _ = api.made()
    answer = api.call("GET", f"{path}/deliveries", query={"cursor": "abc"})
    assert (answer.status, answer.fields) == (422, ["cursor"])


@pytest.mark.parametrize("name", [UNKNOWN_ID, "x", "a" * 300, "%2e%2e"])
def test_an_unknown_webhook_is_not_found(api: WebhookApi, name: str) -> None:
    path = f"{ALL}/{name}"
    calls: list[tuple[str, str, object]] = [("GET", path, None), ("PATCH", path, {"description": "x"})]
    calls += [("DELETE", path, None), ("GET", f"{path}/deliveries", None)]
    calls += [("POST", f"{path}/{act}", None) for act in ("rotate", "enable", "disable", "test")]
    assert [api.call(*each).status for each in calls] == [404] * len(calls)
    assert api.receiver.calls == []
