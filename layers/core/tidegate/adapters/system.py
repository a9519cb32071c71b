"""The system's clocks and randomness, which other code gets through its ports."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable

from ulid import ULID

# Unlike the machine's clock, this one can't be set. On Linux it also counts while the machine sleeps, so that it does
# not lag behind after a laptop wakes up.
_STEADY_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
# A Date has whole seconds, and AWS's own machines may differ a little. A clock within that difference counts as right.
_SLACK_MS = 1_000
_DRIFT_MS = 10_000
# A Date before 2020 or after 2100 is ignored: requests dated by it could not be signed, nor jobs ranked.
_EARLIEST_MS, _LATEST_MS = 1_577_836_800_000, 4_102_444_800_000


def machine_ms() -> int:
    """Returns the milliseconds since the epoch, by the machine's clock."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Returns the milliseconds since a fixed but unknown moment; setting the machine's clock does not change it."""
    return time.clock_gettime_ns(_STEADY_CLOCK) // 1_000_000


class SystemClock:
    """The clock for time stamps: the machine's clock, corrected by the time that AWS reports.

    While the clock is held (`hold`), a step of the machine's clock does not show in it. If an answer has confirmed
    the clock and it has advanced evenly since, one answer that disagrees may be wrong. So the clock is then corrected
    only after two consecutive answers agree with each other. Threads may share it. `machine` and `steady` return
    milliseconds; tests replace them.
    """

    def __init__(
        self, machine: Callable[[], int] = machine_ms, steady: Callable[[], int] = steady_ms
    ) -> None:
        self._machine = machine
        self._steady = steady
        self._off_ms = 0
        self._ahead_of_steady_ms: int | None = None  # set while the clock is held
        # How far ahead of the steady clock were: this clock, when an answer last confirmed it; the time of the latest
        # answer that disagreed.
        self._agreed_ms: int | None = None
        self._doubted_ms: int | None = None

    @property
    def off_ms(self) -> int:
        """Milliseconds that the machine's clock was ahead of AWS's time at the last answer.

        The value is negative if the clock was behind, and 0 if it was right.
        """
        return self._off_ms

    def now_ms(self) -> int:
        """Returns the milliseconds since the epoch."""
        ahead_ms = self._ahead_of_steady_ms
        return self._machine() - self._off_ms if ahead_ms is None else self._steady() + ahead_ms

    def hold(self) -> None:
        """Follows the steady clock from now on, starting from the corrected machine's clock.

        A process that may be frozen between two pieces of work, as a Lambda function is, calls this before each
        piece.
        """
        self._ahead_of_steady_ms = self._machine() - self._off_ms - self._steady()

    def learn(self, said_ms: int, took_ms: int) -> None:
        """Compares the clock with the time that AWS's answer said, and corrects it where needed.

        `said_ms` is that time in milliseconds, cut to whole seconds; the answer came `took_ms` after its request. AWS
        made the answer somewhere in between, so the true time now lies from `said_ms` to one second and `took_ms`
        later.
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
                return  # the known correction is still right
        elif self._doubts(middle_ms - steady, ahead_ms, took_ms):
            return
        elif held_ms is not None:
            self._ahead_of_steady_ms = middle_ms - steady
        self._off_ms = 0 if is_right(machine) else machine - middle_ms

    def _doubts(self, said_ahead_ms: int, ahead_ms: int, took_ms: int) -> bool:
        """Returns True if the clock is more likely right than an answer that disagrees with it; notes that answer."""
        doubted_ms = self._doubted_ms
        is_alone = doubted_ms is None or abs(said_ahead_ms - doubted_ms) > _SLACK_MS + 1_000 + took_ms
        passed_evenly = self._agreed_ms is not None and abs(ahead_ms - self._agreed_ms) <= _SLACK_MS
        if passed_evenly and is_alone:
            self._doubted_ms = said_ahead_ms
            return True
        # A small difference is drift and not a step, so the corrected clock still counts as confirmed.
        is_drift = abs(said_ahead_ms - ahead_ms) <= _DRIFT_MS
        self._agreed_ms, self._doubted_ms = (said_ahead_ms if is_drift else None), None
        return False


class SystemStopwatch:
    """The time since the machine started; setting the machine's clock does not change it."""

    def now_ms(self) -> int:
        """Returns the milliseconds since a moment that is fixed for this process but unknown to others."""
        return time.monotonic_ns() // 1_000_000


class SystemPauses(SystemStopwatch):
    """The same stopwatch, which can let time pass."""

    def pause_ms(self, duration_ms: int) -> None:
        """Returns after `duration_ms` milliseconds (0 or more)."""
        time.sleep(duration_ms / 1_000)


class SystemTimer:
    """The same time for operations that also wait (`adapters.aws.effort.Timer`)."""

    def monotonic_seconds(self) -> float:
        """Returns the seconds since a fixed but unknown moment; the value never decreases."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits for `seconds`."""
        time.sleep(seconds)


class SystemEntropy:
    """Ids and jitter from the operating system's generator, so that forked processes never produce the same values."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def new_ulid(self, now_ms: int) -> str:
        """Returns a new ULID for `now_ms` (milliseconds since the epoch): 26 characters that sort by time."""
        return str(ULID.from_timestamp(now_ms))

    def secret(self) -> str:
        """Returns a new secret of 128 random bits, as 32 hexadecimal digits."""
        return secrets.token_hex(16)

    def jitter(self) -> float:
        """Returns a random number, uniform in [0, 1)."""
        return self._random.random()

    def secret_bytes(self, count: int) -> bytes:
        """Returns `count` random bytes for a secret."""
        return secrets.token_bytes(count)
