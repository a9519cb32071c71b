"""The audit trail at its edges: subjects that name nothing, times that have not come, and acts on one thing."""

from __future__ import annotations

import base64
import zlib

import pytest

from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.submissions import MemorySubmissionStore
from tests.harness.functions.api_calls import Api
from tidegate.domain.audit import Act
from tidegate.usecases.read import cursors

ROLE = "arn:aws:iam::123456789012:role/Nightly"
SESSION = "arn:aws:sts::123456789012:assumed-role/Nightly/run-1"
LONG_USER = f"arn:aws:iam::123456789012:user/{'team/' * 100}ben"


@pytest.fixture
def api() -> Api:
    return Api()


def last_act(api: Api) -> Act:
    return api.world.acts[max(api.world.acts)]


def acts(api: Api, **query: str) -> list[str]:
    answer = api.call("GET", "/v1/audit", query=query)
    assert answer.status == 200, answer.body
    return [act["act"] for act in answer.body["acts"]]


@pytest.mark.parametrize("subject", ["job#", "workflow#", "job", "#"])
def test_a_subject_without_a_name_has_no_act(api: Api, monkeypatch: pytest.MonkeyPatch, subject: str) -> None:
    def refused(_store: object, _key: str, **_options: object) -> None:
        raise AssertionError("DynamoDB refuses a key that is empty")

    monkeypatch.setattr(MemoryJobStore, "get", refused)
    monkeypatch.setattr(MemorySubmissionStore, "get", refused)
    assert acts(api, subject=subject) == []


def test_days_that_have_not_come_are_not_looked_at(api: Api) -> None:
    api.call("POST", "/v1/pools/ecs/pause")
    assert acts(api, to="9999-12-31T23:59:59Z") == ["pool.pause"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "9999-12-31T23:59:58Z", "to": "9999-12-31T23:59:59Z"}, "from"),
        ({"to": "1970-01-01T00:00:00Z"}, "to"),
    ],
)
def test_a_range_that_holds_no_act_is_refused_by_the_field_s_name(
    api: Api, query: dict[str, str], field: str
) -> None:
    answer = api.call("GET", "/v1/audit", query=query)
    assert (answer.status, answer.fields) == (422, [field])


@pytest.mark.parametrize("place", ["Z" * 26, "Z" * 10, "7" + "Z" * 25])
def test_a_cursor_of_a_time_that_has_not_come_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The mark of the request is no secret, so anybody can make such a cursor."""
    for _ in range(2):
        api.call("POST", "/v1/pools/ecs/pause")
    answer = api.call("GET", "/v1/audit", query={"limit": "1"})
    given = base64.urlsafe_b64decode(answer.body["cursor"] + "=" * (-len(answer.body["cursor"]) % 4))
    mark, _ = cursors.read_short(zlib.decompress(given[6:]).decode())
    forged = given[:6] + zlib.compress(cursors.short([mark, place]).encode())
    cursor = base64.urlsafe_b64encode(forged).decode().rstrip("=")
    answer = api.call("GET", "/v1/audit", query={"cursor": cursor})
    assert (answer.status, answer.fields) == (422, ["cursor"])


def test_acts_on_a_grant_have_one_subject_however_its_caller_was_named(api: Api) -> None:
    for name in (ROLE, SESSION, "arn:aws:iam::123456789012:role/team/Nightly"):
        assert api.call("PUT", "/v1/grants", {}, query={"namespace": name}).status == 200
    api.call("DELETE", "/v1/grants", query={"namespace": SESSION})
    assert acts(api, subject=f"grant#{ROLE}") == ["grant.remove", "grant.set", "grant.set", "grant.set"]


def test_acts_on_a_caller_with_a_long_name_are_found_by_it(api: Api) -> None:
    assert api.call("PUT", "/v1/grants", {}, query={"namespace": LONG_USER}).status == 200
    assert acts(api, subject=f"grant#{LONG_USER}") == ["grant.set"]


def test_a_long_subject_fits_a_key(api: Api) -> None:
    assert api.call("POST", f"/v1/pools/{'語' * 2_000}/pause").status == 404
    assert 600 < len(last_act(api).subject.encode()) <= 2_048


def test_a_grant_is_recorded_as_it_was_and_as_it_is(api: Api) -> None:
    api.call("PUT", "/v1/grants", {"namespaces": ["b", "a"]}, query={"namespace": ROLE})
    assert (last_act(api).before, last_act(api).after) == ({}, {"role": "client", "namespaces": "a b"})
    api.call("PUT", "/v1/grants", {"role": "operator"}, query={"namespace": ROLE})
    assert last_act(api).before == {"role": "client", "namespaces": "a b"}
    assert last_act(api).after == {"role": "operator", "namespaces": ""}


def test_a_share_is_recorded_as_it_was_and_as_it_is(api: Api) -> None:
    api.call("PUT", "/v1/pools/ecs/shares/data", {"weight": 2, "max_waiting": 5})
    assert last_act(api).before == {}
    api.call("PUT", "/v1/pools/ecs/shares/data", {"weight": 3})
    assert last_act(api).before == {"weight": 2, "max_priority": None, "max_waiting": 5}
    assert last_act(api).after == {"weight": 3, "max_priority": None, "max_waiting": None}
