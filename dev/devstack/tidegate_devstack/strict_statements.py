"""Finds the faults for which DynamoDB refuses PartiQL statements. It reads only the forms that tidegate writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from tidegate_devstack.strict_values import Refusal, Schema, as_text, in_index_keys, in_item, in_values

Schemas: TypeAlias = Mapping[str, Schema]

MAX_STATEMENTS = 25
MAX_STATEMENT_CHARACTERS = 8_192
_TARGET = re.compile(r"(?:UPDATE|INSERT\s+INTO|DELETE\s+FROM|FROM)\s+\"([^\"]+)\"")
_CHANGED = re.compile(r"\b(?:SET|REMOVE)\s+\"(\w+)\"")
_SET = re.compile(r"\bSET\s+\"(\w+)\"\s*=\s*\?(?=\s)")
_FIELD = re.compile(r"'([^']+)'\s*:\s*\?")


def refusal_of_statement(statement: Mapping[str, Any], schemas: Schemas) -> Refusal | None:
    """Returns AWS's refusal of one statement of a batch; None if there is none. It does not affect the others."""
    return next(_in_statement(statement, schemas), None)


def in_batch(params: Mapping[str, Any], schemas: Schemas) -> Iterator[Refusal]:
    """Yields AWS's refusals of a whole batch: too many or too long statements, reads beside writes, an item twice."""
    statements = params["Statements"]
    if len(statements) > MAX_STATEMENTS:
        yield Refusal(
            "1 validation error detected: Value at 'statements' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_STATEMENTS}"
        )
    for number, statement in enumerate(statements, 1):
        if len(statement["Statement"]) > MAX_STATEMENT_CHARACTERS:
            yield Refusal(
                f"1 validation error detected: Value at 'statements.{number}.member.statement' failed to satisfy "
                f"constraint: Member must have length less than or equal to {MAX_STATEMENT_CHARACTERS}"
            )
    reads = [statement["Statement"].lstrip().upper().startswith("SELECT") for statement in statements]
    if any(reads) and not all(reads):
        yield Refusal("A batch may not mix reads and writes")
    targets = [target for target in (_target(statement, schemas) for statement in statements) if target]
    if len(set(targets)) < len(targets):
        yield Refusal("Transaction request cannot include multiple operations on one item")


def _in_statement(statement: Mapping[str, Any], schemas: Schemas) -> Iterator[Refusal]:
    text, parameters = statement["Statement"], statement.get("Parameters") or ()
    if text.count("?") != len(parameters):
        yield Refusal("Number of parameters in request and statement don't match.")
        return
    yield from in_values(parameters)
    changed = _CHANGED.findall(text)
    if len(set(changed)) < len(changed):
        yield Refusal("Two document paths overlap with each other; must remove or rewrite one of these paths")
    found = _TARGET.search(text)
    schema = schemas.get(found[1]) if found else None
    if schema is None:
        return
    for name in schema.key:
        if name in changed:
            yield Refusal(
                f"One or more parameter values were invalid: Cannot update attribute {name}. "
                "This attribute is part of the key"
            )
    if text.startswith("INSERT"):
        yield from in_item(dict(zip(_FIELD.findall(text), parameters, strict=False)), schema)
        return
    assigned = {match[1]: parameters[text.count("?", 0, match.end()) - 1] for match in _SET.finditer(text)}
    yield from in_index_keys(assigned, schema)


def _target(statement: Mapping[str, Any], schemas: Schemas) -> str | None:
    """Returns the table and the key that a statement names, as one text; None if the statement does not show them."""
    text, parameters = statement["Statement"], statement.get("Parameters") or ()
    found = _TARGET.search(text)
    schema = schemas.get(found[1]) if found else None
    if found is None or schema is None or text.count("?") != len(parameters):
        return None
    if text.startswith("INSERT"):
        fields = dict(zip(_FIELD.findall(text), parameters, strict=False))
    else:
        where = text.upper().find(" WHERE ")
        compared = re.finditer(r"\"(\w+)\"\s*=\s*\?", text[where:])
        fields = {}
        for match in compared:
            fields.setdefault(match[1], parameters[text.count("?", 0, where + match.end()) - 1])
    if any(name not in fields for name in schema.key):
        return None
    return found[1] + as_text({name: fields[name] for name in schema.key})
