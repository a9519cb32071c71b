"""The port for the places at which bounded, repeated work goes on."""

from __future__ import annotations

from typing import Protocol


class Cursors(Protocol):
    """The places at which bounded, repeated work goes on in its next run."""

    def load(self, name: str) -> str | None:
        """Returns the cursor's text, None at the start."""

    def save(self, name: str, position: str | None) -> None:
        """Stores the place at which to go on. None starts over."""
