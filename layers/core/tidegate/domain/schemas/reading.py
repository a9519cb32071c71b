"""Reads a JSON Schema: finds every fault of it once, so that a check of a value meets none."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tidegate.domain import limits
from tidegate.domain.depth import is_deeper_than
from tidegate.domain.job import Json
from tidegate.domain.schemas.schema import KINDS, CompilePattern, PatternSearch, Schema, SchemaFault
from tidegate.domain.suggestions import did_you_mean

_ONE = frozenset(
    {"additionalProperties", "items", "contains", "not", "if", "then", "else", "propertyNames"}
)  # keywords that hold one schema
_SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_COUNTS = frozenset(
    {
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "minContains",
        "maxContains",
    }
)
_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_SAYS_NOTHING = frozenset(
    {
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "format",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "discriminator",
        "$schema",
        "$id",
        "$comment",
    }
)  # a validator may ignore these, or must
_OTHERS = frozenset(
    {"type", "enum", "const", "required", "dependentRequired", "uniqueItems", "pattern", "$ref"}
)
_KNOWN = _ONE | _SEVERAL | _NAMED | _COUNTS | _NUMBERS | _SAYS_NOTHING | _OTHERS


def read_schema(schema: object, compile_pattern: CompilePattern) -> Schema:
    """Reads the JSON Schema (2020-12) of parameters.

    A schema has at most `limits.MAX_SCHEMA_BYTES` bytes, `MAX_SCHEMA_DEPTH` levels and `MAX_SCHEMA_PATTERNS`
    regular expressions, and refers only to its own parts. A regular expression that can't be used, and a keyword that
    the check does not know, are named in `unchecked`. Raises SchemaFault, which names the first place that is wrong.
    """
    if not isinstance(schema, Mapping):
        raise SchemaFault("#", "must be an object, like {type: object, properties: {rows: {type: integer}}}")
    if is_deeper_than(schema, limits.MAX_SCHEMA_DEPTH):
        raise SchemaFault(
            "#", f"is nested more than {limits.MAX_SCHEMA_DEPTH} levels deep; use $defs and $ref"
        )
    try:
        size_bytes = len(
            json.dumps(schema, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        )
    except (TypeError, ValueError) as error:
        raise SchemaFault("#", f"is no JSON: {error}") from error
    if size_bytes > limits.MAX_SCHEMA_BYTES:
        raise SchemaFault(
            "#",
            f"has {size_bytes:,} bytes; at most {limits.MAX_SCHEMA_BYTES:,} are allowed: shorten its descriptions",
        )
    reader = _Reader(compile_pattern)
    reader.read(schema, "#")
    reader.check_references()
    return Schema(schema, reader.parts, reader.patterns, tuple(reader.unchecked))


@dataclass(slots=True)
class _Reader:
    compile_pattern: CompilePattern
    parts: dict[str, Json] = field(default_factory=dict)
    patterns: dict[str, PatternSearch] = field(default_factory=dict)
    unchecked: list[str] = field(default_factory=list)
    references: list[tuple[str, str]] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)

    def read(self, part: Any, place: str) -> None:
        """Checks one part of the schema and every part inside it; `place` is its pointer."""
        if not isinstance(part, Mapping | bool):
            raise SchemaFault(place, "must be a schema: an object, true or false")
        self.parts[place] = part
        if isinstance(part, bool):
            return
        for keyword, held in part.items():
            self._keyword(str(keyword), held, f"{place}/{_escaped(str(keyword))}")

    def check_references(self) -> None:
        """Raises SchemaFault for the first reference that leads to no part of the schema."""
        for place, target in self.references:
            found = self.parts.get(unquote(target))
            if found is None:
                raise SchemaFault(
                    place,
                    f"refers to {target[:100]!r}, which is no schema inside this one; refer to a part of it, "
                    "as #/$defs/name",
                )
            self.parts[target] = found

    def _keyword(self, keyword: str, held: Any, place: str) -> None:
        if keyword in _ONE:
            if keyword == "items" and isinstance(held, list):
                raise SchemaFault(place, "is a list, as in older drafts; call it prefixItems")
            self.read(held, place)
        elif keyword in _SEVERAL:
            self._several(held, place)
        elif keyword in _NAMED:
            _require(isinstance(held, Mapping), place, "must be an object of schemas by name")
            for name, part in held.items():
                if keyword == "patternProperties":
                    self._pattern(name, place)
                self.read(part, f"{place}/{_escaped(str(name))}")
        elif keyword in ("pattern", "$ref"):
            _require(isinstance(held, str), place, "must be a string")
            if keyword == "pattern":
                self._pattern(held, place)
            else:
                self.references.append((place, held))
        elif keyword in _KNOWN:
            _check_plain(keyword, held, place)
        elif not keyword.startswith("x-"):
            hint = did_you_mean(keyword, _KNOWN)
            self.unchecked.append(f"{place}: is no keyword that is checked here{hint}")

    def _several(self, held: Any, place: str) -> None:
        _require(isinstance(held, list) and bool(held), place, "must be a list of at least one schema")
        for index, part in enumerate(held):
            self.read(part, f"{place}/{index}")

    def _pattern(self, source: str, place: str) -> None:
        if source in self.tried:
            return
        self.tried.add(source)
        if len(self.tried) > limits.MAX_SCHEMA_PATTERNS:
            raise SchemaFault(
                place, f"is one pattern too many; at most {limits.MAX_SCHEMA_PATTERNS} are allowed"
            )
        try:
            self.patterns[source] = self.compile_pattern(source)
        except ValueError as error:
            self.unchecked.append(f"{place}: {error}")


def _check_plain(keyword: str, held: Any, place: str) -> None:
    """Checks the value of a keyword that holds no schema."""
    if keyword in _COUNTS:
        _require(_is_whole(held) and held >= 0, place, "must be a whole number from 0 on")
    elif keyword in _NUMBERS:
        _require(
            _is_whole(held) or (isinstance(held, float) and math.isfinite(held)), place, "must be a number"
        )
        _require(keyword != "multipleOf" or held > 0, place, "must be more than 0")
    elif keyword == "type":
        kinds = [held] if isinstance(held, str) else held
        is_list = isinstance(kinds, list) and bool(kinds)
        _require(
            is_list and all(isinstance(kind, str) and kind in KINDS for kind in kinds), place, _KIND_RULE
        )
    elif keyword == "enum":
        _require(isinstance(held, list) and bool(held), place, "must be a list of at least one value")
    elif keyword == "required":
        _require(_are_names(held), place, "must be a list of names")
    elif keyword == "dependentRequired":
        is_map = isinstance(held, Mapping) and all(_are_names(names) for names in held.values())
        _require(is_map, place, "must be an object with a list of names for each name")
    elif keyword == "uniqueItems":
        _require(isinstance(held, bool), place, "must be true or false")


_KIND_RULE = f"must be one of {', '.join(KINDS)}, or a list of these"


def _require(holds: bool, place: str, rule: str) -> None:
    if not holds:
        raise SchemaFault(place, rule)


def _is_whole(held: Any) -> bool:
    return isinstance(held, int) and not isinstance(held, bool)


def _are_names(held: Any) -> bool:
    return isinstance(held, list) and all(isinstance(name, str) for name in held)


def _escaped(name: str) -> str:
    """Returns a name as it stands in a pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
