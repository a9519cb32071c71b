"""Running job code: what it is given, what it may hear, what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tidegate.domain.job import Json, Progress
from tidegate.domain.states import State


class Signal(StrEnum):
    """What a heartbeat brings back."""

    GO_ON = "GO_ON"
    CANCEL = "CANCEL"  # cancellation was asked for; stop, the job becomes CANCELLED
    LOST = "LOST"  # another attempt owns the job; stop and write nothing
    HAND_BACK = "HAND_BACK"  # this worker shuts down; stop, the job goes back to READY


@dataclass(frozen=True, slots=True)
class Upstream:
    """What a downstream job sees of one of its upstreams. `key` is its key in the workflow, if it has one."""

    job_id: str
    key: str | None
    state: State
    result: Json


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt at one job, as job code gets it. It times out `timeout_ms` (1 or more) after its code began.

    A duration and no moment: whoever sets the machine's clock must neither end an attempt nor lengthen it.
    """

    job_id: str
    attempt: int
    type: str
    parameters: Mapping[str, Json]
    timeout_ms: int
    upstreams: tuple[Upstream, ...] = ()
    key: str | None = None


UNKNOWN_TYPE = "unknown-type"
"""The code of UNABLE where the worker lacks the job's type; with every other code it can begin no job at all."""


class OutcomeKind(StrEnum):
    """How an attempt went."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    LOST = "LOST"
    HANDED_BACK = "HANDED_BACK"
    UNABLE = "UNABLE"  # this worker could not begin the job; the fault is its own


@dataclass(frozen=True, slots=True)
class Outcome:
    """Says what came of an attempt: a result when SUCCEEDED, a code and a message when FAILED or UNABLE.

    `retryable` and `retry_after_seconds` (0-86,400) are what job code says of another attempt.
    """

    kind: OutcomeKind
    result: Json = None
    code: str = ""
    message: str = ""
    retryable: bool = True
    retry_after_seconds: float | None = None


class Heartbeat(Protocol):
    """Called by an executor at every heartbeat interval while job code runs; never raises."""

    def __call__(self, progress: Progress | None) -> Signal:
        """Extends the lease, stores what the job last said of its progress, and says whether to go on."""


class Begun(Protocol):
    """Called by an executor once, when the code of an attempt begins; never raises.

    Not called where no code comes to run: its process could not be started, or the attempt was stopped before.
    """

    def __call__(self) -> None:
        """Notes that the code begins."""


def unheard() -> None:
    """The `begun` of a caller that need not hear of it."""


class Executor(Protocol):
    """Runs job code under its timeout, beating while it runs."""

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        """Runs one attempt to its end; job code's errors come back as an Outcome, nothing is raised."""


class SlotExecutor(Executor, Protocol):
    """An executor that runs attempts of several threads at once, and can be told that the end is near."""

    def warm(self, children: int) -> None:
        """Prepares for `children` attempts at once."""

    def probe(self) -> str:
        """Says why no attempt can begin here now; empty where one can."""

    def types_now(self) -> Sequence[str]:
        """The job types that attempts which begin from now on find; raises where none can begin."""

    def hurry(self) -> None:
        """Has every attempt beat at once."""

    def close(self) -> None:
        """Stops what runs; attempts under way come back HANDED_BACK."""
