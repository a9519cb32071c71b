"""The check by a JSON Schema: it agrees with the reference implementation, and its cost is bounded."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

import hypothesis.strategies as st
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import BaseModel, ConfigDict, Field

from tidegate.adapters.executors.json_schema import compile_schema
from tidegate.domain import limits

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, 1.0, -2.0, 1e300])
    | st.sampled_from(["", "a", "b", "ab", "aab", "1"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "ab", "c"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KINDS = ["string", "integer", "number", "boolean", "object", "array", "null"]
PATTERNS = ["^a", "b$", "[0-9]", "^(a|b)+$"]


def _plain_keywords() -> st.SearchStrategy[dict[str, Any]]:
    count = st.integers(0, 3)
    number = st.sampled_from([-2, 0, 1, 2, 0.5, 1.0])
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(KINDS)
            | st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "minimum": number,
            "exclusiveMaximum": number,
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "minLength": count,
            "maxLength": count,
            "pattern": st.sampled_from(PATTERNS),
            "minItems": count,
            "maxItems": count,
            "uniqueItems": st.booleans(),
            "minProperties": count,
            "maxProperties": count,
            "required": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
            "dependentRequired": st.just({"a": ["b"]}),
            "format": st.just("date-time"),
            "title": st.just("anything"),
        },
    )


def _with_parts(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    parts = st.fixed_dictionaries(
        {},
        optional={
            "properties": named,
            "patternProperties": st.dictionaries(st.sampled_from(PATTERNS), inner, max_size=2),
            "additionalProperties": inner,
            "propertyNames": inner,
            "items": inner,
            "prefixItems": several,
            "contains": inner,
            "minContains": st.integers(0, 2),
            "maxContains": st.integers(0, 2),
            "allOf": several,
            "anyOf": several,
            "oneOf": several,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "dependentSchemas": named,
            "$ref": st.sampled_from(["#/$defs/one", "#/$defs/two"]),
        },
    )
    return st.tuples(_plain_keywords(), parts).map(lambda both: {**both[0], **both[1]})


PARTS = st.recursive(st.booleans() | _plain_keywords(), _with_parts, max_leaves=6)


@given(part=PARTS, two=_plain_keywords(), value=VALUES)
@settings(max_examples=600, suppress_health_check=list(HealthCheck), deadline=None)
def test_it_agrees_with_the_reference_implementation(part: Any, two: dict[str, Any], value: Any) -> None:
    """`jsonschema` is the validator of reference for Python. It follows a reference as it finds it."""
    schema = {
        "allOf": [part],
        "$defs": {"one": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/two"}]}, "two": two},
    }
    if _refers_into_itself(two):
        return
    expected = jsonschema.Draft202012Validator(schema).is_valid(value)
    read = compile_schema(schema)
    assert (read.violations(value) == []) is expected
    assert read.unchecked == ()


def _refers_into_itself(part: Any) -> bool:
    return "$ref" in part


class Cat(BaseModel):
    """One member of a union with a discriminator."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    """The other member."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["dog"]
    name: str = Field(min_length=2)


class Tree(BaseModel):
    """A model that holds itself."""

    model_config = ConfigDict(extra="forbid")
    children: list[Tree] = Field(default_factory=list)


class Render(BaseModel):
    """A model with most of what parameters have."""

    model_config = ConfigDict(extra="forbid")
    rows: int = Field(ge=1)
    title: str | None = None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    tags: dict[str, str] = Field(default_factory=dict, max_length=2)
    level: Literal["low", "high"] = "low"
    tree: Tree | None = None
    pair: tuple[int, str] = (1, "a")
    code: str = Field(default="AB", pattern="^[A-Z]{2}$")


RENDER = compile_schema(Render.model_json_schema())


@pytest.mark.parametrize(
    ("parameters", "violations"),
    [
        ({"rows": 1}, []),
        ({"rows": 1.0, "title": None, "tree": {"children": [{}, {"children": []}]}}, []),
        ({}, [("rows", "is required")]),
        ({"rows": "1"}, [("rows", "Input should be a valid integer")]),
        ({"rows": True}, [("rows", "Input should be a valid integer")]),
        ({"rows": 0}, [("rows", "Input should be greater than or equal to 1")]),
        (
            {"row": 1, "rows": 1},
            [
                (
                    "row",
                    "is not a parameter of this job type; leave it out or correct its name; did you mean 'rows'?",
                )
            ],
        ),
        ({"rows": 1, "title": 5}, [("title", "Input should be a valid string or null")]),
        ({"rows": 1, "level": "mid"}, [("level", "Input should be 'low' or 'high'")]),
        (
            {"rows": 1, "pet": {"kind": "cat", "lives": 10}},
            [("pet.lives", "Input should be less than or equal to 9")],
        ),
        ({"rows": 1, "pet": {"kind": "cow"}}, [("pet.kind", "Input should be 'cat' or 'dog'")]),
        (
            {"rows": 1, "tags": {"a": 1, "b": "2", "c": "3"}},
            [
                ("tags", "Object should have at most 2 entries, not 3"),
                ("tags.a", "Input should be a valid string"),
            ],
        ),
        ({"rows": 1, "code": "ab"}, [("code", "String should match pattern '^[A-Z]{2}$'")]),
        ({"rows": 1, "pair": [1, 2]}, [("pair[1]", "Input should be a valid string")]),
        ({"rows": 1, "pair": [1]}, [("pair", "List should have at least 2 items, not 1")]),
        (
            {"rows": 1, "tree": {"children": [{"children": [{"kids": []}]}]}},
            [
                (
                    "tree.children[0].children[0].kids",
                    "is not a parameter of this job type; leave it out or correct its name",
                )
            ],
        ),
    ],
)
def test_a_violation_names_the_place_and_the_fix(parameters: Any, violations: list[tuple[str, str]]) -> None:
    assert RENDER.violations(parameters) == violations
    assert RENDER.unchecked == ()


def test_a_secret_that_was_sent_stands_in_no_message() -> None:
    sent: Any = {
        "rows": "hush",
        "title": ["hush"],
        "level": "hush",
        "code": "hush",
        "pair": ["hush"],
        "tags": {"a": {"hush": 1}},
    }
    assert "hush" not in str(RENDER.violations(sent))


def test_parameters_of_the_greatest_depth_are_checked() -> None:
    tree: dict[str, Any] = {}
    for _ in range(limits.MAX_PARAMETERS_DEPTH // 2 - 1):
        tree = {"children": [tree]}
    assert compile_schema(Tree.model_json_schema()).violations(tree) == []


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"pattern": "(?=a)b"}, "#/pattern: has a regular expression that does not compile: look-around"),
        ({"pattern": r"\w{500}"}, "#/pattern: has a regular expression of more than 2,000 states"),
        (
            {"patternProperties": {"(?=a)b": {"type": "string"}}},
            "#/patternProperties: has a regular expression",
        ),
        ({"unevaluatedProperties": False}, "#/unevaluatedProperties: is no keyword that is checked here"),
        ({"minimun": 1}, "#/minimun: is no keyword that is checked here; did you mean 'minimum'?"),
    ],
)
def test_a_keyword_that_is_not_checked_is_named_and_refuses_nothing(
    schema: dict[str, Any], place: str
) -> None:
    read = compile_schema(schema)
    assert len(read.unchecked) == 1
    assert read.unchecked[0].startswith(place)
    assert read.violations("anything") == []
    assert read.violations({"a": 1}) == []


def test_the_search_for_a_pattern_counts_as_steps() -> None:
    """This pattern is slow in each of the texts; without its steps the check would take minutes."""
    read = compile_schema({"items": {"pattern": "[^c]{150}$"}})
    assert read.unchecked == ()
    began = time.process_time()
    found = read.violations(["é" * 50_000] * 5)
    assert time.process_time() - began < 10
    assert "can't be checked" in found[-1][1]
