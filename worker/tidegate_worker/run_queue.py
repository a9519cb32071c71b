"""The claimed jobs that wait for a slot of this process, first come first served."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class RunQueue(Generic[T]):
    """Between who claims and the slots. Safe to use from many threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._items: deque[tuple[float, T]] = deque()
        self._closed = False

    def put(self, items: Sequence[T]) -> bool:
        """Adds items; False, and nothing added, when it is closed."""
        with self._changed:
            if self._closed:
                return False
            now = self._monotonic()
            self._items.extend((now, item) for item in items)
            self._changed.notify(len(items))
            return True

    def take(self) -> T | None:
        """The next item, waiting for it; None when it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            return self._items.popleft()[1] if self._items else None

    def take_overdue(self, seconds: float) -> list[T]:
        """Takes off what has waited for longer than `seconds`."""
        overdue: list[T] = []
        with self._changed:
            since = self._monotonic() - seconds
            while self._items and self._items[0][0] < since:
                overdue.append(self._items.popleft()[1])
        return overdue

    def take_all(self) -> list[T]:
        """Takes off all that waits."""
        with self._changed:
            left = [item for _, item in self._items]
            self._items.clear()
            return left

    def close(self) -> list[T]:
        """Nothing more goes in or out; returns what was left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        return self.take_all()
