"""Parsers for options that take one of some words, in any case, with a hint for a typing mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

import typer

from tidegate.domain.suggestions import did_you_mean

WordT = TypeVar("WordT", bound=StrEnum)


def not_one_of(name: str, known: Iterable[str]) -> str:
    """Returns the reason why the word `name` is refused: the `known` words, and the one that is nearest to it."""
    words = [str(each) for each in known]
    return f"{name[:64]!r} is not one of {', '.join(words)}{did_you_mean(name, words)}"


def word_of(words: type[WordT]) -> Callable[[str], WordT]:
    """Returns a parser for an option that takes one of `words`. The parser raises BadParameter for any other word."""

    def parse(text: str) -> WordT:
        found = {word.value.lower(): word for word in words}.get(text.lower())
        if found is None:
            raise typer.BadParameter(not_one_of(text, words))
        return found

    return parse
