"""Waits until a job or a workflow has ended, for a call that is answered then.

A call that waits keeps an execution of its function busy. So a deployment says how many calls may wait at once, and one
call too many is answered without a wait. The wait ends early where a look fails, because the caller's own read says
why.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.progress import WorkflowState
from tidegate.domain.states import TERMINAL
from tidegate.ports import Pauses
from tidegate.usecases.bounds.deadline import Deadline
from tidegate.usecases.read.progress import summarise
from tidegate.usecases.read.visible import find_job, find_workflow
from tidegate.usecases.services import Services

LOOK_EVERY_MS = 500
# No call waits for so long, so a wait that is still open then belongs to a process that died.
OPEN_MS = 30_000
_HOLDER_CHARACTERS = 8  # the random end of a ULID, of 40 bits


@dataclass(frozen=True, slots=True)
class Patience:
    """How a call may wait: for `longest_ms` milliseconds at most, and not after `until`.

    `most` is how many calls of the deployment may wait at once, from 1 to `MAX_OPEN_WAITS`. `pauses` lets time pass.
    """

    longest_ms: int
    until: Deadline
    most: int
    pauses: Pauses


def wait_for_job(services: Services, job_id: str, patience: Patience, *, now_ms: int) -> None:
    """Returns once the job has ended or the time is over; at once where it has ended, or where no call may wait.

    Costs a consistent read of the job, and for a wait 2 write units and an eventually
    consistent read every `LOOK_EVERY_MS`: with 20 s, 2 write units and 21 read units for each 4 KB of the job's item.
    Raises NotFound; ServiceUnavailable from the first read.
    """

    def ended(job: Job | None) -> bool:
        return job is not None and job.state in TERMINAL  # an eventually consistent read may not know it yet

    if not ended(find_job(services, job_id)):
        _look(services, lambda: ended(services.jobs.get(job_id, consistent=False)), patience, now_ms)


def wait_for_workflow(services: Services, workflow_id: str, patience: Patience, *, now_ms: int) -> None:
    """Does for a workflow what `wait_for_job` does for a job.

    A workflow has ended once the recorder has noted the end of every job, moments after the last of them. The first
    look is a read and a query, as for an answer. Each further look reads the workflow's record: 0.5 read units.
    """

    def noted() -> bool:
        record = services.workflows.get_many([workflow_id]).get(workflow_id)
        summary = None if record is None else record.summary
        return summary is not None and summary.state is not WorkflowState.RUNNING

    if summarise(services, find_workflow(services, workflow_id)).state is WorkflowState.RUNNING:
        _look(services, noted, patience, now_ms)


def _look(services: Services, has_ended: Callable[[], bool], patience: Patience, now_ms: int) -> None:
    """Looks until `has_ended` says so or the time is over. A failure of a store ends the wait."""
    holder, over_at_ms = services.entropy.new_ulid(now_ms)[-_HOLDER_CHARACTERS:], now_ms + OPEN_MS
    waits = services.open_waits
    with suppress(ServiceUnavailable, ServiceRefused):
        if waits.begin_if_fewer(holder, most=patience.most, now_ms=now_ms, until_ms=over_at_ms):
            try:
                _pass_time(has_ended, patience)
            finally:
                waits.end(holder, until_ms=over_at_ms)


def _pass_time(has_ended: Callable[[], bool], patience: Patience) -> None:
    pauses = patience.pauses
    end_ms = pauses.now_ms() + patience.longest_ms
    for _ in range(-(-patience.longest_ms // LOOK_EVERY_MS)):
        left_ms = end_ms - pauses.now_ms()
        if left_ms <= 0 or patience.until.is_over():
            return
        pauses.pause_ms(min(left_ms, LOOK_EVERY_MS))
        if left_ms > LOOK_EVERY_MS and has_ended():  # the caller's own read is the last look
            return
