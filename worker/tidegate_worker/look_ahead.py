"""Decides how many more jobs a worker process may take, and whether it may ask for them now."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tidegate_worker.durations import EVIDENCE, Durations

MOST_WAITING_PER_SLOT = 16
WORKED_OFF_WITHIN_SECONDS = 0.25
_REMEMBERED = 32
_RECEIVE_MOST = 10  # the most messages that one receive returns
# So many of the latest messages show whether most are stale. Each lost worker leaves a few stale ones. They are no
# reason to ask for more than the slots can take: if the worker is killed, the queue hides all that it has received.
_STALE_EVIDENCE = 10
_MOST_RECEIVES = 4


class LookAhead:
    """Counts the jobs that a process of `slots` slots holds, from the receive that asks for them to their end.

    With long jobs, or before anything was measured, it asks for as many jobs as there are free slots and no more: a
    job that waits in the queue can still be overtaken by a more urgent one, and other workers can take it. If the
    recent jobs were all short, it may hold some that wait for a slot: as many as can be done within
    `WORKED_OFF_WITHIN_SECONDS` if each takes as long as the slowest of the recent ones, and never more than
    `MOST_WAITING_PER_SLOT` for each slot. A slot does not count if its job already runs for longer than that, is
    expected to, or has an unknown duration, because it will be busy for long.

    A received job is claimed only if it can begin soon, by what is known of the jobs before it: the queue may have
    returned a long one first. Other received jobs go back to the queue, which costs one request, where a claim would
    cost two writes.

    Only one receive at a time waits for messages; more are sent only while receives bring all that they asked for.
    """

    def __init__(self, slots: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._slots = slots
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._held = 0
        self._asked = 0
        self._receives = 0
        self._plenty = False
        self._mostly_stale = False
        self._latest_stale: deque[bool] = deque(maxlen=_STALE_EVIDENCE)
        self._numbers = itertools.count()
        self._began_at: dict[int, tuple[float, float]] = {}  # when each began, and its expected seconds
        self._waiting: Counter[bool] = Counter()  # claimed jobs that have not begun, by is-long
        self._waiting_seconds = 0.0  # the expected seconds of the short ones among them
        self._durations = Durations()
        self._took_seconds: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def running(self) -> int:
        """The number of slots that have a job."""
        return len(self._began_at)

    def longest_running_seconds(self) -> float:
        """Returns the seconds that the oldest running job has run; 0 if none runs."""
        with self._changed:
            began_at = [each for each, _ in self._began_at.values()]
            return self._monotonic() - min(began_at) if began_at else 0.0

    def ask(self, wait_seconds: float) -> int:
        """Returns how many messages to ask the queue for (1-10), and counts them as held.

        0 if none can be asked for now. Waits at most `wait_seconds` until some can. A caller that got more than 0
        must call `got`.
        """
        with self._changed:
            self._changed.wait_for(self._to_ask, wait_seconds)
            asked = self._to_ask()
            if asked:
                self._held += asked
                self._asked += asked
                self._receives += 1
            return asked

    def got(self, asked: int, admitted: int, received: int | None = None) -> None:
        """Notes the result of a receive of `asked` messages.

        `admitted` jobs are held further; `received` is the number of messages that came (by default as many as
        admitted).
        """
        with self._changed:
            self._receives -= 1
            self._plenty = (admitted if received is None else received) == asked
            self._asked -= asked
            self._held -= asked - admitted
            self._changed.notify_all()

    @property
    def mostly_stale(self) -> bool:
        """True if most of the latest ten messages were stale, so that no worker can claim their jobs.

        The worker then asks for many messages at once.
        """
        return self._mostly_stale

    def note_stale(self, stale: int, messages: int) -> None:
        """Notes that `stale` of the latest `messages` messages were stale."""
        with self._changed:
            self._latest_stale.extend([True] * stale + [False] * (messages - stale))
            self._mostly_stale = 2 * sum(self._latest_stale) > _STALE_EVIDENCE

    def expected_seconds(self, job_type: str, estimate_seconds: float | None) -> float:
        """Returns the seconds that a job will take, by its estimate or by others of its type.

        The result is infinite if nothing is known. A message of an earlier version names no type; the slowest of all
        recent jobs counts for it.
        """
        with self._changed:
            if not job_type and estimate_seconds is None and len(self._took_seconds) >= EVIDENCE:
                return max(self._took_seconds)
            return self._durations.expected_seconds(job_type, estimate_seconds)

    def admit(self, expected_seconds: Sequence[float]) -> int:
        """Returns how many of these jobs, from the first on, can begin soon; they count as waiting from now on."""
        with self._changed:
            for place, seconds in enumerate(expected_seconds):
                if not self._begins_soon():
                    return place
                self._wait(seconds, 1)
            return len(expected_seconds)

    def force(self, expected_seconds: Sequence[float]) -> None:
        """Counts these jobs as waiting from now on, even if they can't begin soon."""
        with self._changed:
            for seconds in expected_seconds:
                self._wait(seconds, 1)

    def drop(self, expected_seconds: Sequence[float]) -> None:
        """Notes that waiting jobs, with these expected seconds, are gone without having run."""
        with self._changed:
            for seconds in expected_seconds:
                self._wait(seconds, -1)
            self._held -= len(expected_seconds)
            self._changed.notify_all()

    @contextmanager
    def slot_taken(self, job_type: str, expected_seconds: float) -> Iterator[None]:
        """Counts one of the waiting jobs as running for the block and measures it.

        After the block it is no longer held.
        """
        number = next(self._numbers)
        with self._changed:
            self._wait(expected_seconds, -1)
            began_at = self._monotonic()
            self._began_at[number] = began_at, expected_seconds
        try:
            yield
        finally:
            with self._changed:
                del self._began_at[number]
                took_seconds = self._monotonic() - began_at
                self._took_seconds.append(took_seconds)
                self._durations.note(job_type, took_seconds)
                self._held -= 1
                if self._is_idle() or self._to_ask():
                    self._changed.notify_all()

    def wait_until_idle(self, seconds: float, or_if: Callable[[], bool] = lambda: False) -> bool:
        """Waits at most `seconds` until no job is held, or `or_if` returns True; returns True if none is held."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_idle() or or_if(), seconds)
            return self._is_idle()

    def wake(self) -> None:
        """Makes all waiting threads check their conditions again."""
        with self._changed:
            self._changed.notify_all()

    def _is_idle(self) -> bool:
        return self._held == self._asked

    def _to_ask(self) -> int:
        if self._receives >= (_MOST_RECEIVES if self._plenty else 1) or not self._begins_soon():
            return 0
        ahead = self._may_wait()
        if self._mostly_stale:
            # Stale messages need no slot, and a job that can't begin goes back to the queue.
            return _RECEIVE_MOST if self._slots + ahead > self._held - self._asked else 0
        room = self._slots + ahead - self._held
        # While every slot has work, one request for many messages is better than many requests for one.
        worthwhile = 1 if self._held < self._slots else min(_RECEIVE_MOST, math.ceil(ahead / 2))
        return min(_RECEIVE_MOST, room) if room >= max(1, worthwhile) else 0

    def _may_wait(self) -> int:
        """Returns how many held jobs may wait for a slot now."""
        if len(self._took_seconds) < EVIDENCE:
            return 0
        slowest = max(*self._took_seconds, 1e-6)
        each = min(MOST_WAITING_PER_SLOT, int(WORKED_OFF_WITHIN_SECONDS / slowest))
        if each == 0:
            return 0
        return each * self._moving()

    def _moving(self) -> int:
        """Returns how many slots will soon be free again and stay so."""
        long_ago = self._monotonic() - WORKED_OFF_WITHIN_SECONDS
        busy = sum(
            began_at < long_ago or seconds > WORKED_OFF_WITHIN_SECONDS
            for began_at, seconds in self._began_at.values()
        )
        return max(0, self._slots - busy - self._waiting[True])

    def _begins_soon(self) -> bool:
        """Returns True if one more job can begin at once or soon.

        Soon means within `WORKED_OFF_WITHIN_SECONDS`, after the jobs that wait before it.
        """
        if len(self._began_at) + self._waiting.total() < self._slots:
            return True
        moving = self._moving()
        return moving > 0 and self._waiting_seconds / moving <= WORKED_OFF_WITHIN_SECONDS

    def _wait(self, seconds: float, jobs: int) -> None:
        is_long = seconds > WORKED_OFF_WITHIN_SECONDS
        self._waiting[is_long] += jobs
        if not is_long:
            self._waiting_seconds += jobs * seconds
        if not self._waiting[False]:
            self._waiting_seconds = 0.0  # removes the rounding error of the sum
