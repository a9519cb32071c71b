"""Bounds an operation over many batches: how long it may take, and how many batches run in parallel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from tidegate.domain.backoff import doubled

_FIRST_WAIT_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 2.0


class Timer(Protocol):
    """The monotonic time of this process; a test passes one that does not really wait."""

    def monotonic_seconds(self) -> float:
        """Returns the seconds since a fixed but unknown moment; the value never decreases."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits for `seconds`."""
        ...


@dataclass(slots=True)
class Pace:
    """The number of batches that may be in flight at once.

    A refusal for load halves it; each full round without one raises it by one. This is how TCP shares a connection
    (additive increase, multiplicative decrease, RFC 5681). Without it, all threads would keep calling a throttled
    index and spend their time on refusals. A refusal of a batch that was sent before the latest cut does not cut
    again, because it says nothing about the narrower width.
    """

    most: int
    _width: float = field(init=False)
    _cuts: int = field(default=0, init=False)
    _out: int = field(default=0, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False, repr=False)

    def __post_init__(self) -> None:
        self._width = float(self.most)

    @property
    def width(self) -> int:
        """The number of batches that may be in flight now, from 1 to `most`."""
        return max(1, int(self._width))

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Waits until one more batch may start; its result (`was_refused`) sets the width for later batches."""
        with self._changed:
            self._changed.wait_for(lambda: self._out < self.width)
            self._out += 1
            turn = Turn(self._cuts)
        try:
            yield turn
        finally:
            with self._changed:
                self._out -= 1
                self._learn(turn)
                self._changed.notify_all()

    def _learn(self, turn: Turn) -> None:
        if not turn.was_refused:
            self._width = min(float(self.most), self._width + 1 / self._width)
        elif turn.cuts_before == self._cuts:
            self._width = max(1.0, self._width / 2)
            self._cuts += 1


@dataclass(slots=True)
class Turn:
    """One batch in flight. `was_refused` says that AWS refused some of it for load."""

    cuts_before: int
    was_refused: bool = False


@dataclass(frozen=True, slots=True)
class Effort:
    """One operation over one or many batches: the moment by which it must be over, and the pace of its batches."""

    timer: Timer
    seconds: float
    pace: Pace
    _over_at_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_over_at_seconds", self.timer.monotonic_seconds() + self.seconds)

    def is_over(self) -> bool:
        """Returns True if its time has passed."""
        return self.timer.monotonic_seconds() >= self._over_at_seconds

    def left_seconds(self) -> float:
        """Returns the seconds that are left; never below 0."""
        return max(0.0, self._over_at_seconds - self.timer.monotonic_seconds())

    def back_off(self, round_number: int, jitter: float) -> None:
        """Waits before a batch is sent again: exponentially from 50 ms to at most 2 s.

        The lower half of each wait is fixed, and `jitter` (0 to 1) scales the upper half. `round_number` counts from
        0. The wait never goes beyond the end of the effort.
        """
        ceiling_seconds = doubled(_FIRST_WAIT_SECONDS, round_number + 1, _LONGEST_WAIT_SECONDS)
        self.timer.sleep(min(self.left_seconds(), ceiling_seconds * (1 + jitter) / 2))


@dataclass(slots=True)
class Allowance:
    """The time that is left for the current Lambda invocation; without an invocation there is no limit.

    A function handles one event at a time, so one allowance serves the whole process.
    """

    timer: Timer
    _until_seconds: float | None = None

    @contextmanager
    def of(self, seconds: float) -> Iterator[None]:
        """Limits every effort that begins inside the block to end within `seconds` from now."""
        self._until_seconds = self.timer.monotonic_seconds() + seconds
        try:
            yield
        finally:
            self._until_seconds = None

    def bounded(self, seconds: float) -> float:
        """Returns `seconds`, or the seconds that are left of the invocation if those are fewer; never below 0."""
        if self._until_seconds is None:
            return seconds
        return max(0.0, min(seconds, self._until_seconds - self.timer.monotonic_seconds()))
