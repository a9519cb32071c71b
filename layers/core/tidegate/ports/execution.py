"""Ports for running job code: its assignment, the signals that it may receive, and its outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from tidegate.domain.job import Json, Progress
from tidegate.domain.outside import FinishToken, HandedOver
from tidegate.domain.states import State


class Signal(StrEnum):
    """The answer to a heartbeat."""

    GO_ON = "GO_ON"
    CANCEL = "CANCEL"  # a caller asked for cancellation; stop, and the job becomes CANCELLED
    LOST = "LOST"  # another attempt owns the job; stop and write nothing
    HAND_BACK = "HAND_BACK"  # this worker shuts down; stop, and the job goes back to READY


@dataclass(frozen=True, slots=True)
class UpstreamResult:
    """An upstream as its downstream's code sees it. `key` is its key in the workflow, None where it has none."""

    job_id: str
    key: str | None
    state: State
    result: Json


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt at a job, as job code gets it.

    The attempt times out `timeout_ms` (1 or more) milliseconds after its code began. That is a duration and not a
    moment, so that setting the machine's clock neither ends an attempt nor lengthens it. `second` says that the attempt
    runs beside the first one of the same number. `token` finishes the job from outside once the attempt was handed
    over; None where it can't be handed over. It is a secret, so it is left out of the value's text.
    """

    job_id: str
    attempt: int
    type: str
    parameters: Mapping[str, Json]
    timeout_ms: int
    upstreams: tuple[UpstreamResult, ...] = ()
    key: str | None = None
    second: bool = False
    token: FinishToken | None = field(default=None, repr=False)

    @property
    def whole_timeout_ms(self) -> int:
        """Milliseconds that a stopwatch must show before the timeout has passed.

        A stopwatch cuts the part of a millisecond that has passed, so without the 1 code would be stopped early.
        """
        return self.timeout_ms + 1


UNKNOWN_TYPE = "unknown-type"
"""The code of UNABLE where the worker lacks the job's type. With any other code the worker can begin no job at all."""


class OutcomeKind(StrEnum):
    """The kind of an attempt's outcome."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    LOST = "LOST"
    HANDED_BACK = "HANDED_BACK"
    HANDED_OVER = "HANDED_OVER"  # its code has ended, and somebody outside finishes the job
    UNABLE = "UNABLE"  # this worker could not begin the job, through a fault of its own


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an attempt: a result where it SUCCEEDED, a code and a message where it FAILED or was UNABLE.

    `retryable` and `retry_after_seconds` (0-86,400) are the word of job code about another attempt. `last_lines` are
    the last lines that an attempt printed which FAILED or TIMED_OUT. `handed_over` is set where the attempt was
    HANDED_OVER.
    """

    kind: OutcomeKind
    result: Json = None
    code: str = ""
    message: str = ""
    retryable: bool = True
    retry_after_seconds: float | None = None
    last_lines: tuple[str, ...] = ()
    handed_over: HandedOver | None = None


class Heartbeat(Protocol):
    """A function that an executor calls at every heartbeat interval while job code runs. It never raises."""

    def __call__(self, progress: Progress | None) -> Signal:
        """Extends the lease, stores the progress that the job last reported, and returns the signal to obey."""


class Begun(Protocol):
    """A function that an executor calls once, when the code of an attempt begins. It never raises.

    The executor does not call it where no code runs: the code's process could not be started, or the attempt was
    stopped before.
    """

    def __call__(self) -> None:
        """Notes that the code begins."""


def unheard() -> None:
    """Does nothing. It is the `begun` of a caller that does not need the call."""


class Executor(Protocol):
    """The port that runs job code under its timeout and sends heartbeats meanwhile."""

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        """Runs one attempt to its end. An error of job code comes back as an Outcome; nothing is raised."""


class SlotExecutor(Executor, Protocol):
    """An executor that runs the attempts of several threads at once and can be told that the worker stops soon."""

    def warm(self, children: int) -> None:
        """Prepares for `children` attempts at once."""

    def probe(self) -> str:
        """Returns the reason why no attempt can begin here now, empty where one can."""

    def types_now(self) -> Sequence[str]:
        """Returns the job types that are known to attempts that begin from now on.

        Raises where no attempt can begin.
        """

    def hurry(self) -> None:
        """Makes every attempt send a heartbeat at once."""

    def close(self) -> None:
        """Stops the running attempts. Their outcome is HANDED_BACK."""
