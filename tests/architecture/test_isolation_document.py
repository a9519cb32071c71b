"""docs/isolation.md lists the variables that job code gets, and no other."""

from __future__ import annotations

from tests.domain.documents import read_document, table_rows
from tidegate.adapters.job_environment import ALWAYS_PASSED, VARIABLE
from tidegate.settings import read_settings

DOCUMENT = read_document("isolation.md")


def test_the_page_lists_each_variable_that_is_passed() -> None:
    assert [row[0].strip("`") for row in table_rows(DOCUMENT, "variable")] == sorted(ALWAYS_PASSED)


def test_the_page_names_the_options_of_an_operator() -> None:
    for option in (VARIABLE, "TIDEGATE_REUSE_JOB_PROCESSES"):
        assert option in DOCUMENT
        assert option in read_settings.__code__.co_consts
