"""Helpers of the tests of executors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.adapters.system import SystemStopwatch
from tidegate.domain.job import Json, Progress
from tidegate.ports import Assignment, Outcome, Signal, UpstreamResult

JOBCODE = "tests.harness.jobs.jobcode"
LONG_MS = 120_000
BEAT_SECONDS = 0.02
CLOCK = SystemStopwatch()


def assignment(
    job_type: str,
    parameters: Mapping[str, Json] | None = None,
    *,
    timeout_ms: int = LONG_MS,
    upstreams: Sequence[UpstreamResult] = (),
) -> Assignment:
    return Assignment(
        job_id="01JD.7",
        attempt=2,
        type=job_type,
        parameters=parameters or {},
        timeout_ms=timeout_ms,
        upstreams=tuple(upstreams),
        key="seven",
    )


class Beats:
    """A heartbeat that keeps the reports it gets and answers from a script. The last answer repeats.

    `when` holds the script back until the reported progress satisfies it.
    """

    def __init__(
        self, *answers: Signal, when: Callable[[Progress | None], bool] = lambda _progress: True
    ) -> None:
        self._answers = list(answers) or [Signal.GO_ON]
        self._when = when
        self._open = False
        self.progress: list[Progress] = []
        self.count = 0
        self.beaten = threading.Event()

    def __call__(self, progress: Progress | None) -> Signal:
        self.count += 1
        self.beaten.set()
        if progress is not None:
            self.progress.append(progress)
        self._open = self._open or self._when(progress)
        if not self._open:
            return Signal.GO_ON
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def make_process_executor(heartbeat_seconds: float = BEAT_SECONDS) -> ProcessExecutor:
    """Returns an executor of worker processes over the tests' job code. The caller closes it."""
    return ProcessExecutor(
        CLOCK,
        heartbeat_seconds=heartbeat_seconds,
        cancel_grace_seconds=0.05,
        hand_back_grace_seconds=0.05,
        packages=(JOBCODE,),
    )


def has_progress(progress: Progress | None) -> bool:
    return progress is not None


Execute = Callable[[Assignment, Beats], Outcome]


def without_lines(outcome: Outcome) -> Outcome:
    """Returns the outcome without the lines that the attempt printed last."""
    return replace(outcome, last_lines=())
