"""A caller of hosts outside that answers from a list, without any network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.domain.outside_calls import Answer, CallFailed

Said = Answer | CallFailed
FINE = Answer(204)


@dataclass(slots=True)
class StagedCaller:
    """Answers each call with the next of `says`, whose last repeats. `calls` holds what was sent."""

    says: list[Said] = field(default_factory=lambda: [FINE])
    calls: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Returns the next answer, or raises it."""
        self.calls.append((url, dict(headers), body))
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said, CallFailed):
            raise said
        return said
