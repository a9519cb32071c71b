"""Keeps the emulator from parsing each statement of a batch twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ParseOnce:
    """Calls `parse`, and hands its result out again if the very same objects come a second time in a row.

    That is how the emulator asks within a batch: to check a statement, and then to execute it. Only once, for who
    executes it may change what was parsed. Equal statements that are other objects are parsed for themselves.
    """

    def __init__(self, parse: Callable[[str, Any], Any]) -> None:
        self._parse = parse
        self._last: tuple[Any, Any, Any] = (None, None, None)

    def __call__(self, statement: str, parameters: Any) -> Any:
        """The parsed statement. Raises what `parse` raises."""
        text, given, parsed = self._last
        self._last = (None, None, None)
        if statement is text and parameters is given:
            return parsed
        parsed = self._parse(statement, parameters)
        self._last = (statement, parameters, parsed)
        return parsed
