"""The routes of grants, and the refusal of acts on the submissions of others."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.harness.functions.api_calls import ANN, NOW, UNKNOWN_ID, Api
from tidegate.domain import limits

BEN = "arn:aws:iam::123456789012:user/ben"
ROLE = "arn:aws:iam::123456789012:role/Schedulers"


@pytest.fixture
def api() -> Api:
    return Api(with_operator=False)


def test_a_grant_is_set_shown_and_removed(api: Api) -> None:
    put = api.call(
        "PUT", "/v1/grants", {"role": "operator", "namespaces": ["b", "a"]}, query={"namespace": ANN}
    )
    grant = {"namespace": ROLE, "role": "operator", "namespaces": ["a", "b"], "by": ANN, "at": NOW}
    assert (put.status, put.body) == (200, grant)
    assert api.call("GET", "/v1/grants").body == {"grants": [grant]}
    removed = api.call("DELETE", "/v1/grants", query={"namespace": ROLE})
    assert (removed.status, removed.body) == (200, grant)
    assert api.call("GET", "/v1/grants").body == {"grants": []}
    assert api.call("DELETE", "/v1/grants", query={"namespace": ROLE}).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "viewer"}, "role"),
        ({"role": None}, "role"),
        ({"roles": "client"}, "roles"),
        ({"namespaces": ["a/b"]}, "namespaces[0]"),
        ({"namespaces": [""]}, "namespaces[0]"),
        ({"namespaces": ["x" * (limits.MAX_NAMESPACE_CHARACTERS + 1)]}, "namespaces[0]"),
        ({"namespaces": ["x"] * (limits.MAX_NAMESPACES_PER_GRANT + 1)}, "namespaces"),
        ({"namespaces": "a"}, "namespaces"),
    ],
)
def test_a_wrong_field_is_named(api: Api, body: Mapping[str, object], field: str) -> None:
    answer = api.call("PUT", "/v1/grants", body, query={"namespace": BEN})
    assert (answer.status, answer.fields) == (422, [field])
    assert api.world.grants.version == 0


@pytest.mark.parametrize(
    "namespace",
    ["", "ben", "arn:aws:iam::12:user/ben", "arn:aws:s3:::bucket", BEN + "\n", BEN + "/" + "x" * 700],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_namespace_that_is_no_caller_is_refused(api: Api, method: str, namespace: str) -> None:
    body = {"role": "client"} if method == "PUT" else None
    answer = api.call(method, "/v1/grants", body, query={"namespace": namespace})
    assert (answer.status, answer.fields) == (422, ["namespace"])
    assert "arn:aws:iam::123456789012:role/Nightly" in answer.message("namespace")


def test_a_grant_needs_a_body(api: Api) -> None:
    assert api.call("PUT", "/v1/grants", query={"namespace": BEN}).status == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/jobs/{job}/cancel", None),
        ("/v1/jobs/{job}/cancel", {"downstream": True}),
        ("/v1/jobs/{job}/retry", None),
        ("/v1/workflows/{workflow}/cancel", None),
        ("/v1/workflows/{workflow}/rerun", None),
    ],
)
def test_an_act_on_the_submission_of_another_is_refused_with_what_to_do(
    api: Api, path: str, body: Mapping[str, object] | None
) -> None:
    job = api.submit()
    workflow = api.call("POST", "/v1/workflows", {"jobs": [{"key": "a", "type": "tidegate.noop"}]}).body
    path = path.format(job=job, workflow=workflow["workflow_id"])
    before = api.contents()
    answer = api.call("POST", path, body, arn=BEN)
    assert (answer.status, answer.body["type"]) == (403, "urn:tidegate:problem:not-yours")
    assert "belongs to ann@example.com" in answer.body["detail"]
    assert f"tidegate grants set {BEN} --role operator" in answer.body["detail"]
    assert api.contents() == before
    api.call("PUT", "/v1/grants", {"role": "operator"}, query={"namespace": BEN})
    assert api.call("POST", path, body, arn=BEN).status in (200, 202, 409)


def test_a_job_that_does_not_exist_is_nobodys(api: Api) -> None:
    assert api.call("POST", f"/v1/jobs/{UNKNOWN_ID}/cancel", arn=BEN).status == 404


def test_a_wrong_role_is_refused_with_those_that_there_are(api: Api) -> None:
    answer = api.call("PUT", "/v1/grants", {"role": "root"}, query={"namespace": BEN})
    assert (answer.status, answer.message("role")) == (422, "must be 'client' or 'operator'")


@pytest.mark.parametrize(
    ("method", "path", "query", "hint"),
    [
        ("DELETE", "/v1/grants", {"namespace": BEN}, "GET /v1/grants"),
        ("GET", "/v1/pools/ecs/shares/none", None, "GET /v1/pools/{pool}/shares"),
    ],
)
def test_a_thing_that_is_not_there_is_refused_with_the_list_of_those_that_are(
    api: Api, method: str, path: str, query: dict[str, str] | None, hint: str
) -> None:
    answer = api.call(method, path, query=query)
    assert answer.status == 404
    assert hint in answer.body["detail"]
    assert "retention" not in answer.body["detail"]
