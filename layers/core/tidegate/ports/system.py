"""Ports for time and chance."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """The time, for stamps only. Durations inside a process are measured with a `Stopwatch`."""

    def now_ms(self) -> int:
        """Returns milliseconds since the epoch."""


class Stopwatch(Protocol):
    """Time that passes evenly, also where somebody sets the machine's clock."""

    def now_ms(self) -> int:
        """Returns milliseconds since a moment that only this process knows."""


class Pauses(Stopwatch, Protocol):
    """A stopwatch that can also let time pass."""

    def pause_ms(self, duration_ms: int) -> None:
        """Returns after `duration_ms` milliseconds (0 or more)."""


class Entropy(Protocol):
    """The source of everything random: new ids and jitter."""

    def new_ulid(self, now_ms: int) -> str:
        """Returns a new ULID: 26 characters that sort by `now_ms`, in milliseconds since the epoch."""

    def secret(self) -> str:
        """Returns a new secret of 128 random bits, as 32 hexadecimal digits."""

    def jitter(self) -> float:
        """Returns a random number, uniform in [0, 1)."""

    def secret_bytes(self, count: int) -> bytes:
        """Returns `count` random bytes that nobody can guess."""
