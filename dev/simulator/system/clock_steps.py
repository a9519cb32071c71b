"""The clocks of a run's processes: each is a little off, and some are set forward or back during the run."""

from __future__ import annotations

import random
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from tidegate.adapters.system import SystemClock

STEPS_MS = (600_000, -120_000, 45_000, -3_600_000)
MACHINES = ("workers", "dispatcher", "reaper")
_ANSWER_MS = 20  # from a request to its answer
_PROCESSES = 1_024  # of which it is remembered what depends on their names


class Timeline(Protocol):
    """The virtual time, and the counts of events that a run exists for."""

    happened: Counter[str]

    @property
    def now_ms(self) -> int:
        """The true time, in milliseconds since the epoch."""


@lru_cache(_PROCESSES)
def machine_of(process: str) -> str:
    """Returns the machine of a process: one for the workers, one for dispatchers, one for the reaper."""
    return next((machine for machine in MACHINES if machine in process), "workers")


@lru_cache(_PROCESSES)
def _skew_ms(process: str, most_ms: int) -> int:
    """Returns how far a process's clock is off, at most `most_ms` either way. Each reading of a clock asks for it."""
    return zlib.crc32(process.encode()) % (2 * most_ms + 1) - most_ms


@dataclass(slots=True)
class Clocks:
    """The real clock of a process (adapters.system.SystemClock) over virtual machines whose own clocks are set.

    A process learns the time from the answers of AWS after it has read its clock, so the first reading after a step is
    as wrong as in reality. A worker keeps its clock, and has had an answer (when it registered) before it claims.
    """

    timeline: Timeline
    skew_ms: int
    lie_every: int = 0  # of a process's answers, how often a Date lies; 0 for never, else 2 or more
    set_ms: Counter[str] = field(default_factory=Counter)  # by machine
    _answers: Counter[str] = field(default_factory=Counter)  # by process
    _clocks: dict[str, SystemClock] = field(default_factory=dict)

    def step(self, machine: str, by_ms: int) -> None:
        """Sets the clock of a machine forward, or back."""
        self.set_ms[machine] += by_ms

    def now_of(self, process: str) -> int:
        """Returns the time as a process sees it, in milliseconds since the epoch."""
        clock = self._clocks.get(process) or self._new(process)
        now_ms = clock.now_ms()
        self._answer(process, clock)
        machine = machine_of(process)
        off_ms = self._machine_ms(process) - self.timeline.now_ms
        self.timeline.happened["clock off"] += off_ms != 0
        self.timeline.happened[f"clock of {machine} was set"] += self.set_ms[machine] != 0
        self.timeline.happened[f"{machine} went by a wrong clock"] += (
            abs(now_ms - self.timeline.now_ms) > 20_000
        )
        return now_ms

    def _new(self, process: str) -> SystemClock:
        clock = SystemClock(lambda: self._machine_ms(process), lambda: self.timeline.now_ms)
        self._clocks[process] = clock
        if machine_of(process) == "workers":
            self._answer(process, clock)
            clock.hold()
        return clock

    def _answer(self, process: str, clock: SystemClock) -> None:
        self._answers[process] += 1
        number, lie_ms = self._answers[process], 0
        if self.lie_every and number % self.lie_every == 0:
            lie_ms = STEPS_MS[number // self.lie_every % len(STEPS_MS)]
            self.timeline.happened[f"a Date lied to {machine_of(process)}"] += 1
        clock.learn((self.timeline.now_ms + lie_ms) // 1_000 * 1_000, _ANSWER_MS)

    def _machine_ms(self, process: str) -> int:
        return self.timeline.now_ms + _skew_ms(process, self.skew_ms) + self.set_ms[machine_of(process)]


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a clock, `at_ms` after the start."""

    at_ms: int
    machine: str
    by_ms: int


def draw_steps(draw: random.Random, most: int) -> tuple[Step, ...]:
    """Draws at most `most` steps of the machines, within the first five minutes."""
    return tuple(
        Step(draw.randint(1_000, 300_000), draw.choice(MACHINES), draw.choice(STEPS_MS))
        for _ in range(draw.randint(0, most))
    )
