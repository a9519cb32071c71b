"""Words that an option takes: whatever their case, and with a hint for a slip of the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

import typer

ASKED = "did you mean"
WordT = TypeVar("WordT", bound=StrEnum)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that names the nearest of `known`, or nothing where none is near."""
    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), by_lower, n=1)
    return f"{ASKED} {by_lower[near[0]]}?" if near else ""


def not_one_of(name: str, known: Iterable[str]) -> str:
    """Why a word is refused: the words that are taken, and the nearest of them."""
    words = list(known)
    return "; ".join(
        part for part in (f"{name[:64]!r} is none of {', '.join(words)}", did_you_mean(name, words)) if part
    )


def word_of(words: type[WordT]) -> Callable[[str], WordT]:
    """A parser of an option that takes one of `words`; it raises BadParameter."""

    def parse(text: str) -> WordT:
        found = {word.value.lower(): word for word in words}.get(text.lower())
        if found is None:
            raise typer.BadParameter(not_one_of(text, words))
        return found

    return parse
