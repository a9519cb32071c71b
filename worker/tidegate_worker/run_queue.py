"""The queue of claimed jobs that wait for a slot of this process, first come first served."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class RunQueue(Generic[T]):
    """Connects the threads that claim with the slots. Threads may share it."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._items: deque[tuple[float, T]] = deque()
        self._closed = False

    def put(self, items: Sequence[T]) -> bool:
        """Adds items; returns False and adds nothing if the queue is closed."""
        with self._changed:
            if self._closed:
                return False
            now = self._monotonic()
            self._items.extend((now, item) for item in items)
            self._changed.notify(len(items))
            return True

    def take(self) -> T | None:
        """Waits for the next item and returns it; None once the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            return self._items.popleft()[1] if self._items else None

    def take_overdue(self, seconds: float) -> list[T]:
        """Removes and returns the items that have waited for longer than `seconds`."""
        overdue: list[T] = []
        with self._changed:
            since = self._monotonic() - seconds
            while self._items and self._items[0][0] < since:
                overdue.append(self._items.popleft()[1])
        return overdue

    def take_all(self) -> list[T]:
        """Removes and returns all items that wait."""
        with self._changed:
            left = [item for _, item in self._items]
            self._items.clear()
            return left

    def close(self) -> list[T]:
        """Closes the queue for both sides; returns the items that were left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        return self.take_all()
