from __future__ import annotations

from tests.harness.domain.documents import read_document, table_rows
from tidegate.domain import limits


def test_the_document_holds_every_limit_with_its_value() -> None:
    written = {
        name.strip("`"): int(value.replace(",", ""))
        for name, value, _ in table_rows(read_document("reference/limits.md"), "name")
    }
    assert written == {name: value for name, value in vars(limits).items() if name.isupper()}


def test_defaults_lie_within_their_limits() -> None:
    assert limits.MIN_PRIORITY <= limits.DEFAULT_PRIORITY <= limits.MAX_PRIORITY
    assert limits.DEFAULT_TIMEOUT_SECONDS <= limits.MAX_TIMEOUT_SECONDS
    assert limits.DEFAULT_MAX_RETRIES <= limits.MAX_RETRIES
    assert limits.DEFAULT_BACKOFF_SECONDS <= limits.DEFAULT_MAX_BACKOFF_SECONDS <= limits.MAX_BACKOFF_SECONDS
    assert limits.DEFAULT_PAGE_SIZE <= limits.MAX_PAGE_SIZE
