"""Every route with every scope and every bad token, through the gateway's rules of the template, with real signatures.

`test_api_bearer.py` has the function's own rules, `test_authorizer.py` the authorizer's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.harness.functions.api_calls import Answer, Api
from tests.harness.functions.route_table import sample_path
from tests.harness.functions.sign_in_gateway import OWN, POOL, SignInGateway
from tests.harness.functions.signed_tokens import (
    Make,
    bad_tokens,
    bad_tokens_of_the_issuer,
    pool_token,
    token,
)
from tests.harness.template import Resolved
from tidegate.contracts.route import Route
from tidegate.contracts.routes import ROUTES
from tidegate.domain.roles import Role, Scope

ALL = " ".join(f"tidegate/{scope}" for scope in Scope)


@dataclass(frozen=True)
class Kind:
    """A way to deploy the API, how its operators' tokens are made, and what it answers to a missing scope."""

    template: Resolved
    make: Make
    groups: str
    bad: dict[str, Callable[[], str]]
    without_scope: int

    def operator(self, scope: str = ALL) -> str:
        """Returns the token of somebody who may do everything, as far as the scopes go."""
        name = "operator" if self.groups.startswith("cognito") else "tidegate-operator"
        return self.make(scope=scope, **{self.groups: [name]})


# The scopes of another resource server stand for another audience in a user pool, whose access tokens name none.
OTHERS = {"other/read other/submit other/operate", "openid", "", "read submit operate"}
KINDS = {
    "user pool": Kind(Resolved(**POOL), pool_token, "cognito:groups", bad_tokens(pool_token), 401),
    "issuer of one's own": Kind(Resolved(**OWN), token, "groups", bad_tokens_of_the_issuer(), 403),
}
ASKED = [route for route in ROUTES if route.role]


def _id(route: Route) -> str:
    return f"{route.method} {route.path}"


def call(gateway: SignInGateway, route: Route, bearer: str | None) -> Answer:
    """Calls a route with a parameter that none takes, so that a request that is let in goes no further."""
    return gateway.call(route.method, sample_path(route), bearer, {}, unheard="1")


def test_the_routes_that_ask_for_nothing_are_few() -> None:
    assert [_id(route) for route in ROUTES if not route.role] == ["GET /v1/health"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", ASKED, ids=_id)
def test_no_route_takes_a_bad_token(route: Route, kind: str) -> None:
    gateway = SignInGateway(KINDS[kind].template, Api(with_operator=False))
    bad = {"missing": lambda: None, **KINDS[kind].bad}
    answers = {why: call(gateway, route, make()).status for why, make in bad.items()}
    assert answers == dict.fromkeys(bad, 401)
    assert gateway.reached == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", ASKED, ids=_id)
def test_a_route_takes_the_scope_of_its_role_and_no_other(route: Route, kind: str) -> None:
    assert route.role
    gateway = SignInGateway(KINDS[kind].template, Api(with_operator=False))
    requests = gateway.api.world.requests
    for scopes in (
        {f"tidegate/{scope}" for scope in Scope if scope is not route.role.scope},
        *map(_set, OTHERS),
    ):
        for scope in (" ".join(sorted(scopes)), *sorted(scopes)):
            answer = call(gateway, route, KINDS[kind].operator(scope))
            assert answer.status == KINDS[kind].without_scope, scope
    assert not requests  # nothing was read or written for them
    let_in = call(gateway, route, KINDS[kind].operator(f"tidegate/{route.role.scope}"))
    assert let_in.status == 422, let_in.body


@pytest.mark.parametrize("role", [*Role, None])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", ASKED, ids=_id)
def test_a_role_reaches_its_own_routes_whatever_the_scopes(
    route: Route, kind: str, role: Role | None
) -> None:
    gateway = SignInGateway(KINDS[kind].template, Api(with_operator=False))
    prefix = "" if kind == "user pool" else "tidegate-"
    groups = [f"{prefix}{role}", "staff"] if role else ["staff"]
    answer = call(gateway, route, KINDS[kind].make(scope=ALL, **{KINDS[kind].groups: groups}))
    assert answer.status == (422 if role and route.role in role.holds else 403), answer.body


def _set(scopes: str) -> set[str]:
    return set(scopes.split())
