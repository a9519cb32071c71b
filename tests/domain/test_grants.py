"""A grant says what IAM can't: a role among callers, and the shared namespaces that a caller may use."""

from __future__ import annotations

import pytest

from tidegate.domain import limits
from tidegate.domain.callers import NOBODY, Caller, caller_under
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.grants import Grant, Grants
from tidegate.domain.roles import Role

ACCOUNT = "123456789012"
ANN = caller_under(f"arn:aws:iam::{ACCOUNT}:user/ann")
BEN = caller_under(f"arn:aws:iam::{ACCOUNT}:user/ben")
ROOT = caller_under(f"arn:aws:iam::{ACCOUNT}:root")
NIGHTLY = caller_under(f"arn:aws:sts::{ACCOUNT}:assumed-role/Nightly/today")


def grant_of(caller: Caller, role: Role = Role.CLIENT, *namespaces: str) -> Grant:
    return Grant(caller.namespace, role, namespaces, by="ops", at_ms=1)


@pytest.mark.parametrize(
    ("caller", "role"),
    [(ANN, Role.OPERATOR), (BEN, Role.CLIENT), (ROOT, Role.OPERATOR), (NOBODY, Role.OPERATOR)],
)
def test_the_role_is_that_of_the_grant_and_else_client(caller: Caller, role: Role) -> None:
    grants = Grants().having(grant_of(ANN, Role.OPERATOR))
    assert grants.role_of(caller) is role


def test_a_grant_of_the_role_client_makes_no_operator() -> None:
    assert Grants().having(grant_of(ANN)).role_of(ANN) is Role.CLIENT


def test_every_session_of_a_role_has_the_grant_of_the_role() -> None:
    grants = Grants().having(grant_of(NIGHTLY, Role.OPERATOR))
    tomorrow = caller_under(f"arn:aws:sts::{ACCOUNT}:assumed-role/Nightly/tomorrow")
    assert grants.role_of(tomorrow) is Role.OPERATOR


@pytest.mark.parametrize(
    ("caller", "namespace", "may"),
    [
        (ANN, ANN.namespace, True),
        (ANN, "billing", True),
        (ANN, "reports", False),
        (ANN, BEN.namespace, False),
        (BEN, BEN.namespace, True),
        (BEN, "billing", False),
        (ROOT, "billing", True),
        (ROOT, ANN.namespace, True),
    ],
)
def test_a_caller_may_use_its_own_and_the_granted_namespaces(
    caller: Caller, namespace: str, may: bool
) -> None:
    grants = Grants().having(grant_of(ANN, Role.CLIENT, "billing"))
    assert grants.allow(caller, namespace) is may


def test_a_grant_takes_the_place_of_the_callers_last_one() -> None:
    first = Grants(version=3).having(grant_of(ANN, Role.OPERATOR)).having(grant_of(BEN))
    second = first.having(grant_of(ANN, Role.CLIENT, "billing"))
    assert dict(second.entries) == {
        ANN.namespace: grant_of(ANN, Role.CLIENT, "billing"),
        BEN.namespace: grant_of(BEN),
    }
    assert second.version == 3
    assert first.role_of(ANN) is Role.OPERATOR, "the earlier value stays as it was"


def test_only_so_many_callers_can_have_a_grant() -> None:
    full = Grants()
    for number in range(limits.MAX_GRANTS):
        full = full.having(grant_of(caller_under(f"user-{number}")))
    assert len(full.entries) == limits.MAX_GRANTS
    with pytest.raises(InvalidRequest) as refused:
        full.having(grant_of(ANN))
    (violation,) = refused.value.violations
    assert violation.field == "namespace"
    assert violation.message.startswith(f"can't get a grant: {limits.MAX_GRANTS} others have one")
    changed = full.having(grant_of(caller_under("user-0"), Role.OPERATOR))
    assert changed.role_of(caller_under("user-0")) is Role.OPERATOR


def test_without_its_grant_a_caller_is_a_client_again() -> None:
    both = Grants(version=2).having(grant_of(ANN, Role.OPERATOR)).having(grant_of(BEN, Role.OPERATOR))
    left = both.lacking(ANN.namespace)
    assert (left.role_of(ANN), left.role_of(BEN), left.version) == (Role.CLIENT, Role.OPERATOR, 2)
    assert left.lacking(ANN.namespace) == left
