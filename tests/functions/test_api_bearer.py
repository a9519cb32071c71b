"""Callers with bearer tokens: every route with every scope and role, and tokens that allow nothing."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import pytest

from tests.harness.functions.api_calls import ANN, NOW_MS, Answer, Api, read_event
from tests.harness.functions.route_table import sample_path
from tidegate.api.access import needed_role
from tidegate.contracts.route import Route
from tidegate.contracts.routes import ROUTES
from tidegate.domain.callers import CallerKind
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.grants import Grant, Grants
from tidegate.domain.roles import Role, Scope

ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI"
SUB = "5f0d1c7e-3a52-4d55-9d6a-0d1f1f3b8c11"
SUBJECT = f"{ISSUER}#{SUB}"
ACCOUNT = "123456789012"
WITH_ROLE = [route for route in ROUTES if route.role]
ALL = " ".join(f"tidegate/{scope}" for scope in Scope)


def claims(**changes: str | None) -> dict[str, Any]:
    """Returns the claims of an operator's access token as Cognito's authorizer passes them on."""
    whole: dict[str, str | None] = {
        "iss": ISSUER,
        "sub": SUB,
        "token_use": "access",
        "scope": f"openid {ALL}",
        "username": "ann",
        "cognito:groups": "[viewer operator]",
        **changes,
    }
    return {"claims": {name: value for name, value in whole.items() if value is not None}}


def call(
    api: Api, method: str, path: str, authorizer: Mapping[str, Any] | None, body: object = None, **query: str
) -> Answer:
    return api.call(method, path, body, query=query or None, authorizer=authorizer)


def code(answer: Answer) -> str:
    return str(answer.body.get("type", "")).rpartition(":")[2]


def _id(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", WITH_ROLE, ids=_id)
def test_the_function_knows_the_role_of_each_route_of_the_table(route: Route) -> None:
    assert needed_role(route.method, route.path) is route.role
    assert needed_role(route.method, sample_path(route)) is route.role


@pytest.mark.parametrize("path", ["/v1/unheard", "/v1/jobsx", "/", "", "/v2/jobs", "/v1//jobs"])
def test_a_request_that_no_route_foresees_needs_the_highest_role(path: str) -> None:
    assert needed_role("POST", path) is Role.OPERATOR


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("route", WITH_ROLE, ids=_id)
def test_a_scope_allows_the_routes_of_its_role_alone(route: Route, scope: Scope) -> None:
    api = Api(with_operator=False)
    before = api.contents()
    answer = call(api, route.method, sample_path(route), claims(scope=f"tidegate/{scope}"), {}, unheard="1")
    assert route.role
    if route.role.scope is scope:
        assert answer.status == 422  # the route itself answers: it takes no such parameter
        return
    assert (answer.status, code(answer)) == (403, "missing-scope")
    assert f"lacks the scope {route.role.scope}," in answer.body["detail"]
    assert api.contents() == before


@pytest.mark.parametrize("role", [*Role, None])
@pytest.mark.parametrize("route", WITH_ROLE, ids=_id)
def test_a_role_allows_its_routes_and_those_of_lower_roles(route: Route, role: Role | None) -> None:
    api = Api(with_operator=False)
    before = api.contents()
    groups = f"[{role}]" if role else None
    answer = call(
        api, route.method, sample_path(route), claims(**{"cognito:groups": groups}), {}, unheard="1"
    )
    if role and route.role in role.holds:
        assert answer.status == 422
        return
    assert (answer.status, code(answer)) == (403, "missing-role")
    assert f"needs the role {route.role}" in answer.body["detail"]
    assert SUBJECT in answer.body["detail"]
    assert api.contents() == before


BAD = {
    "no token": None,
    "an ID token": claims(token_use="id", scope=None),
    "an ID token with scopes": claims(token_use="id"),
    "no use": claims(token_use=None),
    "no issuer": claims(iss=None),
    "an issuer that is no https URL": claims(iss="http://issuer.example.com"),
    "an issuer with a fragment": claims(iss="https://issuer.example.com/#x"),
    "no subject": claims(sub=None),
    "a subject that is too long": claims(sub="x" * 256),
    "a subject of other characters": claims(sub="änn"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("route", WITH_ROLE, ids=_id)
def test_a_token_that_names_nobody_or_is_no_access_token_is_refused_by_every_route(
    route: Route, bad: str
) -> None:
    api = Api(with_operator=False)
    answer = call(api, route.method, sample_path(route), BAD[bad], {})
    assert (answer.status, code(answer)) == (401, "invalid-token")


@pytest.mark.parametrize("scope", [None, "", "openid", "read submit operate", "other/read other/operate"])
@pytest.mark.parametrize("route", WITH_ROLE, ids=_id)
def test_a_token_for_another_audience_has_no_scope_here(route: Route, scope: str | None) -> None:
    answer = call(Api(), route.method, sample_path(route), claims(scope=scope), {})
    assert (answer.status, code(answer)) == (403, "missing-scope")


def test_the_api_that_takes_signatures_believes_no_claims() -> None:
    api = Api(with_operator=False)
    event = read_event("api-list-jobs")
    event |= {"path": "/v1/me", "resource": "/v1/me", "queryStringParameters": None}
    event["multiValueQueryStringParameters"] = None
    event["requestContext"]["authorizer"] = claims()
    assert api.send(event).body["kind"] == CallerKind.IAM


def test_the_api_that_takes_tokens_believes_no_signature() -> None:
    answer = Api().call("GET", "/v1/jobs", arn=ANN, authorizer={})
    assert (answer.status, code(answer)) == (401, "invalid-token")


# Headers, and fields of an event, by which a client or a careless gateway might name another caller.
HEADERS = {
    "authorization": "Bearer x.y.z",
    "x-amzn-oidc-identity": SUBJECT,
    "x-amz-user-agent": "root",
    "x-forwarded-user": "root",
    "callers": "oauth",
    "userarn": f"arn:aws:iam::{ACCOUNT}:root",
}
FIELDS = {
    "principalId": "root",
    "userArn": f"arn:aws:iam::{ACCOUNT}:root",
    "cognito:groups": "operator",
    "groups": "operator",
    "scope": ALL,
    "role": "operator",
}


def me_with(by_token: bool, **changes: Any) -> dict[str, Any]:
    """Returns how tidegate sees the caller of an event with these fields, by the one API or by the other."""
    event = read_event("api-get-me")
    event["headers"] |= HEADERS
    event["multiValueHeaders"] |= {name: [value] for name, value in HEADERS.items()}
    event["queryStringParameters"] = event["multiValueQueryStringParameters"] = None
    event["stageVariables"] = {"stack": "tidegate"} | ({"callers": "oauth"} if by_token else {})
    event["requestContext"] |= changes
    return dict(Api(with_operator=False).send(event).body)


def test_no_header_makes_a_caller_of_iam_somebody_else() -> None:
    me = me_with(False, authorizer={**FIELDS, **claims()})
    assert (me["kind"], me["role"], me["scopes"]) == ("iam", "client", None)
    assert me["subject"].startswith("arn:")
    assert not me["subject"].endswith(":root")


def test_no_header_and_no_signature_make_a_caller_with_a_token_somebody_else() -> None:
    viewer = claims(scope="tidegate/read", **{"cognito:groups": "viewer"})
    identity = {"userArn": f"arn:aws:iam::{ACCOUNT}:root", "user": "root", "caller": "root"}
    me = me_with(True, authorizer={**FIELDS, **viewer}, identity=identity)
    assert (me["kind"], me["subject"], me["role"]) == ("oauth", SUBJECT, "viewer")


def test_the_same_subject_of_another_issuer_is_somebody_else() -> None:
    api = Api()
    client = claims(**{"cognito:groups": "client"})
    other = claims(iss="https://issuer.example.com", **{"cognito:groups": "client"})
    job_id = call(api, "POST", "/v1/jobs", client, {"type": "tidegate.noop"}).body["job_id"]
    assert code(call(api, "POST", f"/v1/jobs/{job_id}/cancel", other)) == "not-yours"
    assert api.call("PUT", "/v1/grants", {"role": "operator"}, query={"namespace": SUBJECT}).status == 200
    assert call(api, "GET", "/v1/me", client).body["role"] == "operator"
    assert call(api, "GET", "/v1/me", other).body["role"] == "client"


@pytest.mark.parametrize(
    "groups", [None, "", "[]", "Operator", "operators", "tidegate-operator", "[ops admin]"]
)
def test_another_group_gives_no_role(groups: str | None) -> None:
    answer = call(Api(), "GET", "/v1/me", claims(**{"cognito:groups": groups}))
    assert (answer.status, code(answer)) == (403, "missing-role")


def test_a_command_in_a_refusal_is_one_even_for_a_hostile_subject() -> None:
    hostile = "x';reboot;'$(reboot)`reboot`"
    api = Api()
    nobody = claims(sub=hostile, **{"cognito:groups": None})
    job_id = api.submit()
    refusals = [
        call(api, "GET", "/v1/jobs", nobody),
        call(api, "POST", f"/v1/jobs/{job_id}/cancel", claims(sub=hostile, **{"cognito:groups": "client"})),
        call(
            api,
            "POST",
            "/v1/jobs",
            claims(sub=hostile, **{"cognito:groups": "client"}),
            {"type": "tidegate.noop", "namespace": "team-a"},
        ),
    ]
    for refused in refusals:
        (said,) = [error["message"] for error in refused.body.get("errors", ())] or [refused.body["detail"]]
        words = shlex.split(said[said.index("tidegate grants set") :])
        assert words[:4] == ["tidegate", "grants", "set", f"{ISSUER}#{hostile}"]


def test_a_caller_sees_its_role_and_its_scopes() -> None:
    me = call(Api(), "GET", "/v1/me", claims()).body
    assert (me["subject"], me["namespace"], me["display"]) == (SUBJECT, SUBJECT, "ann")
    assert (me["kind"], me["role"], me["scopes"]) == ("oauth", "operator", ["operate", "read", "submit"])


def test_an_operator_with_a_token_to_read_is_shown_as_a_viewer() -> None:
    assert call(Api(), "GET", "/v1/me", claims(scope="tidegate/read")).body["role"] == "viewer"


def test_an_authorizer_of_one_s_own_gives_the_same_claims_without_a_nest() -> None:
    flat = {
        "principalId": SUBJECT,
        "iss": ISSUER,
        "sub": SUB,
        "token_use": "access",
        "scope": "tidegate/read",
        "groups": "client,viewer",
    }
    me = call(Api(), "GET", "/v1/me", flat).body
    assert (me["subject"], me["display"], me["role"]) == (SUBJECT, SUB, "viewer")


def test_what_a_person_submits_is_its_own_and_not_another_s() -> None:
    api = Api(with_operator=False)
    client = claims(**{"cognito:groups": "client"})
    job_id = call(api, "POST", "/v1/jobs", client, {"type": "tidegate.noop"}).body["job_id"]
    assert api.job(job_id).submitted_by == SUBJECT
    other = claims(sub="other", **{"cognito:groups": "client"})
    refused = call(api, "POST", f"/v1/jobs/{job_id}/cancel", other)
    assert (refused.status, code(refused)) == (403, "not-yours")
    assert f"belongs to {SUB}" in refused.body["detail"]
    assert call(api, "POST", f"/v1/jobs/{job_id}/cancel", client).status == 200


def test_an_operator_acts_on_the_jobs_of_others_only_with_the_scope_to_operate() -> None:
    api = Api(with_operator=False)
    job_id = api.submit()
    path = f"/v1/jobs/{job_id}/cancel"
    assert code(call(api, "POST", path, claims(scope="tidegate/submit"))) == "not-yours"
    assert call(api, "POST", path, claims()).status == 200


def test_a_grant_gives_a_role_to_a_caller_without_groups() -> None:
    api = Api()
    nobody = claims(**{"cognito:groups": None})
    assert code(call(api, "GET", "/v1/jobs", nobody)) == "missing-role"
    put = api.call("PUT", "/v1/grants", {"role": "client"}, query={"namespace": SUBJECT})
    assert (put.status, put.body["namespace"]) == (200, SUBJECT)
    assert call(api, "GET", "/v1/jobs", nobody).status == 200
    assert call(api, "POST", "/v1/jobs", nobody, {"type": "tidegate.noop"}).status == 201
    assert code(call(api, "POST", "/v1/pools/ecs/pause", nobody)) == "missing-role"


def test_groups_cost_no_read_of_the_grants() -> None:
    api = Api()
    api.world.grants = Grants({SUBJECT: Grant(SUBJECT, Role.OPERATOR, (), "root", NOW_MS)}, version=1)
    loads: list[None] = []
    real = api.services.grants.load

    def counted() -> Grants:
        loads.append(None)
        return real()

    object.__setattr__(api.services.grants, "load", counted)
    assert call(api, "GET", "/v1/jobs", claims(**{"cognito:groups": "viewer"})).status == 200
    assert loads == []
    call(api, "POST", "/v1/pools/ecs/pause", claims(**{"cognito:groups": "viewer"}))
    assert len(loads) == 1


def test_grants_that_can_t_be_read_are_no_refusal_of_the_caller() -> None:
    api = Api()

    def fail() -> Grants:
        raise ServiceUnavailable("try again")

    object.__setattr__(api.services.grants, "load", fail)
    answer = call(api, "GET", "/v1/jobs", claims(**{"cognito:groups": None}))
    assert (answer.status, code(answer), answer.headers["Retry-After"]) == (503, "unavailable", "5")


def test_the_audit_trail_names_the_person_and_the_route_not_the_gateway_s_resource() -> None:
    api = Api()
    assert call(api, "POST", "/v1/pools/ecs/pause", claims()).status == 200
    (act,) = api.call("GET", "/v1/audit", query={"subject": "pool#ecs"}).body["acts"]
    assert act["caller"] == {"subject": SUBJECT, "display": "ann", "kind": "oauth"}
    assert act["route"] == "POST /v1/pools/{pool}/pause"
