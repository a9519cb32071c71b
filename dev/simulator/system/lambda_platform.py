"""Lambda around the functions: concurrent executions, the queue of asynchronous events, pollers of streams.

Modelled on AWS's documentation (Lambda developer guide, "Understanding function scaling", "How Lambda handles errors
and retries with asynchronous invocation", "Lambda event source mappings"). Where the documentation leaves
a choice open, the model takes the harder one: a poller that finds no free slot asks again soon, and may be served
before an event that waited longer.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

SECOND_MS = 1_000
MINUTE_MS = 60_000
POLL_EVERY_MS = 250
_LONGEST_RETRY_MS = 5 * MINUTE_MS

Event = dict[str, Any]
Environment = TypeVar("Environment")


@dataclass(slots=True)
class Executions:
    """The bound on concurrent executions. Further ones are throttled."""

    limit: int
    used: int = 0


@dataclass(slots=True)
class Platform:
    """A virtual clock and its planned events. Chance is drawn from the seed."""

    seed: int
    now_ms: int = 0
    draw: random.Random = field(init=False)
    _events: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.draw = random.Random(f"platform {self.seed}")

    def after(self, delay_ms: float, event: Callable[[], None]) -> None:
        """Plans an event."""
        heapq.heappush(self._events, (self.now_ms + max(0, round(delay_ms)), next(self._order), event))

    def run(self, until_ms: int) -> None:
        """Runs all events that are planned until then."""
        while self._events and self._events[0][0] <= until_ms:
            self.now_ms, _, event = heapq.heappop(self._events)
            event()
        self.now_ms = until_ms


@dataclass(slots=True)
class Function(Generic[Environment]):
    """A function whose executions come out of `executions`, which other functions may share.

    Each execution has an environment to itself, made when none is idle. `run` does the work at the end of its duration,
    so nothing is done earlier than on AWS.
    """

    platform: Platform
    executions: Executions
    make_environment: Callable[[], Environment]
    run: Callable[[Environment, Event], object]
    _idle: list[Environment] = field(default_factory=list)

    def invoke(self, event: Event, duration_ms: int, ended: Callable[[], None] = lambda: None) -> bool:
        """Starts an execution, and calls `ended` when it is free again. Returns False if all are in use."""
        if self.executions.used >= self.executions.limit:
            return False
        self.executions.used += 1
        environment = self._idle.pop() if self._idle else self.make_environment()

        def end() -> None:
            self.run(environment, event)
            self.executions.used -= 1
            self._idle.append(environment)
            ended()

        self.platform.after(duration_ms, end)
        return True


@dataclass(slots=True)
class Schedule:
    """Hands an event to a function's queue of asynchronous events once a minute, at any moment of it.

    A throttled event is tried again after 1, 2, 4 … s, at most 5 minutes, until it is older than the function's
    `MaximumEventAgeInSeconds`. Then it becomes a dead letter.
    """

    function: Function[Any]
    event: Event
    duration_ms: int
    event_age_seconds: int
    handed_over: int = 0
    runs: int = 0
    dead_letters: int = 0
    most_waiting: int = 0

    def start(self) -> None:
        """Plans the first minute, and from each the next."""
        platform = self.function.platform
        platform.after(platform.draw.uniform(0, MINUTE_MS - 1), self._hand_over)
        platform.after(MINUTE_MS, self.start)

    @property
    def waiting(self) -> int:
        """The number of events in the queue."""
        return self.handed_over - self.runs - self.dead_letters

    def _hand_over(self) -> None:
        self.handed_over += 1
        self._attempt(self.function.platform.now_ms, SECOND_MS)
        self.most_waiting = max(self.most_waiting, self.waiting)

    def _attempt(self, since_ms: int, retry_ms: int) -> None:
        platform = self.function.platform
        left_ms = since_ms + self.event_age_seconds * SECOND_MS - platform.now_ms
        if left_ms <= 0:
            self.dead_letters += 1
        elif self.function.invoke(self.event, self.duration_ms):
            self.runs += 1
        else:
            again_ms = min(2 * retry_ms, _LONGEST_RETRY_MS)
            platform.after(min(retry_ms, left_ms), lambda: self._attempt(since_ms, again_ms))


@dataclass(slots=True)
class Shard:
    """One shard of a stream: its poller calls the function with a batch, waits for the answer, and goes on.

    Records arrive at random. `duration_ms` gives how long a batch of a given size takes. A throttled poller loses
    nothing and asks again after a time within `retry_ms`. It waits up to `window_ms` for a batch to fill.
    """

    function: Function[Any]
    event: Event
    records_a_second: float
    duration_ms: Callable[[int], int]
    batch_size: int
    window_ms: int = 0
    retry_ms: tuple[float, float] = (10, 200)
    runs: int = 0
    _backlog: deque[float] = field(default_factory=deque)  # when each record arrived
    _next_ms: float = 0.0

    def start(self) -> None:
        """Begins to poll."""
        platform = self.function.platform
        self._next_ms = self._gap_ms()
        platform.after(platform.draw.uniform(0, POLL_EVERY_MS), self._poll)

    def _gap_ms(self) -> float:
        return self.function.platform.draw.expovariate(self.records_a_second) * SECOND_MS

    def _poll(self) -> None:
        platform = self.function.platform
        while self._next_ms <= platform.now_ms:
            self._backlog.append(self._next_ms)
            self._next_ms += self._gap_ms()
        oldest_ms = platform.now_ms - self._backlog[0] if self._backlog else -1
        if not self._backlog or (len(self._backlog) < self.batch_size and oldest_ms < self.window_ms):
            platform.after(POLL_EVERY_MS, self._poll)
            return
        batch = min(len(self._backlog), self.batch_size)
        if not self.function.invoke(self.event, self.duration_ms(batch), self._poll):
            platform.after(platform.draw.uniform(*self.retry_ms), self._poll)
            return
        self.runs += 1
        for _ in range(batch):
            self._backlog.popleft()


@dataclass(slots=True)
class Calls:
    """Random calls that are refused if there is no free slot, such as the API's."""

    function: Function[Any]
    a_second: float
    duration_ms: int
    served: int = 0
    refused: int = 0

    def start(self) -> None:
        """Plans the first call, and from each the next."""
        platform = self.function.platform
        platform.after(platform.draw.expovariate(self.a_second) * SECOND_MS, self._call)

    def _call(self) -> None:
        served = self.function.invoke({}, self.duration_ms)
        self.served += served
        self.refused += not served
        self.start()


def keep_busy(function: Function[Any], duration_ms: Callable[[], int]) -> None:
    """Occupies one execution from now on, as a worker with a never-empty queue does."""

    def again() -> None:
        if not function.invoke({}, duration_ms(), again):
            function.platform.after(SECOND_MS, again)

    again()
