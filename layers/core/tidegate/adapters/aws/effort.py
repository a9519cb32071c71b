"""How long an operation over many batches may take, and how many of them go out side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

_FIRST_WAIT_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 2.0


class Timer(Protocol):
    """Monotonic time of this process; a test's own need not wait."""

    def monotonic_seconds(self) -> float:
        """Seconds since some moment, which never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits."""
        ...


@dataclass(slots=True)
class Pace:
    """How many batches are out at once: half as many after a refusal for load, one more for each full round without.

    That is how TCP shares a line (additive increase, multiplicative decrease, RFC 5681): threads that go on at full
    width against a throttled index spend their time on refusals. Refusals of batches that went out before the latest
    cut don't cut again, for they say nothing about the narrower width.
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
        """How many may be out at once, from 1 to `most`."""
        return max(1, int(self._width))

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Waits until one more may go out; what it says when it is over sets the width of those after it."""
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
    """One batch that is out. `was_refused` says that AWS refused some of it for load."""

    cuts_before: int
    was_refused: bool = False


@dataclass(frozen=True, slots=True)
class Effort:
    """One operation, over one batch or many: the moment that it must be over by, and the pace of its batches."""

    timer: Timer
    seconds: float
    pace: Pace
    _over_at_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_over_at_seconds", self.timer.monotonic_seconds() + self.seconds)

    def is_over(self) -> bool:
        """Whether its time has passed."""
        return self.timer.monotonic_seconds() >= self._over_at_seconds

    def left_seconds(self) -> float:
        """How much of its time is left; never below 0."""
        return max(0.0, self._over_at_seconds - self.timer.monotonic_seconds())

    def back_off(self, round_number: int, jitter: float) -> None:
        """Waits before a batch's next try: exponential from 50 ms, at most 2 s, the upper half by `jitter` (0-1).

        Rounds count from 0. Never longer than to the end of the effort.
        """
        ceiling_seconds = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2 ** min(round_number, 16))
        self.timer.sleep(min(self.left_seconds(), ceiling_seconds * (1 + jitter) / 2))


@dataclass(slots=True)
class Allowance:
    """How long the invocation in hand may still work; without one there is no end.

    A function works on one event at a time, so there is one for the process.
    """

    timer: Timer
    _until_seconds: float | None = None

    @contextmanager
    def of(self, seconds: float) -> Iterator[None]:
        """For the time of the block, no effort goes on beyond `seconds` from now."""
        self._until_seconds = self.timer.monotonic_seconds() + seconds
        try:
            yield
        finally:
            self._until_seconds = None

    def bounded(self, seconds: float) -> float:
        """So many seconds, or as many as are left of the invocation where that is less; never below 0."""
        if self._until_seconds is None:
            return seconds
        return max(0.0, min(seconds, self._until_seconds - self.timer.monotonic_seconds()))
