"""The queue of one pool, which behaves as SQS does.

A received message stays hidden for a while and is delivered again unless it is deleted.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field

from tidegate.ports import Message, QueueDepth

MOST_RECEIVES = 5  # the template's value for the queue of the function pool
MOST_RECEIVES_OF_PROCESSES = 50  # the template's value for the queue of the process pool


@dataclass(slots=True)
class _Held:
    message: Message
    visible_at_ms: int
    receives: int = 0
    hides: int = 0  # the number of times it was hidden; only the latest one counts


@dataclass(slots=True)
class PoolQueue:
    """Messages in the order in which they were sent or returned. Times are milliseconds since the epoch."""

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
        """Returns the next message, the receipt of this delivery and its number; None if no message is visible."""
        self._show_due(now_ms)
        while self.visible:
            number = self.visible.popleft()
            held = self.held.get(number)
            if held is None:
                continue  # a late acknowledgement deleted it after it had returned
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
        """Returns at most `limit` messages that were delivered too often, with their receipts."""
        return [(message, str(number)) for number, message in list(self.dead.items())[:limit]]

    def delete_dead(self, receipt: str) -> None:
        """Removes a dead letter; no error if it is gone."""
        self.dead.pop(int(receipt), None)

    def extend(self, receipt: str, now_ms: int, hidden_until_ms: int) -> None:
        """Hides a delivery until `hidden_until_ms`; does nothing if the message was delivered again meanwhile."""
        number, _, receives = receipt.partition(".")
        held = self.held.get(int(number))
        if held is not None and held.receives == int(receives) and held.visible_at_ms > now_ms:
            self._hide(int(number), held, hidden_until_ms)

    def has_visible(self, now_ms: int) -> bool:
        """Returns True if a message may be received now; a deleted message may still count once."""
        self._show_due(now_ms)
        return bool(self.visible)

    def depth(self, now_ms: int) -> QueueDepth:
        """Returns how many messages are visible now, and how many a receiver hides."""
        visible = sum(each.visible_at_ms <= now_ms for each in self.held.values())
        return QueueDepth(visible, len(self.held) - visible)

    def _hide(self, number: int, held: _Held, until_ms: int) -> None:
        held.visible_at_ms = until_ms
        held.hides += 1
        heapq.heappush(self.hidden, (until_ms, number, held.hides))

    def _show_due(self, now_ms: int) -> None:
        while self.hidden and self.hidden[0][0] <= now_ms:
            _, number, hides = heapq.heappop(self.hidden)
            held = self.held.get(number)
            if held is not None and held.hides == hides:  # otherwise it was extended meanwhile
                self.visible.append(number)
