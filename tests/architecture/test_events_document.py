"""docs/reference/events.md tells each field of each event, and shows each event as it is."""

from __future__ import annotations

import json
import re

import pytest

from tests.harness.contract.envelopes import envelope_of
from tests.harness.domain.documents import read_document, table_rows
from tests.harness.domain.event_samples import EVENTS_OUT
from tidegate.domain.events import EventType

DOCUMENT = read_document("reference/events.md")
ENVELOPES = [envelope_of(event) for event in EVENTS_OUT.values()]
DETAILS = [envelope["detail"] for envelope in ENVELOPES]
GIVEN_BY_AWS = {"version", "account", "region", "resources"}


def names(heading: str, *, table: int = 0) -> list[str]:
    return [row[0].strip("`") for row in table_rows(DOCUMENT, heading, table=table)]


def test_the_page_lists_each_type() -> None:
    assert names("type") == list(EventType)
    sections = re.findall(r"^### (.+)$", DOCUMENT, re.MULTILINE)
    assert sections == list(EventType)


def test_the_page_lists_the_fields_of_every_event() -> None:
    assert set(names("field")) == ENVELOPES[0].keys() - GIVEN_BY_AWS
    assert set(names("field", table=1)) == set.intersection(*(set(detail) for detail in DETAILS))


@pytest.mark.parametrize("part", ["job", "workflow", "worker", "deadline"])
def test_the_page_lists_each_field_of_a_part(part: str) -> None:
    for detail in DETAILS:
        assert part not in detail or names(f"field of `{part}`") == list(detail[part])


def test_the_examples_are_the_samples() -> None:
    shown = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]
    assert sorted(shown, key=str) == sorted(DETAILS, key=str)
