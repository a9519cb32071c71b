"""The real clock and the real randomness."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from ulid import ULID

# Anybody may set the machine's clock; nobody sets this one. It counts while the machine sleeps, where Linux keeps one
# that does, so that a laptop that wakes up does not lag behind.
_STEADY_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
# A Date is cut to whole seconds, and AWS's own machines may differ a little. Within that the machine's clock is right.
_SLACK_MS = 1_000
_DRIFT_MS = 10_000
# A Date before 2020 or after 2100 is none: what is dated by it could not even be signed or ranked.
_EARLIEST_MS, _LATEST_MS = 1_577_836_800_000, 4_102_444_800_000


def machine_ms() -> int:
    """Milliseconds since the epoch, as the machine's clock says."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Milliseconds since some moment, whatever is done to the machine's clock."""
    return time.clock_gettime_ns(_STEADY_CLOCK) // 1_000_000


class SystemClock:
    """The time for stamps: the machine's clock, put right by what AWS says the time is.

    Once it is held (`hold`), a step of the machine's clock does not show in it any more. A clock that an answer agreed
    with, and that has passed evenly since, is put right only where two answers on end say the same: one may lie. Safe
    to use from many threads. `machine` and `steady` give milliseconds, for tests.
    """

    def __init__(
        self, machine: Callable[[], int] = machine_ms, steady: Callable[[], int] = steady_ms
    ) -> None:
        self._machine = machine
        self._steady = steady
        self._off_ms = 0
        self._ahead_of_steady_ms: int | None = None  # while it is held
        # Both are how far a clock is ahead of the steady one: this one, as an answer agreed; and what one alone said.
        self._agreed_ms: int | None = None
        self._doubted_ms: int | None = None

    @property
    def off_ms(self) -> int:
        """How far the machine's clock was ahead of AWS's time at the last answer (behind: below 0; right: 0)."""
        return self._off_ms

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        ahead_ms = self._ahead_of_steady_ms
        return self._machine() - self._off_ms if ahead_ms is None else self._steady() + ahead_ms

    def hold(self) -> None:
        """Goes by the steady clock from now on, beginning with the machine's, put right.

        A process that may be frozen between two pieces of work, as a function is, holds it anew for each.
        """
        self._ahead_of_steady_ms = self._machine() - self._off_ms - self._steady()

    def learn(self, said_ms: int, took_ms: int) -> None:
        """Compares with the time that AWS's answer said, in whole seconds, which came `took_ms` after its request.

        AWS made the answer at a moment in between. So the time now is from `said_ms` to a second and `took_ms` later.
        """
        if not _EARLIEST_MS <= said_ms <= _LATEST_MS:
            return
        latest_ms = said_ms + 1_000 + took_ms
        middle_ms = (said_ms + latest_ms) // 2

        def is_right(now_ms: int) -> bool:
            return said_ms - _SLACK_MS <= now_ms <= latest_ms + _SLACK_MS

        machine, steady = self._machine(), self._steady()
        held_ms = self._ahead_of_steady_ms
        ahead_ms = machine - self._off_ms - steady if held_ms is None else held_ms
        if is_right(steady + ahead_ms):
            self._agreed_ms, self._doubted_ms = ahead_ms, None
            if held_ms is None and not is_right(machine):
                return  # what it is off is known well enough
        elif self._doubts(middle_ms - steady, ahead_ms, took_ms):
            return
        elif held_ms is not None:
            self._ahead_of_steady_ms = middle_ms - steady
        self._off_ms = 0 if is_right(machine) else machine - middle_ms

    def _doubts(self, said_ahead_ms: int, ahead_ms: int, took_ms: int) -> bool:
        """Whether the clock is rather right than an answer that disagrees with it; notes the answer."""
        doubted_ms = self._doubted_ms
        is_alone = doubted_ms is None or abs(said_ahead_ms - doubted_ms) > _SLACK_MS + 1_000 + took_ms
        passed_evenly = self._agreed_ms is not None and abs(ahead_ms - self._agreed_ms) <= _SLACK_MS
        if passed_evenly and is_alone:
            self._doubted_ms = said_ahead_ms
            return True
        # A small change is no step, but how a clock drifts: the clock stays one that was agreed with.
        is_drift = abs(said_ahead_ms - ahead_ms) <= _DRIFT_MS
        self._agreed_ms, self._doubted_ms = (said_ahead_ms if is_drift else None), None
        return False


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
