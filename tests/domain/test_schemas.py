"""The check of a value by a JSON Schema, and the reading of a schema."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tidegate.domain import limits
from tidegate.domain.schemas.reading import read_schema
from tidegate.domain.schemas.schema import Schema, SchemaFault


@dataclass(frozen=True, slots=True)
class Search:
    """A regular expression of Python, whose searches cost `steps` each."""

    source: str
    steps: int = 0

    def cost_of(self, text: str) -> int:
        """Returns the cost of any search."""
        return self.steps

    def is_found_in(self, text: str) -> bool:
        """Returns True if the expression matches anywhere."""
        return re.search(self.source, text) is not None


def compile_schema(schema: Any, steps: int = 0) -> Schema:
    """Reads a schema whose patterns are Python's. Those with a look-ahead can't be used."""

    def compile_pattern(source: str) -> Search:
        if "(?=" in source:
            raise ValueError("looks ahead")
        return Search(source, steps)

    return read_schema(schema, compile_pattern)


@pytest.mark.parametrize(
    ("schema", "value", "violations"),
    [
        ({"type": "integer"}, 1, []),
        ({"type": "integer"}, 1.0, []),
        ({"type": "integer"}, 1.5, [("", "Input should be a valid integer")]),
        ({"type": "number"}, True, [("", "Input should be a valid number")]),
        ({"type": "boolean"}, 0, [("", "Input should be a valid boolean")]),
        (
            {"type": ["string", "null", "array"]},
            {},
            [("", "Input should be a valid string, null or a valid list")],
        ),
        ({"type": "object"}, [], [("", "Input should be an object")]),
        ({"const": 1}, True, [("", "Input should be 1")]),
        ({"const": [1, {"a": 0}]}, [1.0, {"a": 0.0}], []),
        ({"const": [1]}, {"list": 1}, [("", "Input should be [1]")]),
        (
            {"enum": list(range(12))},
            "x",
            [("", "Input should be 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 or one of 2 more")],
        ),
        ({"enum": ["x" * 200]}, 1, [("", f"Input should be '{'x' * 99}…")]),
        ({"minimum": 2}, 1, [("", "Input should be greater than or equal to 2")]),
        ({"minimum": 2}, 2, []),
        ({"exclusiveMinimum": 2}, 2, [("", "Input should be greater than 2")]),
        ({"maximum": 2}, 3, [("", "Input should be less than or equal to 2")]),
        ({"maximum": 2}, 2, []),
        ({"exclusiveMaximum": 2}, 2, [("", "Input should be less than 2")]),
        ({"multipleOf": 0.1}, 0.3, []),
        ({"multipleOf": 0.1}, 0.35, [("", "Input should be a multiple of 0.1")]),
        ({"multipleOf": 3}, 10**400, [("", "Input should be a multiple of 3")]),
        ({"multipleOf": 3}, float("inf"), [("", "Input should be a multiple of 3")]),
        ({"minLength": 1}, "", [("", "String should have at least 1 character")]),
        ({"minLength": 2}, "ab", []),
        ({"maxLength": 2}, "abc", [("", "String should have at most 2 characters")]),
        ({"maxLength": 2}, "ab", []),
        ({"pattern": "^a"}, "ba", [("", "String should match pattern '^a'")]),
        ({"pattern": "^a"}, 5, []),
        ({"minItems": 1}, [], [("", "List should have at least 1 item, not 0")]),
        ({"maxItems": 1, "items": False}, [1, 2], [("", "List should have at most 1 item, not 2")]),
        ({"items": False}, [1], [("[0]", "must be left out")]),
        ({"prefixItems": [{"type": "null"}], "items": False}, [None, 1], [("[1]", "must be left out")]),
        ({"uniqueItems": True}, [1, True, "1"], []),
        ({"uniqueItems": True}, [1, 1.0], [("", "List should hold each item once")]),
        ({"uniqueItems": False}, [1, 1], []),
        ({"contains": {"const": 1}}, [2], [("", "List should hold at least 1 item that it must contain")]),
        ({"contains": {"const": 1}, "minContains": 0}, [2], []),
        (
            {"contains": {"const": 1}, "maxContains": 1},
            [1, 1],
            [("", "List should hold at most 1 item that it must contain")],
        ),
        ({"minProperties": 1}, {}, [("", "Object should have at least 1 entry, not 0")]),
        ({"maxProperties": 1}, {"a": 1, "b": 1}, [("", "Object should have at most 1 entry, not 2")]),
        (
            {"propertyNames": {"maxLength": 1}},
            {"ab": 1},
            [("ab", "has a name that does not fit: String should have at most 1 character")],
        ),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, [("b", "is required beside 'a'")]),
        ({"dependentRequired": {"a": ["b"]}}, {"b": 1}, []),
        ({"dependentSchemas": {"a": {"required": ["c"]}}}, {"a": 1}, [("c", "is required")]),
        ({"dependentSchemas": {"a": {"required": ["c"]}}}, {"b": 1}, []),
        ({"additionalProperties": {"type": "null"}}, {"a": 1}, [("a", "Input should be null")]),
        (
            {"patternProperties": {"^a": {"type": "null"}}, "additionalProperties": False},
            {"ab": 1},
            [("ab", "Input should be null")],
        ),
        ({"patternProperties": {"^(?=a)": False}, "additionalProperties": False}, {"ab": 1}, []),
        ({"not": {"type": "null"}}, None, [("", "has a form that this parameter must not have")]),
        (
            {"if": {"minimum": 5}, "then": {"maximum": 9}, "else": {"minimum": 1}},
            10,
            [("", "Input should be less than or equal to 9")],
        ),
        (
            {"if": {"minimum": 5}, "then": {"maximum": 9}, "else": {"minimum": 1}},
            0,
            [("", "Input should be greater than or equal to 1")],
        ),
        ({"if": {"minimum": 5}}, 0, []),
        (
            {"allOf": [{"minimum": 5}, {"multipleOf": 2}]},
            1,
            [("", "Input should be greater than or equal to 5"), ("", "Input should be a multiple of 2")],
        ),
        (
            {"oneOf": [{"minimum": 1}, {"minimum": 2}]},
            3,
            [("", "fits 2 of its alternatives; it must fit exactly one")],
        ),
        ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 1, []),
        (
            {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 2}]},
            1,
            [("", "Input should be greater than or equal to 2")],
        ),
        ({"anyOf": [{"required": ["a", "b"]}, {"required": ["c"]}]}, {}, [("c", "is required")]),
        (
            {"properties": {"a": {"items": {"properties": {"b": {"type": "null"}}}}}},
            {"a": [{}, {"b": 1}]},
            [("a[1].b", "Input should be null")],
        ),
        (
            {"additionalProperties": False},
            {"x" * 100: 1},
            [("x" * 64, "is not a parameter of this job type; leave it out or correct its name")],
        ),
    ],
)
def test_a_violation_names_the_place_and_the_rule(
    schema: dict[str, Any], value: Any, violations: list[tuple[str, str]]
) -> None:
    assert compile_schema(schema).violations(value) == violations


def test_a_pattern_costs_the_steps_that_it_tells() -> None:
    schema = {"items": {"pattern": "a"}}
    assert compile_schema(schema, steps=400).violations(["a"] * 100) == []
    assert "can't be checked" in compile_schema(schema, steps=2_000).violations(["a"] * 100)[0][1]


DOUBLING = {
    "$ref": "#/$defs/a0",
    "$defs": {
        **{
            f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}, {"$ref": f"#/$defs/a{n + 1}"}]}
            for n in range(40)
        },
        "a40": {"type": "object"},
    },
}
WIDE = {"items": {"anyOf": [*[{"type": "string"}] * 500, {"type": "integer"}]}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, {}),
        ({"allOf": [{"$ref": "#"}]}, {}),
        ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, {}),
        ({"not": {"$ref": "#"}}, {}),
        (DOUBLING, {}),
        (WIDE, [1] * 60_000),
    ],
    ids=["itself", "all-of-itself", "any-of-itself", "not-itself", "doubling", "wide"],
)
def test_no_schema_takes_long(schema: dict[str, Any], value: Any) -> None:
    """The largest number of steps takes about two seconds on the machine of the tests, a small value's far less."""
    read = compile_schema(schema)
    began = time.process_time()
    found = read.violations(value)
    assert time.process_time() - began < 10
    assert any("can't be checked" in message for _, message in found)


@pytest.mark.slow
def test_no_names_are_compared_for_alternatives_that_are_not_told() -> None:
    """A list of the second of two models, whose names are like those of the first one."""
    first, second = (
        {"properties": {f"{name}_{n:02}": {} for n in range(40)}, "additionalProperties": False}
        for name in ("parameter", "paramter")
    )
    schema = compile_schema({"properties": {"rows": {"items": {"anyOf": [first, second]}}}})
    rows = [{f"paramter_{n:02}": 1 for n in range(10)} for _ in range(500)]
    began_s = time.process_time()
    assert schema.violations({"rows": rows}) == []
    assert time.process_time() - began_s < 4
    (fault,) = compile_schema(first).violations({"paramter_07": 1})
    assert fault[1].endswith("; did you mean 'parameter_07'?")


def test_long_choices_are_written_once_in_a_check() -> None:
    choices = [["y"] * 700 for _ in range(10)]
    schema = compile_schema({"properties": {"rows": {"items": {"anyOf": [{"enum": choices}, {}]}}}})
    began_s = time.process_time()
    assert schema.violations({"rows": [1] * 20_000}) == []
    assert time.process_time() - began_s < 5


def test_many_faults_are_cut() -> None:
    assert len(compile_schema({"items": {"type": "string"}}).violations([1] * 1_000)) == 50


@pytest.mark.parametrize(
    ("schema", "place", "says"),
    [
        ([], "#", "must be an object"),
        ({"type": "text"}, "#/type", "must be one of string"),
        ({"properties": {"a/b": {"minimum": "1"}}}, "#/properties/a~1b/minimum", "must be a number"),
        ({"properties": {"a": {"minimum": True}}}, "#/properties/a/minimum", "must be a number"),
        ({"multipleOf": 0}, "#/multipleOf", "more than 0"),
        ({"items": [{"type": "string"}]}, "#/items", "prefixItems"),
        ({"items": 1}, "#/items", "must be a schema"),
        ({"anyOf": []}, "#/anyOf", "at least one schema"),
        ({"properties": []}, "#/properties", "object of schemas"),
        ({"required": "a"}, "#/required", "list of names"),
        ({"dependentRequired": {"a": "b"}}, "#/dependentRequired", "list of names for each name"),
        ({"enum": []}, "#/enum", "at least one value"),
        ({"uniqueItems": 1}, "#/uniqueItems", "true or false"),
        ({"minLength": -1}, "#/minLength", "from 0 on"),
        ({"pattern": 1}, "#/pattern", "must be a string"),
        ({"$ref": "#/$defs/none"}, "#/$ref", "no schema inside this one"),
        ({"$ref": "https://example.org/schema.json"}, "#/$ref", "no schema inside this one"),
        ({"$ref": "#/default", "default": {}}, "#/$ref", "no schema inside this one"),
        ({"default": float("nan")}, "#", "is no JSON"),
        ({"title": "x" * limits.MAX_SCHEMA_BYTES}, "#", "bytes; at most 32,768"),
        ({"anyOf": [{"pattern": f"^{n}$"} for n in range(51)]}, "#/anyOf/50/pattern", "at most 50"),
    ],
)
def test_a_fault_of_a_schema_is_named(schema: Any, place: str, says: str) -> None:
    with pytest.raises(SchemaFault) as raised:
        compile_schema(schema)
    assert raised.value.place == place
    assert says in raised.value.message


def test_a_bound_may_be_larger_than_any_float() -> None:
    large = 10**400
    check = compile_schema({"properties": {"a": {"minimum": large}, "b": {"multipleOf": large}}})
    assert [path for path, _ in check.violations({"a": 1.5, "b": 2.5})] == ["a", "b"]
    assert check.violations({"a": large, "b": 3 * large}) == []


def test_a_schema_is_nested_so_deep_at_most() -> None:
    schema: dict[str, Any] = {}
    for _ in range(limits.MAX_SCHEMA_DEPTH):
        schema = {"not": schema}
    with pytest.raises(SchemaFault, match="levels deep"):
        compile_schema(schema)


def test_a_reference_may_have_escaped_characters() -> None:
    read = compile_schema({"$ref": "#/$defs/List%5Bint%5D", "$defs": {"List[int]": {"type": "integer"}}})
    assert read.violations("a") == [("", "Input should be a valid integer")]
