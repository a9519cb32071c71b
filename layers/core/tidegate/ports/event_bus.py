"""The port for the events that leave the stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidegate.domain.events import Event


class EventBus(Protocol):
    """The stack's event bus. Rules of users read from it."""

    def publish(self, events: Sequence[Event]) -> None:
        """Puts the events on the bus, in bounded batches.

        Returns once the bus has taken each of them. Where it raises, it may have taken some: publishing all of them
        again is harmless, because an event keeps its id. Raises ServiceUnavailable where the bus did not take all
        events within bounded retries, ServiceRefused where it never will.
        """
