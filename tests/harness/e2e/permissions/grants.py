"""Grants: the smallest parts of a policy that can be taken away one by one."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Document = Mapping[str, Any]
"""A policy as IAM keeps it."""


@dataclass(frozen=True, slots=True)
class Use:
    """A permission that a call needed. `keys` are the partition keys that it named, if any."""

    action: str
    resource: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One action on one resource in a statement. If a condition names several kinds of items, one kind of them."""

    sid: str
    action: str
    resource: str
    key_pattern: str = ""

    def covers(self, use: Use) -> bool:
        """Says whether this grant allows the use."""
        if (self.action, self.resource) != (use.action, use.resource):
            return False
        return not self.key_pattern or all(fnmatchcase(key, self.key_pattern) for key in use.keys)


def grants_of(document: Document) -> Iterator[Grant]:
    """Returns every grant of a policy."""
    for statement in document["Statement"]:
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                for pattern in _key_patterns(statement) or [""]:
                    yield Grant(statement["Sid"], action, resource, pattern)


def without(document: Document, grant: Grant) -> dict[str, Any]:
    """Returns the policy without one of its grants."""
    statements: list[dict[str, Any]] = []
    for statement in document["Statement"]:
        if statement["Sid"] != grant.sid:
            statements.append(copy.deepcopy(statement))
            continue
        for index, each in enumerate(grants_of({"Statement": [statement]})):
            if each != grant:
                kept = {**statement, "Sid": f"{grant.sid}{index}"}
                kept |= {"Action": each.action, "Resource": each.resource}
                if each.key_pattern:
                    (operator,) = statement["Condition"]
                    kept["Condition"] = {operator: {"dynamodb:LeadingKeys": each.key_pattern}}
                statements.append(kept)
    return {"Version": "2012-10-17", "Statement": statements}


def listed(value: str | list[str]) -> list[str]:
    """Returns a value of a policy as a list, in whatever form it was written."""
    return [value] if isinstance(value, str) else list(value)


def _key_patterns(statement: Mapping[str, Any]) -> list[str]:
    condition = statement.get("Condition")
    if condition is None:
        return []
    ((operator, keys),) = condition.items()
    if operator == "ForAllValues:StringNotEquals":
        return []  # it names the items that are left out, so there is no part of it to take away
    assert operator in ("ForAllValues:StringEquals", "ForAllValues:StringLike"), operator
    ((name, patterns),) = keys.items()
    assert name == "dynamodb:LeadingKeys", name
    return listed(patterns)
