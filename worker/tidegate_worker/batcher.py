"""Passes items on in batches: at once when there are few, together when there are many."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

_BATCHES_KEPT = 10


class Batcher(Generic[T]):
    """Calls `handle` with batches of the items that were `put`, from threads of its own.

    A batch goes out when `most` items are there, or when no call is running and its oldest item has waited for
    `linger_seconds`. So a single item goes at once, and the next batch fills while a call is running: the more items
    come, the larger the batches are. A call that hangs blocks nothing, because after `behind_seconds` the next one
    goes out beside it. At most `threads` calls run at once. `handle` must not raise.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Sequence[T]], None],
        *,
        most: int,
        threads: int = 1,
        linger_seconds: float = 0.0,
        behind_seconds: float,
    ) -> None:
        self._handle = handle
        self._most = most
        self._linger_seconds = linger_seconds
        self._behind_seconds = behind_seconds
        self._changed = threading.Condition()
        self._items: list[T] = []
        self._oldest_at = 0.0
        self._under_way = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"{name}-{number}") for number in range(threads)
        ]

    def start(self) -> None:
        """Starts the threads that pass items on."""
        for thread in self._threads:
            thread.start()

    def put(self, items: Sequence[T]) -> None:
        """Adds items; waits while ten batches are there already, so that the producer slows down."""
        with self._changed:
            self._changed.wait_for(self._has_room)
            if not self._items:
                self._oldest_at = time.monotonic()
            self._items.extend(items)
            self._changed.notify_all()

    def close(self) -> None:
        """Passes on the remaining items, and returns after all were handled. Nothing may be put after this."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _has_room(self) -> bool:
        return len(self._items) < self._most * _BATCHES_KEPT

    def _serve(self) -> None:
        while batch := self._next():
            self._handle(batch)
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _next(self) -> list[T]:
        """Returns the next batch once it may go out; empty when closed and all is done."""
        with self._changed:
            while (wait_seconds := self._wait_seconds()) != 0:
                self._changed.wait(wait_seconds)
            batch = self._items[: self._most]
            del self._items[: self._most]
            if batch:
                self._oldest_at = time.monotonic()
                self._under_way += 1
                self._changed.notify_all()
            return batch

    def _wait_seconds(self) -> float | None:
        """Returns the seconds that the next batch still has to wait: 0 if it may go, None if there is none."""
        if self._closed or len(self._items) >= self._most:
            return 0
        if not self._items:
            return None
        patience_seconds = self._linger_seconds + (self._behind_seconds if self._under_way else 0.0)
        return max(0.0, self._oldest_at + patience_seconds - time.monotonic())
