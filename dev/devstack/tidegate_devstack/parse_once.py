"""Makes the emulator parse each statement of a batch only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ParseOnce:
    """Calls `parse`, and returns its result again if the next call has the very same objects as arguments.

    The emulator parses each statement of a batch twice in a row: first to check it, then to execute it. A result is
    returned again only once, because the execution may change it. Equal statements that are different objects are
    parsed separately.
    """

    def __init__(self, parse: Callable[[str, Any], Any]) -> None:
        self._parse = parse
        self._last: tuple[Any, Any, Any] = (None, None, None)
        self._ahead: list[tuple[Any, Any, Any]] = []

    def __call__(self, statement: str, parameters: Any) -> Any:
        """Returns the parsed statement. Raises what `parse` raises."""
        text, given, parsed = self._last
        self._last = (None, None, None)
        if statement is text and parameters is given:
            return parsed
        parsed = self._parsed_ahead(statement, parameters) or self._parse(statement, parameters)
        self._last = (statement, parameters, parsed)
        return parsed

    def ahead(self, statement: str, parameters: Any) -> Any:
        """Parses a statement before the emulator does, and keeps the result for it. Raises what `parse` raises."""
        parsed = self._parse(statement, parameters)
        self._ahead.append((statement, parameters, parsed))
        return parsed

    def forget(self) -> None:
        """Drops the statements that were parsed ahead. Call it after each batch."""
        self._ahead.clear()

    def _parsed_ahead(self, statement: str, parameters: Any) -> Any:
        """Returns the kept result for these very objects; None without one. The emulator asks in the batch's order."""
        if self._ahead and self._ahead[0][0] is statement and self._ahead[0][1] is parameters:
            return self._ahead.pop(0)[2]
        return None
