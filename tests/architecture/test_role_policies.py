"""The policies of the roles allow the routes that the table of routes gives to each role, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

import pytest

from tests.harness.e2e.permissions.api_callers import CLIENT_CALLS, OPERATOR_CALLS, VIEWER_CALLS, is_about
from tests.harness.tables import resources
from tests.harness.template import Resolved
from tidegate.contracts.route import Route
from tidegate.contracts.routes import ROUTES
from tidegate.domain.roles import Role

POLICIES = {
    Role.VIEWER: ("ViewerPolicy",),
    Role.CLIENT: ("ClientPolicy",),
    Role.OPERATOR: ("ClientPolicy", "OperatorPolicy"),
}
"""The policies that a caller with this role has."""
READS = "GET/v1/*"  # one line for all, because a managed policy holds 6,144 characters at most
MOST_CHARACTERS = 6_144
LONGEST_ARN = len("arn:aws-us-gov:execute-api:ap-southeast-1:123456789012:abcdefghij/a-rather-long-stage/")
RESERVED = 300  # characters of a policy beside its resources


@pytest.mark.parametrize("arn", ["", "arn:aws:iam::123456789012:policy/boundary"])
def test_every_role_has_the_boundary_that_the_deployment_names(arn: str) -> None:
    names = [name for name, spec in resources().items() if spec["Type"] == "AWS::IAM::Role"]
    template = Resolved(
        PermissionsBoundaryArn=arn,
        WorkerImage="image",
        OAuthApi="true",
        OAuthIssuer="https://issuer.example",
        ApiAccessLogs="with-role",
        GradualDeployment="Canary10Percent5Minutes",
        PublishEvents="true",
        Webhooks="true",
    )
    assert set(names) <= template.resources.keys()
    assert {template.properties(name).get("PermissionsBoundary", "") for name in names} == {arn}


def allowed(policy: str) -> list[str]:
    """Returns the methods and paths that a policy names."""
    (statement,) = Resolved().properties(policy)["PolicyDocument"]["Statement"]
    return [resource.partition("/live/")[2] for resource in statement["Resource"]]


def pattern(route: Route) -> str:
    """Returns the line for a route. IAM's `*` stands for any text, slashes too."""
    return route.method + re.sub(r"{\w+}", "*", route.path)


def sample(route: Route) -> str:
    return route.method + re.sub(r"{\w+}", "x", route.path)


def changes(role: Role) -> set[str]:
    return {pattern(route) for route in ROUTES if route.role is role and route.method != "GET"}


def test_everybody_with_a_role_may_read_everything() -> None:
    reads = {route.role for route in ROUTES if route.method == "GET"}
    assert reads == {Role.VIEWER, None}


@pytest.mark.parametrize(
    ("policy", "routes"),
    [
        ("ViewerPolicy", {READS, *changes(Role.VIEWER)}),
        ("ClientPolicy", {READS, *changes(Role.VIEWER), *changes(Role.CLIENT)}),
        ("OperatorPolicy", changes(Role.OPERATOR)),
    ],
)
def test_a_policy_has_a_line_for_each_route_that_its_role_may_change(policy: str, routes: set[str]) -> None:
    assert sorted(allowed(policy)) == sorted(routes)


@pytest.mark.parametrize(
    ("policy", "calls"),
    [
        ("ViewerPolicy", VIEWER_CALLS),
        ("ClientPolicy", CLIENT_CALLS),
        ("OperatorPolicy", OPERATOR_CALLS),
    ],
)
def test_the_local_stack_is_asked_once_for_each_line(policy: str, calls: Mapping[str, object]) -> None:
    """tests/e2e/permissions makes these calls with each line and without it, minutes later than this test."""
    asked = {line: [call for call in calls if is_about(f"/live/{line}", call)] for line in allowed(policy)}
    assert {line: found for line, found in asked.items() if len(found) != 1} == {}


@pytest.mark.parametrize("role", Role)
def test_no_line_covers_a_route_of_a_higher_role(role: Role) -> None:
    lines = [line for policy in POLICIES[role] for line in allowed(policy)]
    may = [route for route in ROUTES if any(fnmatchcase(sample(route), line) for line in lines)]
    assert [route.path for route in may if route.role] == [
        route.path for route in ROUTES if route.role in role.holds
    ]


@pytest.mark.parametrize("policy", ["ViewerPolicy", "ClientPolicy", "OperatorPolicy"])
def test_a_policy_fits_in_what_iam_stores(policy: str) -> None:
    lines = allowed(policy)
    assert sum(len(line) + LONGEST_ARN + 3 for line in lines) + RESERVED <= MOST_CHARACTERS
