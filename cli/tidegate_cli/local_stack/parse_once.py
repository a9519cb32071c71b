"""Keeps the emulator from parsing each statement of a batch more than once."""

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
        self._ahead: list[tuple[Any, Any, Any]] = []

    def __call__(self, statement: str, parameters: Any) -> Any:
        """The parsed statement. Raises what `parse` raises."""
        text, given, parsed = self._last
        self._last = (None, None, None)
        if statement is text and parameters is given:
            return parsed
        parsed = self._parsed_ahead(statement, parameters) or self._parse(statement, parameters)
        self._last = (statement, parameters, parsed)
        return parsed

    def ahead(self, statement: str, parameters: Any) -> Any:
        """Parses a statement that is going to be asked for, to look at it first. Raises what `parse` raises."""
        parsed = self._parse(statement, parameters)
        self._ahead.append((statement, parameters, parsed))
        return parsed

    def forget(self) -> None:
        """Drops what was parsed ahead: the batch is done with."""
        self._ahead.clear()

    def _parsed_ahead(self, statement: str, parameters: Any) -> Any:
        """Finds the result for these very objects. The emulator asks for statements in the order in which they came."""
        if self._ahead and self._ahead[0][0] is statement and self._ahead[0][1] is parameters:
            return self._ahead.pop(0)[2]
        return None
