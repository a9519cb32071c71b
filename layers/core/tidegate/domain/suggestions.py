"""Suggestions for a misspelt name: the known name that is most like it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST_CHARACTERS = 64  # the time to compare grows with the length of both names
_LIKENESS = 0.6


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Returns the known name that is most like `name`, ignoring case; None where none is like it."""
    by_lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(
        name[:_LONGEST_CHARACTERS].lower(), list(by_lower), n=1, cutoff=_LIKENESS
    )
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns the end of a message, `; did you mean 'priority'?`, empty where no known name is like `name`."""
    found = nearest(name, known)
    return "" if found is None else f"; did you mean {found!r}?"
