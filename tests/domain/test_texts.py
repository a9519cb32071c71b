"""Characters that are forbidden in names, as docs/reference/limits.md lists them."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest

from tests.harness.domain.documents import read_document
from tidegate.domain.texts import UNPRINTABLE, is_plain, plain_message

JOINERS = {"\u200c", "\u200d"}
_LISTED = re.compile(r"U\+([0-9A-F]{4,5})(?:\u2013([0-9A-F]{4,5}))?")


def _documented() -> set[str]:
    """Returns the forbidden characters, which the page lists before the allowed ones."""
    section = read_document("reference/limits.md").partition("## Characters")[2].partition("joiners")[0]
    found: set[str] = set()
    for first, last in _LISTED.findall(section):
        found |= {chr(number) for number in range(int(first, 16), int(last or first, 16) + 1)}
    return found


def test_the_page_lists_each_of_them_and_no_other() -> None:
    refused = {chr(number) for number in range(sys.maxunicode + 1) if not is_plain(chr(number))}
    assert refused == _documented()
    assert not refused & JOINERS


def test_they_are_marks_that_nothing_shows() -> None:
    for mark in _documented():
        assert unicodedata.category(mark) in {"Cc", "Cf", "Zl", "Zp", "Cn"}, ascii(mark)


@pytest.mark.parametrize("place", ["{}b", "a{}", "a{}b"])
def test_one_anywhere_is_noticed(place: str) -> None:
    assert not is_plain(place.format("\u202e"))
    assert is_plain(place.format(" "))
    assert is_plain("")


def test_a_message_shows_a_question_mark_for_each_and_keeps_its_layout() -> None:
    assert plain_message("a\x00b\x9bc\u202ed") == "a?b?c?d"
    assert plain_message("one\ttwo\r\nthree\r") == "one\ttwo\nthree"
    assert plain_message("caf\udce9") == "caf?"
    assert plain_message("naïve 日本語 👩\u200d🔬") == "naïve 日本語 👩\u200d🔬"


def test_a_pattern_of_them_says_the_same() -> None:
    ranges = re.findall(r"\\x\{([0-9a-f]+)\}-\\x\{([0-9a-f]+)\}", UNPRINTABLE)
    named = {chr(number) for first, last in ranges for number in range(int(first, 16), int(last, 16) + 1)}
    assert named == _documented()
    assert "".join(rf"\x{{{first}}}-\x{{{last}}}" for first, last in ranges) == UNPRINTABLE
