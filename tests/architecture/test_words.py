"""One word for one thing: words that docs/glossary.md retires stand nowhere in code and pages."""

from __future__ import annotations

import re

import pytest

from tests.harness.tracked import ROOT, tracked

# These say which words are retired, or what they were called when they were new.
EXEMPT = {"CHANGELOG.md", "docs/glossary.md", "tests/architecture/test_words.py"}
# Each pattern must not occur, whatever the case of its letters. Beside it stands the word that is used instead.
RETIRED = {
    r"catalogues?": "registry",
    r"bonus(es)?": "boost",
    r"taken[ _]up": "held",
    r"news|OwnNews": "change",
    r"DependencyUnavailable": "ServiceUnavailable",
    r"HandlerError|handler-error": "JobError, job-error",
    r"tidegate[./]handlers": "tidegate.jobs",
    r"MoveOutcome|DynamoMoves|move_phase_if": "transition",
    r"release_if_not_asked|leases\.release": "give back",
    r"window_places|free_places": "slot",
    r"tidegate_worker\.room": "look-ahead",
    r"(input|result|dependents)_apart|stored apart": "overflow",
}


def found_in(text: str, pattern: str) -> list[int]:
    """Returns the numbers of the lines in which the pattern stands as a word, or as a word of a longer name."""
    word = re.compile(rf"(?<![A-Za-z])({pattern})(?![A-Za-z])", re.IGNORECASE)
    return [number for number, line in enumerate(text.splitlines(), 1) if word.search(line)]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    named = {str(file.relative_to(ROOT)): file for file in tracked()}
    return {name: file.read_text(encoding="utf-8") for name, file in named.items() if name not in EXEMPT}


@pytest.mark.parametrize("pattern", RETIRED)
def test_a_retired_word_stands_nowhere(texts: dict[str, str], pattern: str) -> None:
    lines = [f"{name}:{number}" for name, text in texts.items() for number in found_in(text, pattern)]
    assert not lines, f"say {RETIRED[pattern]} instead"


def test_words_are_found_where_they_stand() -> None:
    assert found_in("one\nthe Catalogue of types\ncatalogued", r"catalogues?") == [2]
    assert found_in("from tidegate.handlers import job", r"tidegate[./]handlers") == [1]
    assert found_in("def news_comes() -> None:", "news") == [1]
    assert found_in("self._leases.release(lease)", r"leases\.release") == [1]


def test_there_are_texts_to_read(texts: dict[str, str]) -> None:
    assert len(texts) > 500
