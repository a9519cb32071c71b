"""Clocks that stand still or are set by hand, a timer that never waits, and entropy without chance."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count


class StandingClock:
    """A clock that always shows the same moment."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms


@dataclass(slots=True)
class HandClock:
    """A clock or stopwatch that stands until a test sets it."""

    at_ms: int = 0

    def now_ms(self) -> int:
        return self.at_ms


def _nothing(_at_ms: int) -> None:
    return None


@dataclass(slots=True)
class HandPauses:
    """Pauses that end at once. `taken_ms` has the length of each, and `at_end` is called with the time after each."""

    at_ms: int = 0
    at_end: Callable[[int], None] = _nothing
    taken_ms: list[int] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.at_ms

    def pause_ms(self, duration_ms: int) -> None:
        self.at_ms += duration_ms
        self.taken_ms.append(duration_ms)
        self.at_end(self.at_ms)


class NoEntropy:
    """Ids that count up, and a jitter that is always 0, so that nothing ever waits."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._secrets = count(1)

    def new_ulid(self, now_ms: int) -> str:
        return f"{next(self._numbers):026d}"

    def secret(self) -> str:
        return f"{next(self._secrets):032x}"

    def jitter(self) -> float:
        return 0.0

    def secret_bytes(self, count: int) -> bytes:
        return bytes(range(count))


class VirtualTimer:
    """Time that passes at once, and only by sleeping."""

    def __init__(self) -> None:
        self._now_seconds = 0.0
        self._lock = threading.Lock()

    def monotonic_seconds(self) -> float:
        return self._now_seconds

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now_seconds += seconds
