"""One pool's queue as SQS behaves: what is received stays hidden a while and comes again unless deleted."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field

from tidegate.ports import Message

MOST_RECEIVES = 5  # as the template says of the function pool's queue
MOST_RECEIVES_OF_PROCESSES = 50  # and of the process pool's


@dataclass(slots=True)
class _Held:
    message: Message
    visible_at_ms: int
    receives: int = 0
    hides: int = 0  # how often it was hidden: only the latest counts


@dataclass(slots=True)
class PoolQueue:
    """Messages in the order they were sent or came back. Times are milliseconds since the epoch."""

    held: dict[int, _Held] = field(default_factory=dict)
    visible: deque[int] = field(default_factory=deque)
    hidden: list[tuple[int, int, int]] = field(default_factory=list)  # heap of (visible from, number, hides)
    dead: dict[int, Message] = field(default_factory=dict)
    sent: int = 0
    most_receives: int = MOST_RECEIVES

    def put(self, message: Message, now_ms: int) -> None:
        """Adds a message that can be received at once."""
        self.sent += 1
        self.held[self.sent] = _Held(message, now_ms)
        self.visible.append(self.sent)

    def take(self, now_ms: int, hidden_until_ms: int) -> tuple[Message, str, int] | None:
        """The next message, the receipt of this delivery and its number; None where nothing is visible."""
        self._show_due(now_ms)
        while self.visible:
            number = self.visible.popleft()
            held = self.held.get(number)
            if held is None:
                continue  # deleted by a late acknowledgement after it had come back
            if held.receives >= self.most_receives:
                self.dead[number] = self.held.pop(number).message
                continue
            held.receives += 1
            self._hide(number, held, hidden_until_ms)
            return held.message, f"{number}.{held.receives}", held.receives
        return None

    def delete(self, receipt: str) -> None:
        """Removes the message of a delivery; no error if it is gone."""
        self.held.pop(int(receipt.partition(".")[0]), None)

    def dead_letters(self, limit: int) -> list[tuple[Message, str]]:
        """At most `limit` messages that were delivered too often, with their receipts."""
        return [(message, str(number)) for number, message in list(self.dead.items())[:limit]]

    def delete_dead(self, receipt: str) -> None:
        """Removes a dead letter; no error if it is gone."""
        self.dead.pop(int(receipt), None)

    def extend(self, receipt: str, now_ms: int, hidden_until_ms: int) -> None:
        """Hides a delivery for longer or shorter; nothing where it was delivered again meanwhile."""
        number, _, receives = receipt.partition(".")
        held = self.held.get(int(number))
        if held is not None and held.receives == int(receives) and held.visible_at_ms > now_ms:
            self._hide(int(number), held, hidden_until_ms)

    def has_visible(self, now_ms: int) -> bool:
        """Whether a message may be received now; a deleted one may still count once."""
        self._show_due(now_ms)
        return bool(self.visible)

    def _hide(self, number: int, held: _Held, until_ms: int) -> None:
        held.visible_at_ms = until_ms
        held.hides += 1
        heapq.heappush(self.hidden, (until_ms, number, held.hides))

    def _show_due(self, now_ms: int) -> None:
        while self.hidden and self.hidden[0][0] <= now_ms:
            _, number, hides = heapq.heappop(self.hidden)
            held = self.held.get(number)
            if held is not None and held.hides == hides:  # else it was extended meanwhile
                self.visible.append(number)
