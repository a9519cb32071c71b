"""The real clock and the real randomness."""

from __future__ import annotations

import random
import time

from ulid import ULID


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000


class SystemStopwatch:
    """The time since the machine was started, which no setting of its clock changes."""

    def now_ms(self) -> int:
        """Milliseconds since a moment that only this process knows."""
        return time.monotonic_ns() // 1_000_000


class SystemTimer:
    """The same time for operations that also wait (aws_effort.Timer)."""

    def monotonic_seconds(self) -> float:
        """Seconds since some moment, which never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


class SystemEntropy:
    """Ids and jitter from the operating system's generator, so that processes forked from one never agree."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def new_ulid(self, now_ms: int) -> str:
        """A fresh ULID of this moment: 26 characters that sort by time."""
        return str(ULID.from_timestamp(now_ms))

    def jitter(self) -> float:
        """Uniform in [0, 1)."""
        return self._random.random()
