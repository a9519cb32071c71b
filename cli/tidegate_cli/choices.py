"""Words that an option takes: whatever their case, and with a hint for a slip of the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

import typer

from tidegate.domain.suggestions import did_you_mean

WordT = TypeVar("WordT", bound=StrEnum)


def not_one_of(name: str, known: Iterable[str]) -> str:
    """Why a word is refused: the words that are taken, and the nearest of them."""
    words = [str(each) for each in known]
    return f"{name[:64]!r} is none of {', '.join(words)}{did_you_mean(name, words)}"


def word_of(words: type[WordT]) -> Callable[[str], WordT]:
    """A parser of an option that takes one of `words`; it raises BadParameter."""

    def parse(text: str) -> WordT:
        found = {word.value.lower(): word for word in words}.get(text.lower())
        if found is None:
            raise typer.BadParameter(not_one_of(text, words))
        return found

    return parse
