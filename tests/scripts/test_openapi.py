"""docs/reference/openapi.json is made from the code, is whole, and says what the API answers."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dev.openapi.examples import body_to, kept_answers
from dev.scripts.openapi import KEPT, text
from tests.harness.functions.route_table import route_of
from tidegate.api import reading
from tidegate.contracts.route import PARTS, Route
from tidegate.contracts.routes import ROUTES
from tidegate.domain.verdicts import FinishVerdict

DOCUMENT: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
ANSWERS = [answer for answer in kept_answers() if route_of(answer.method, answer.path) is not None]


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yields every object inside a value, itself included."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def _at(place: str) -> dict[str, Any]:
    """Returns the part of the document that a reference names."""
    found: Any = DOCUMENT
    for name in place.removeprefix("#/").split("/"):
        found = found[name]
    assert isinstance(found, dict)
    return found


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    return _at(part["$ref"]) if "$ref" in part else part


def _closed() -> dict[str, Any]:
    """Returns the named schemas, but with answers that take no field besides those that are described."""
    schemas = copy.deepcopy(DOCUMENT["components"]["schemas"])
    for schema in schemas.values():
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return {"schemas": schemas}


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(
        {**schema, "components": _closed()}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def test_the_document_is_up_to_date() -> None:
    assert KEPT.read_text(encoding="utf-8") == text(), "run: python -m dev.scripts.openapi"


def test_the_times_and_the_verdicts_of_answers_are_described_as_such() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    texts = {
        f"{schema}.{name}": part
        for schema in schemas
        if schema.endswith("Out")
        for name, field in schemas[schema].get("properties", {}).items()
        for part in field.get("anyOf", [field])
        if part.get("type") == "string" and re.fullmatch(r"at|\w+_(at|to)|since|until|median|low|high", name)
    }
    assert texts
    assert {name for name, part in texts.items() if part.get("format") != "date-time"} == set()
    assert set(_resolved(schemas["FinishByOut"]["properties"]["verdict"])["enum"]) == set(FinishVerdict)


def test_every_reference_leads_somewhere() -> None:
    for part in _parts(DOCUMENT):
        if isinstance(part.get("$ref"), str):
            assert _at(part["$ref"])


def test_every_schema_is_one() -> None:
    for part in _parts(DOCUMENT):
        if isinstance(part.get("schema"), dict):
            Draft202012Validator.check_schema(part["schema"])
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [part["operationId"] for part in _parts(DOCUMENT["paths"]) if "operationId" in part]
    assert len(set(names)) == len(names) == len(ROUTES)


@pytest.mark.parametrize(
    "answer", ANSWERS, ids=lambda answer: f"{answer.method} {answer.path} {answer.status}"
)
def test_every_kept_answer_is_described(answer: Any) -> None:
    route = route_of(answer.method, answer.path)
    assert route is not None
    described = _resolved(
        DOCUMENT["paths"][route.path][answer.method.lower()]["responses"][str(answer.status)]
    )
    (content,) = described["content"].values()
    _validator(content["schema"]).validate(answer.body)


@pytest.mark.parametrize(
    "route", [each for each in ROUTES if body_to(each) is not None], ids=lambda route: route.path
)
def test_every_sample_body_is_described(route: Route) -> None:
    body = DOCUMENT["paths"][route.path][route.method.lower()]["requestBody"]
    for content in body["content"].values():
        _validator(content["schema"]).validate(content["example"])


def test_every_route_that_reads_has_an_example() -> None:
    for route in ROUTES:
        if route.role is not None and route.method == "GET":
            answered = DOCUMENT["paths"][route.path]["get"]["responses"]["200"]
            assert "example" in answered["content"]["application/json"], (
                f"{route.path}: add it to every_answer.py"
            )


def test_ids_have_the_form_that_the_api_looks_up() -> None:
    forms = {
        name: DOCUMENT["paths"][f"/v1/{name[:-3]}s/{{{name}}}"]["get"]["parameters"][0]
        for name in list(PARTS)[:2]
    }
    assert forms["job_id"]["schema"]["pattern"] == f"^{reading.JOB_ID.pattern}$"
    assert forms["workflow_id"]["schema"]["pattern"] == f"^{reading.ULID.pattern}$"
