"""Reads the JSON Schema of a job type's parameters, with regular expressions whose search takes a bounded time."""

from __future__ import annotations

from tidegate.adapters.conditions.patterns import Pattern, compile_pattern
from tidegate.domain.errors import ConditionError
from tidegate.domain.schemas.reading import read_schema
from tidegate.domain.schemas.schema import Schema


def compile_schema(schema: object) -> Schema:
    """Reads a JSON Schema (2020-12) of parameters; `violations` of what it returns checks a value.

    The cost of reading is bounded by `limits.MAX_SCHEMA_BYTES`, `MAX_SCHEMA_DEPTH` and `MAX_SCHEMA_PATTERNS`. Its
    `unchecked` names what no check looks at. Raises SchemaFault, which names the place that is wrong and the rule.
    """
    return read_schema(schema, _compiled)


def _compiled(source: str) -> Pattern:
    try:
        return compile_pattern(source)
    except ConditionError as error:
        raise ValueError(str(error)) from error
