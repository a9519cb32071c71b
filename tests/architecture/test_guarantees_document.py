"""docs/explanation/guarantees.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.harness.domain.documents import read_document, table_rows

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = read_document("explanation/guarantees.md")


def test_every_promise_names_what_keeps_it_and_tests_that_exist() -> None:
    rows = table_rows(DOCUMENT, "promise")
    assert len(rows) > 10
    for promise, mechanism, tests in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)`", tests)
        assert mechanism, promise
        assert named, promise
        assert not [path for path in named if not (ROOT / path).is_file()], promise
