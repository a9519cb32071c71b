"""docs/reference/permissions.md lists every statement of the template."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from tests.architecture.test_permissions import CONTAINERS, FULL, TASKS, listed, statements
from tests.architecture.test_template_pools import ON
from tests.harness.domain.documents import read_document, table_rows
from tests.harness.template import Transformed


def shown_resource(resource: str) -> str:
    if resource == "*":
        return "all"
    if resource == ON["WorkerRepositoryArn"]:
        return "`WorkerRepositoryArn`"
    if resource == FULL["TargetArns"]:
        return "`TargetArns`"
    if resource == f"{TASKS}*":
        return "tasks of EcsCluster"
    if resource == FULL["ContainerRoles"]:
        return "`ContainerRoles`"
    if resource in CONTAINERS:
        return CONTAINERS[resource]
    if resource.startswith("arn:"):
        method, _, path = resource.partition("/live/")[2].partition("/")
        return f"`{method} /{path}`"
    name, _, rest = resource.removeprefix("<").partition(">")
    name, _, attribute = name.partition(".")
    return f"stream of {name}" if attribute == "StreamArn" else name + rest.replace("/index/", ".")


def shown(who: str, statement: dict[str, Any]) -> list[str]:
    """Returns the table's row for a statement, without the last column."""
    actions = [action.split(":") for action in listed(statement["Action"])]
    by_service = [
        f"{service}: {', '.join(name for _, name in each)}"
        for service, each in groupby(actions, key=lambda action: action[0])
    ]
    resources = ", ".join(map(shown_resource, listed(statement["Resource"])))
    for operator, keys in statement.get("Condition", {}).items():
        if "dynamodb:LeadingKeys" in keys:
            which = "items other than " if operator.endswith("StringNotEquals") else "items "
            resources += f": {which}" + ", ".join(f"`{key}`" for key in listed(keys["dynamodb:LeadingKeys"]))
        elif "ecs:cluster" in keys:
            resources += ", on `ContainerCluster`"
        else:
            resources += f", to `{keys['iam:PassedToService']}`"
    return [who, statement["Sid"], "; ".join(by_service), resources]


def test_every_statement_is_listed_as_it_is() -> None:
    template = Transformed(**FULL)
    rows = table_rows(read_document("reference/permissions.md"), "role")
    assert all(row[4] for row in rows)
    expected = [shown(who, each) for who, each in statements(template)]
    assert sorted(row[:4] for row in rows) == sorted(expected)
