"""Counts lines, words, identifiers and comments in Python sources, token by token."""

from __future__ import annotations

import io
import keyword
import tokenize
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel

TOP_IDENTIFIERS = 20


class Counts(BaseModel):
    """The counts of some sources.

    `unreadable` files count in `files` and nowhere else. `top_identifiers` are the most frequent ones, with their
    number.
    """

    files: int = 0
    unreadable: int = 0
    lines: int = 0
    characters: int = 0
    comment_characters: int = 0
    words: int = 0
    identifiers: int = 0
    top_identifiers: dict[str, int] = {}

    @property
    def comment_share(self) -> float:
        """The share of all characters that comments take, 0-1."""
        return self.comment_characters / self.characters if self.characters else 0.0


def count_file(path: Path) -> Counts:
    """Tokenises one file and returns its counts.

    `words` are those of comments and strings, `identifiers` the names that are not keywords.
    """
    comment_characters = words = 0
    names: Counter[str] = Counter()
    try:
        with tokenize.open(path) as file:
            text = file.read()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME:
                if not keyword.iskeyword(token.string):
                    names[token.string] += 1
            elif token.type == tokenize.COMMENT:
                comment_characters += len(token.string)
                words += len(token.string.split())
            elif token.type == tokenize.STRING:
                words += len(token.string.split())
    except (OSError, SyntaxError, UnicodeDecodeError, tokenize.TokenError):
        return Counts(files=1, unreadable=1)
    return Counts(
        files=1,
        lines=text.count("\n"),
        characters=len(text),
        comment_characters=comment_characters,
        words=words,
        identifiers=names.total(),
        top_identifiers=dict(names.most_common(TOP_IDENTIFIERS)),
    )


def add_up(parts: Iterable[Counts]) -> Counts:
    """Returns the sum of the counts. The most frequent identifiers come from the lists of the parts."""
    held: Sequence[Counts] = list(parts)
    names: Counter[str] = Counter()
    for part in held:
        names.update(part.top_identifiers)
    return Counts(
        files=sum(part.files for part in held),
        unreadable=sum(part.unreadable for part in held),
        lines=sum(part.lines for part in held),
        characters=sum(part.characters for part in held),
        comment_characters=sum(part.comment_characters for part in held),
        words=sum(part.words for part in held),
        identifiers=sum(part.identifiers for part in held),
        top_identifiers=dict(names.most_common(TOP_IDENTIFIERS)),
    )
