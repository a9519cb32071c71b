"""The table of routes holds what the function, the template and docs/reference/api.md hold, and nothing else."""

from __future__ import annotations

import re

import pytest

from tests.harness.domain.documents import read_document, table_rows
from tests.harness.functions.api_calls import Api
from tests.harness.functions.route_table import ANSWERED_BY_THE_GATEWAY, registered, sample_path
from tests.harness.tables import routes
from tidegate.contracts.problems import STATUS_BY_ERROR
from tidegate.contracts.route import Route
from tidegate.contracts.routes import ROUTES
from tidegate.domain.roles import Role

NAMED = {(route.method, route.path) for route in ROUTES}

LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


def _id(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_no_route_is_twice_in_the_table() -> None:
    assert len(NAMED) == len(ROUTES)


def test_the_function_answers_the_routes_of_the_table() -> None:
    assert registered() == NAMED - ANSWERED_BY_THE_GATEWAY


def test_the_gateway_passes_on_the_routes_of_the_table() -> None:
    assert routes() == NAMED


def test_only_the_route_of_the_gateway_needs_no_role() -> None:
    assert {(route.method, route.path) for route in ROUTES if route.role is None} == ANSWERED_BY_THE_GATEWAY


def test_a_viewer_changes_nothing() -> None:
    others = [_id(route) for route in ROUTES if route.role is Role.VIEWER and route.method != "GET"]
    assert others == ["POST /v1/forecast"], (
        "it asks by a body, and a test compares the store before and after"
    )


def test_the_page_describes_the_routes_of_the_table() -> None:
    rows = {row[0].strip("`"): row for row in table_rows(read_document("reference/api.md"), "route")}
    said = {name: LINK.sub(r"\1", row[1]) for name, row in rows.items()}
    assert said == {_id(route): route.does for route in ROUTES}
    answered = {
        name: {int(status) for status in re.findall(r"\b\d{3}\b", row[2])} for name, row in rows.items()
    }
    assert answered == {_id(route): set(map(int, route.answers)) for route in ROUTES}


@pytest.mark.parametrize("route", [each for each in ROUTES if each.role], ids=_id)
def test_a_route_takes_the_parameters_of_the_table(route: Route) -> None:
    answer = Api().call(route.method, sample_path(route), {"type": "tidegate.noop"}, query={"unheard": "1"})
    names = [parameter.name for parameter in route.parameters]
    taken = " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part) or "none"
    assert answer.status == 422
    assert f"this route takes {taken}" in answer.message("unheard")


@pytest.mark.parametrize("route", ROUTES, ids=_id)
def test_every_error_of_a_route_has_a_status(route: Route) -> None:
    assert set(route.errors) <= set(STATUS_BY_ERROR)


@pytest.mark.parametrize("role", Role)
def test_a_role_holds_the_roles_before_it(role: Role) -> None:
    assert role in role.holds
    assert (Role.CLIENT in role.holds) == (role is not Role.VIEWER)
    assert (Role.OPERATOR in role.holds) == (role is Role.OPERATOR)
