"""One word for one thing: words that docs/glossary.md retires stand nowhere in code and pages."""

from __future__ import annotations

import re

import pytest

from tests.harness.tracked import ROOT, tracked

# These say which words are retired, or what they were called when they were new.
EXEMPT = {"CHANGELOG.md", "docs/glossary.md", "tests/architecture/test_words.py"}
PICTURE = ".png"
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
    r"(many|listing)_moves|moves_failures|MovingJobs": "transition",
    r"(jobs?|transitions?|phase)([ _](that|may|can|can_?not|has|have|still))*[ _](moves?|moved)": "transition",
    r"mov(e|es|ed|ing)[ _]((a|its|the)[ _])?jobs?(?!')": "transition",
    r"(worker|window|pool)(s|'s)?[ _]places?|(free|taken)[ _]places?|places?[ _]for[ _](a|one)[ _]job": "slot",
    r"places?[ _](of|in)[ _](a|its|the)[ _](worker|window|pool)|free[ _]rooms?": "slot",
    r"(stor(e|es|ed|ing)|keeps?|kept|loaded) apart": "overflow",
    r"job[ _-]?handlers?|handlers?[ _](of|for)[ _]((a|the)[ _])?(job|type)s?": "job code",
    r"g(ive|ives|ave|iven|iving)[ _]((a|its|the|their|those)[ _])?(job|message)s?[ _]back": "hand back",
    r"g(ive|ives|ave|iven|iving)[ _]back[ _]((a|its|the|their|those)[ _])?(job|message)s?": "hand back",
    r"tidegate_worker\.room": "look-ahead",
    r"(input|result|dependents)_apart|stored apart": "overflow",
}


def found_in(text: str, pattern: str) -> list[int]:
    """Returns the numbers of the lines in which the pattern stands as a word, or as a word of a longer name."""
    word = re.compile(rf"(?<![A-Za-z])({pattern})(?![A-Za-z])", re.IGNORECASE)
    return [number for number, line in enumerate(text.splitlines(), 1) if word.search(line)]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    named = {str(file.relative_to(ROOT)): file for file in tracked() if file.suffix != PICTURE}
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


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("a job that has moved on", "transition"),
        ("def test_a_transition_moves_its_job", "transition"),
        ("how many jobs moved", "transition"),
        ("moves the job to READY", "transition"),
        ("the worker's places are free", "slot"),
        ("free_places: int", "slot"),
        ("a place of the worker", "slot"),
        ("large input is stored apart", "overflow"),
        ("the handler of a job", "job code"),
        ("JobHandler", "job code"),
        ("gives its jobs back", "hand back"),
        ("may give back the job", "hand back"),
    ],
)
def test_a_word_is_found_in_the_meaning_that_is_retired(said: str, instead: str) -> None:
    assert instead in {RETIRED[pattern] for pattern in RETIRED if found_in(said, pattern)}


@pytest.mark.parametrize(
    "said",
    [
        "the stack moves to another port",
        "Moves the job's input to the overflow",
        "a place in the order of packages",
        "they come minutes apart",
        "a signal handler of the process",
        "gives the permit of a job back",
        "a worker gives back its lease",
    ],
)
def test_a_word_that_is_retired_in_another_meaning_may_be_said(said: str) -> None:
    assert not [pattern for pattern in RETIRED if found_in(said, pattern)]


def test_there_are_texts_to_read(texts: dict[str, str]) -> None:
    assert len(texts) > 500
