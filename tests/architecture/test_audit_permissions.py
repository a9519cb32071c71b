"""Nobody may change or remove an entry of the audit trail."""

from __future__ import annotations

import pytest

from tests.architecture.test_permissions import FULL, listed, statements
from tests.harness.template import Transformed

MAY = {
    ("ApiRole", "Audit"): {"dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query"},
    ("ApiRole", "AuditIndexes"): {"dynamodb:Query"},
    ("WebhooksRole", "Audit"): {"dynamodb:PutItem"},
}
"""All that the template allows on the table and its indexes, by role and statement."""


@pytest.fixture(scope="module")
def deployed() -> Transformed:
    return Transformed(**FULL)


def test_the_audit_trail_may_only_be_put_into_and_read(deployed: Transformed) -> None:
    found = {
        (name, statement["Sid"]): set(listed(statement["Action"]))
        for name, statement in statements(deployed)
        if any("<Audit" in str(resource) for resource in listed(statement["Resource"]))
    }
    assert found == MAY


def test_no_other_statement_reaches_it_by_a_wildcard(deployed: Transformed) -> None:
    for name, statement in statements(deployed):
        if statement["Effect"] == "Allow" and "*" in listed(statement["Resource"]):
            assert not any("dynamodb" in action or action == "*" for action in listed(statement["Action"])), (
                name
            )
