"""The routes of shares, and submissions that name one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.harness.functions.api_calls import ANN, NOW, Api

BEN = "arn:aws:iam::123456789012:user/ben"
PATH = "/v1/pools/ecs/shares/data"
NOOP = {"type": "tidegate.noop", "pool": "ecs"}


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_share_is_set_shown_and_removed(api: Api) -> None:
    put = api.call("PUT", PATH, {"weight": 3, "max_priority": 500, "max_waiting": 2})
    share = {
        "pool": "ecs", "share": "data", "weight": 3, "max_priority": 500, "max_waiting": 2, "by": ANN, "at": NOW,
    }  # fmt: skip
    assert (put.status, put.body) == (200, share)
    assert api.call("GET", PATH).body == share
    assert api.call("GET", "/v1/pools/ecs/shares").body == {"shares": [share]}
    assert api.call("GET", "/v1/pools/lambda/shares").body == {"shares": []}
    assert api.call("DELETE", PATH).body == share
    assert [api.call(method, PATH).status for method in ("GET", "DELETE")] == [404, 404]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"weight": 0}, "weight"),
        ({"weight": 1_001}, "weight"),
        ({"max_priority": 0}, "max_priority"),
        ({"max_waiting": 1_001}, "max_waiting"),
        ({"max_waiting": 0}, "max_waiting"),
        ({"max_wait": 1}, "max_wait"),
    ],
)
def test_a_wrong_field_is_named(api: Api, body: Mapping[str, object], field: str) -> None:
    answer = api.call("PUT", PATH, body)
    assert (answer.status, answer.fields) == (422, [field])
    assert not api.world.lanes


def test_what_can_be_no_share_is_not_found(api: Api) -> None:
    assert api.call("PUT", "/v1/pools/ecs/shares/a b", {"weight": 1}).status == 404
    assert api.call("PUT", "/v1/pools/none/shares/a", {"weight": 1}).status == 404


@pytest.mark.parametrize("share", ["data", {"name": "data"}])
def test_a_client_names_a_share_by_a_text_or_an_object(api: Api, share: object) -> None:
    unknown = api.call("POST", "/v1/jobs", {**NOOP, "share": share}, arn=BEN)
    assert (unknown.status, unknown.fields) == (422, ["share"])
    api.call("PUT", PATH, {"weight": 3})
    made = api.call("POST", "/v1/jobs", {**NOOP, "share": share}, arn=BEN)
    assert made.status == 201
    assert api.job(made.body["job_id"]).share == "data"


def test_a_weight_of_a_client_is_refused_with_its_field(api: Api) -> None:
    api.call("PUT", PATH, {"weight": 3})
    answer = api.call("POST", "/v1/jobs", {**NOOP, "share": {"name": "data", "weight": 9}}, arn=BEN)
    assert (answer.status, answer.fields) == (422, ["share.weight"])


def test_a_full_share_answers_429(api: Api) -> None:
    api.call("PUT", PATH, {"max_waiting": 1})
    assert api.call("POST", "/v1/jobs", {**NOOP, "share": "data"}, arn=BEN).status == 201
    answer = api.call("POST", "/v1/jobs", {**NOOP, "share": "data"}, arn=BEN)
    assert (answer.status, answer.body["type"]) == (429, "urn:tidegate:problem:share-full")
    assert len(api.world.jobs) == 1


@pytest.mark.parametrize("share", ["", "a b", 7, ["data"], {"name": "a b"}])
def test_what_can_be_no_share_is_refused(api: Api, share: object) -> None:
    answer = api.call("POST", "/v1/jobs", {**NOOP, "share": share})
    assert answer.status == 422
    assert answer.fields[0].startswith("share")


def test_no_change_gives_a_job_a_higher_priority_than_its_share_allows(api: Api) -> None:
    api.call("PUT", PATH, {"max_priority": 500})
    job_id = api.call("POST", "/v1/jobs", {**NOOP, "share": "data"}).body["job_id"]
    refused = api.call("PATCH", f"/v1/jobs/{job_id}", {"priority": 501})
    assert (refused.status, refused.fields) == (422, ["priority"])
    bulk = {"filter": {"state": "READY"}, "priority": 501}
    for dry_run in (True, False):
        told = api.call("POST", "/v1/jobs/reprioritise", {**bulk, "dry_run": dry_run}).body["jobs"]
        assert [(each["job_id"], each["outcome"]) for each in told] == [(job_id, "LEFT")]
    assert api.job(job_id).priority == 100
    assert api.call("PATCH", f"/v1/jobs/{job_id}", {"priority": 500}).body["priority"] == 500
