"""Every route with every role, unsigned, wrongly signed and signed too long ago, on the deployed API.

Each call has a query parameter that no route takes, so a call that is let through changes nothing: the function refuses
it with 422. The gateway refuses with 403 before that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import botocore.auth
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.harness.functions.route_table import ANSWERED_BY_THE_GATEWAY, sample_path
from tidegate.contracts.route import Route
from tidegate.contracts.routes import ROUTES
from tidegate.domain.roles import Role
from tidegate_devstack import StackInfo

POLICIES = {
    Role.VIEWER: ("ViewerPolicyArn",),
    Role.CLIENT: ("ClientPolicyArn",),
    Role.OPERATOR: ("ClientPolicyArn", "OperatorPolicyArn"),
}
LET_THROUGH, REFUSED = 422, 403
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": ["ecs-tasks.amazonaws.com"]},
    "Action": "sts:AssumeRole",
}


@dataclass(frozen=True)
class Walker:
    """Calls routes of the stack's API."""

    stack: StackInfo
    http: httpx.Client

    def status(self, route: Route, keys: Credentials | None) -> int:
        """Returns the status of a call signed with `keys`, or not signed."""
        url = f"{self.stack.api_url}{sample_path(route)}?unheard=1"
        request = AWSRequest(method=route.method, url=url, data=b"")
        if keys is not None:
            SigV4Auth(keys, "execute-api", self.stack.region).add_auth(request)
        answer = self.http.request(route.method, url, content=b"", headers=dict(request.headers.items()))
        is_of_the_app = answer.headers["content-type"] == "application/problem+json"
        assert is_of_the_app == (answer.status_code == LET_THROUGH), answer.text
        return answer.status_code

    def differing(self, keys: Credentials | None, allowed: Sequence[Route]) -> list[str]:
        """Returns the routes that answer otherwise than if exactly `allowed` were let through."""
        found = []
        for route in ROUTES:
            if (route.method, route.path) not in ANSWERED_BY_THE_GATEWAY:
                status, expected = self.status(route, keys), LET_THROUGH if route in allowed else REFUSED
                if status != expected:
                    found.append(f"{route.method} {route.path}: {status} instead of {expected}")
        return found

    def keys_of(self, role: Role) -> Credentials:
        """Makes a role with the policies of `role`, and returns the keys of a session of it."""
        session, address = self.stack.session(), self.stack.endpoint_url
        iam, sts = session.client("iam", endpoint_url=address), session.client("sts", endpoint_url=address)
        name = f"walker-{role}"
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [TRUST]}))[
            "Role"
        ]["Arn"]
        for output in POLICIES[role]:
            policy = self.stack.outputs[output]
            version = iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]
            document = iam.get_policy_version(PolicyArn=policy, VersionId=version)["PolicyVersion"][
                "Document"
            ]
            iam.put_role_policy(RoleName=name, PolicyName=output, PolicyDocument=json.dumps(document))
        keys = sts.assume_role(RoleArn=arn, RoleSessionName="walker")["Credentials"]
        return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


@pytest.fixture(scope="module")
def walker(stack: StackInfo) -> Iterator[Walker]:
    with httpx.Client(timeout=60, trust_env=False) as http:
        yield Walker(stack, http)


@pytest.fixture(scope="module")
def root(stack: StackInfo) -> Credentials:
    keys = stack.session().get_credentials()
    assert keys is not None
    return Credentials(keys.access_key, keys.secret_key, keys.token)


@pytest.mark.parametrize("role", Role)
def test_a_role_calls_its_routes_and_no_others(walker: Walker, role: Role) -> None:
    keys = walker.keys_of(role)
    assert walker.differing(keys, [route for route in ROUTES if route.role in role.holds]) == []
    wrong = Credentials(keys.access_key, keys.secret_key[::-1], keys.token)
    assert walker.differing(wrong, []) == []


def test_no_route_is_open_without_a_signature(walker: Walker) -> None:
    assert walker.differing(None, []) == []


def test_a_wrong_signature_of_the_root_is_refused(walker: Walker, root: Credentials) -> None:
    assert walker.differing(Credentials(root.access_key, "x" * 40, root.token), []) == []


def test_an_expired_signature_is_refused(
    walker: Walker, root: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_args, **_named: hour_ago)
    assert walker.differing(root, []) == []


def test_the_root_calls_every_route(walker: Walker, root: Credentials) -> None:
    assert walker.differing(root, ROUTES) == []
