"""Stores the pulses of a process, so seldom that they cost next to nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidegate.domain.pulses import PAUSES_MS, Part
from tidegate.usecases.services import Services


@dataclass(frozen=True, slots=True)
class PulseMemory:
    """The times at which one process last stored the pulses of its parts, in milliseconds since the epoch."""

    noted_ms: dict[Part, int] = field(default_factory=dict)

    def is_due(self, part: Part, now_ms: int) -> bool:
        """Tells whether the part's pulse is to be stored again. It is after the clock was set back, too."""
        noted_ms = self.noted_ms.get(part)
        return noted_ms is None or not 0 <= now_ms - noted_ms < PAUSES_MS[part]


def note_pulse(services: Services, memory: PulseMemory, part: Part, *, now_ms: int) -> None:
    """Stores that the part has done its work at `now_ms`, unless this process stored a pulse of it lately.

    Raises ServiceUnavailable or ServiceRefused. The next work of the part then tries again.
    """
    if memory.is_due(part, now_ms):
        services.pulses.note_if_later(part, now_ms)
        memory.noted_ms[part] = now_ms
