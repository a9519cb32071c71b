"""The parts with which a function runs job code, on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable

from tests.harness.faults.emulated import EmulatedAws
from tidegate.ports import Assignment, Begun, Heartbeat, Outcome, OutcomeKind, Signal, unheard


class VirtualClock:
    """The time of the emulated queues."""

    def __init__(self, aws: EmulatedAws) -> None:
        self._aws = aws

    def now_ms(self) -> int:
        """Returns milliseconds since the epoch."""
        return self._aws.now_ms


class Beats:
    """An executor whose jobs beat once, after a given event, and stop when they are told to."""

    def __init__(self, during: Callable[[str], object]) -> None:
        self._during = during

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        """Runs one attempt to its end."""
        begun()
        self._during(assignment.job_id)
        kind = OutcomeKind.CANCELLED if heartbeat(None) is Signal.CANCEL else OutcomeKind.SUCCEEDED
        return Outcome(kind)
