"""docs/reference/aws-truth.md lists every shape of a call, and a source for AWS's answer to each of its words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.harness.contract.call_shapes import Shape, shapes_of
from tests.harness.contract.shapes import BEGIN, PAGE, generated_part, listed, rendered
from tests.harness.contract.truths import TRUTHS, truths_of, unaccounted
from tests.harness.faults.sites import ROOT, find_sites

_TRUTH = re.compile(r"`([a-z-]+)`")


def told() -> set[str]:
    """Returns the truths that the page's tables list."""
    rows = [
        line
        for line in PAGE.read_text(encoding="utf-8").partition(BEGIN)[0].splitlines()
        if line[:3] == "| `"
    ]
    return {name for row in rows for name in _TRUTH.findall(row.split(" | ")[0])}


def test_every_place_that_calls_aws_has_a_shape() -> None:
    sites, _ = find_sites()
    places = {f"{site.module}: {site.function}" for site in sites}
    assert {place for row in listed().values() for place in row.sites} == places


def test_every_truth_is_told_once_and_something_is_told_of_every_word() -> None:
    assert told() == set(TRUTHS)
    for shape in listed():
        assert not unaccounted(shape.operation, shape.text), shape


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"\btest_\w+\.py", PAGE.read_text(encoding="utf-8")))
    assert named
    assert named <= {file.name for file in (ROOT / "tests").rglob("test_*.py")}


def test_the_shapes_are_as_they_were_written() -> None:
    written = generated_part(PAGE.read_text(encoding="utf-8"))
    assert written.strip() == rendered({shape: row.sites for shape, row in listed().items()}).strip()
    for shape, row in listed().items():
        assert list(row.truths) == truths_of(shape.operation, shape.text), shape


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Jobs · key(job_id) · Update: SET … = ?S · Condition: state = ?S", []),
        (
            "Jobs · key(job_id) · Update: SET … = ?S · Condition: begins_with(state, ?S)",
            ["begins_with(", "?S"],
        ),
        (
            "Jobs · key(job_id) · Update: SET … = ?S · Condition: state BETWEEN ?S AND ?S",
            ["BETWEEN", "?S", "?S"],
        ),
    ],
)
def test_a_word_that_nothing_is_known_of_is_noticed(text: str, words: list[str]) -> None:
    assert unaccounted("UpdateItem", text) == words


def test_a_shape_depends_on_no_value() -> None:
    def update(job_id: str, states: list[str], **more: Any) -> Any:
        marks = ", ".join(f":v{number}" for number in range(len(states)))
        return {
            "TableName": "some-stack-Jobs",
            "Key": {"job_id": {"S": job_id}},
            "UpdateExpression": "SET #worker_id = :w, #sent_at = :n REMOVE #held_in",
            "ConditionExpression": f"#state IN ({marks})",
            "ExpressionAttributeNames": {
                f"#{name}": name for name in ("worker_id", "sent_at", "held_in", "state")
            },
            "ExpressionAttributeValues": {
                ":w": {"S": "w"},
                ":n": {"N": "1"},
                **{f":v{number}": {"S": state} for number, state in enumerate(states)},
            },
            **more,
        }

    one, other = update("a", ["READY"]), update("b", ["READY", "QUEUED"], TableName="Jobs")
    expected = "Jobs · key(job_id) · Update: SET … = ?N/S REMOVE … · Condition: state IN (?S, …)"
    assert shapes_of("UpdateItem", one) == shapes_of("UpdateItem", other) == [Shape("UpdateItem", expected)]
    statement = (
        'UPDATE "x-Jobs" SET "a" = ? SET "b" = ? WHERE "job_id" = ? AND "state" IN [?, ?] RETURNING ALL NEW *'
    )
    parameters = [{"S": "1"}, {"N": "1"}, {"S": "j"}, {"S": "A"}, {"S": "B"}]
    asked = {"Statements": [{"Statement": statement, "Parameters": parameters}] * 2}
    text = 'UPDATE "Jobs" SET "…" = ?N/S WHERE "job_id" = ?S AND "state" IN [?S, …] RETURNING ALL NEW *'
    assert shapes_of("BatchExecuteStatement", asked) == [Shape("BatchExecuteStatement", text)]
