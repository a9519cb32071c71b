"""Replaces what stands between two marks. Takes time in proportion to the text, whatever it holds."""

from __future__ import annotations

from collections.abc import Callable


def replaced_between(text: str, opening: str, closing: str, value: Callable[[str], str]) -> str:
    """Returns a text in which `value` of the inside replaces each pair of marks with its inside.

    An opening mark without a closing one stays, with all that follows it.
    """
    found: list[str] = []
    at = 0
    while True:
        begin = text.find(opening, at)
        end = -1 if begin < 0 else text.find(closing, begin + len(opening))
        if end < 0:
            found.append(text[at:])
            return "".join(found)
        found += (text[at:begin], value(text[begin + len(opening) : end]))
        at = end + len(closing)
