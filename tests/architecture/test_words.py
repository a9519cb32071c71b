"""One word for one thing: words that docs/glossary.md retires stand nowhere in code and pages."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# These say which words are retired, or what they were called when they were new.
EXEMPT = {"CHANGELOG.md", "docs/glossary.md", "tests/architecture/test_words.py"}
SUFFIXES = {".py", ".md", ".yaml", ".toml", ".json"}
# Each pattern must not occur, whatever the case of its letters. Beside it stands the word that is used instead.
RETIRED = {
    r"catalogues?": "registry",
    r"bonus(es)?": "boost",
    r"\w*taken[ _]up": "held",
    r"(own_|old_)?news|OwnNews": "change",
    r"DependencyUnavailable": "ServiceUnavailable",
    r"HandlerError|handler-error": "JobError, job-error",
    r"tidegate[./]handlers": "tidegate.jobs",
    r"MoveOutcome|DynamoMoves|move_phase_if": "transition",
    r"release_if_not_asked|leases\.release": "give back",
    r"window_places|free_places": "slot",
    r"tidegate_worker\.room": "look-ahead",
}


def text_files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"],  # noqa: S607 - git is looked up on the PATH like any developer's tool
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [
        name
        for name in listed
        if name not in EXEMPT and Path(name).suffix in SUFFIXES and (ROOT / name).is_file()
    ]


def found_in(text: str, pattern: str) -> list[int]:
    """Returns the numbers of the lines in which the pattern stands as a word."""
    word = re.compile(rf"(?<![\w-])({pattern})(?![\w-])", re.IGNORECASE)
    return [number for number, line in enumerate(text.splitlines(), 1) if word.search(line)]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in text_files()}


@pytest.mark.parametrize("pattern", RETIRED)
def test_a_retired_word_stands_nowhere(texts: dict[str, str], pattern: str) -> None:
    lines = [f"{name}:{number}" for name, text in texts.items() for number in found_in(text, pattern)]
    assert not lines, f"say {RETIRED[pattern]} instead"


def test_words_are_found_where_they_stand() -> None:
    assert found_in("one\nthe Catalogue of types\ncatalogued", r"catalogues?") == [2]
    assert found_in("from tidegate.handlers import job", r"tidegate[./]handlers") == [1]


def test_there_are_texts_to_read(texts: dict[str, str]) -> None:
    assert len(texts) > 500
