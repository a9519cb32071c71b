"""The port for the pulses of the parts that nobody calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tidegate.domain.pulses import Part


class Pulses(Protocol):
    """The last pulse of each part. Times are in milliseconds since the epoch."""

    def note_if_later(self, part: Part, at_ms: int) -> None:
        """Stores a pulse of the part, unless a later one is stored."""

    def load(self) -> Mapping[Part, int]:
        """Returns the last pulse of each part that has any. A pulse of the last moments may be missing."""
