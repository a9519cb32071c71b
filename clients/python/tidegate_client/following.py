"""Waits and follows: bounded polling whose pause doubles while nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from tidegate_client.errors import InvalidArgument, InvalidRequest, StillRunning
from tidegate_client.exchange import Emit, Flow, Sleep, Stream, Surroundings, exchange
from tidegate_client.models.jobs import Job, LogPage
from tidegate_client.models.states import LETTERS, JobState
from tidegate_client.models.workflows import States
from tidegate_client.operations.jobs import Moment, get_job, read_logs
from tidegate_client.operations.workflows import get_states, get_workflow
from tidegate_client.wire import Operation

T = TypeVar("T")
_EARLY_SECONDS = 1.0  # an answer that comes so much earlier than asked for did not wait


@dataclass(frozen=True, slots=True)
class Polling:
    """The pauses between polls in seconds: the first, which doubles while nothing changes, and the longest."""

    first_seconds: float = 0.5
    longest_seconds: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.first_seconds <= self.longest_seconds:
            raise InvalidArgument(
                "the pauses of polling must be above 0, the first no longer than the longest"
            )


@dataclass(frozen=True, slots=True)
class WorkflowChange:
    """The states of a workflow's jobs at one version.

    `states` has the state of each job in the order of the submission, `changed` the indexes of those that changed since
    the version before, all at first. `counts` has the number of jobs by state, and `state` the word for the whole.
    """

    workflow_id: str
    version: str
    state: str
    states: tuple[JobState, ...]
    changed: tuple[int, ...]
    counts: Mapping[str, int]
    has_ended: bool


class _Pauses:
    """Gives the pause before each poll, cut to the deadline. `now` grows in seconds."""

    def __init__(self, polling: Polling, around: Surroundings, timeout_seconds: float | None) -> None:
        self._polling = polling
        self._now = around.now
        self._until = None if timeout_seconds is None else around.now() + timeout_seconds
        self._next = polling.first_seconds

    def changed(self) -> None:
        """Begins again with the first pause."""
        self._next = self._polling.first_seconds

    def take(self, last: object, what: str) -> Sleep:
        """Returns the next pause. Raises StillRunning with `last` if the time is over."""
        pause = self._next
        if self._until is not None:
            left = self._until - self._now()
            if left <= 0:
                raise StillRunning(f"{what} has not ended within the time of the wait", last)
            pause = min(pause, left)
        self._next = min(self._next * 2, self._polling.longest_seconds)
        return Sleep(pause)


def follow_job(
    around: Surroundings, job_id: str, *, timeout_seconds: float | None = None, polling: Polling = Polling()
) -> Stream[Job]:
    """Gives a job now and after each change of it that a poll saw, until it has ended.

    Parameters and result are in the last one alone. Raises NotFound, and StillRunning after `timeout_seconds`; None
    sets no bound.
    """
    pauses = _Pauses(polling, around, timeout_seconds)
    last: Job | None = None
    while True:
        job = yield from exchange(get_job(job_id, fields="slim"), around)
        if job.has_ended:
            yield Emit((yield from exchange(get_job(job_id), around)))
            return
        if job != last:
            pauses.changed()
            yield Emit(job)
        last = job
        yield pauses.take(job, f"job {job_id}")


def follow_workflow(
    around: Surroundings,
    workflow_id: str,
    *,
    timeout_seconds: float | None = None,
    polling: Polling = Polling(),
) -> Stream[WorkflowChange]:
    """Gives the states of a workflow's jobs now and after each change that a poll saw, until all have ended.

    A poll reads only the changes since the one before. Raises NotFound, and StillRunning after `timeout_seconds`; None
    sets no bound.
    """
    pauses = _Pauses(polling, around, timeout_seconds)
    last: WorkflowChange | None = None
    while True:
        version = None if last is None else last.version
        change = _applied((yield from exchange(get_states(workflow_id, since=version), around)), last)
        if last is None or change.changed or change.has_ended:
            pauses.changed()
            yield Emit(change)
        if change.has_ended:
            return
        last = change
        yield pauses.take(change, f"workflow {workflow_id}")


def follow_logs(
    around: Surroundings,
    job_id: str,
    *,
    attempt: int | None = None,
    since: Moment | None = None,
    polling: Polling = Polling(longest_seconds=2.0),
) -> Stream[LogPage]:
    """Gives pages of the lines that an attempt prints, the latest attempt by default, until it has ended.

    Waits for the first attempt of a job that has had none. Raises NotFound.
    """
    pauses = _Pauses(polling, around, None)
    cursor: str | None = None
    while True:
        page = yield from exchange(read_logs(job_id, attempt=attempt, since=since, cursor=cursor), around)
        if page.lines:
            pauses.changed()
            yield Emit(page)
        cursor = page.cursor
        if cursor is None:
            return
        if not page.lines:
            yield pauses.take(page, f"job {job_id}")


def last_of(stream: Stream[T]) -> Flow[T]:
    """Runs a follow to its end, and returns its last value."""
    found: list[T] = []
    step = next(stream)
    while True:
        if isinstance(step, Emit):
            found[:] = [step.value]
            answer = None
        else:
            answer = yield step
        try:
            step = stream.send(answer)
        except StopIteration:
            return found[0]


def wait_job(
    around: Surroundings, job_id: str, *, timeout_seconds: float | None = None, polling: Polling = Polling()
) -> Flow[Job]:
    """Waits until a job has ended, however it ended, and returns it with its result.

    The API waits where the deployment lets a call wait; else this polls. Raises NotFound, and StillRunning after
    `timeout_seconds`; None sets no bound.
    """
    until = None if timeout_seconds is None else around.now() + timeout_seconds
    ended = yield from _wait_at_the_api(
        around,
        lambda wait: get_job(job_id, fields="slim", wait=wait),
        lambda job: job.has_ended,
        until,
        polling,
    )
    if ended:
        return (yield from exchange(get_job(job_id), around))
    return (
        yield from last_of(follow_job(around, job_id, timeout_seconds=_left(around, until), polling=polling))
    )


def wait_workflow(
    around: Surroundings,
    workflow_id: str,
    *,
    timeout_seconds: float | None = None,
    polling: Polling = Polling(),
) -> Flow[WorkflowChange]:
    """Waits until all jobs of a workflow have ended, and returns their states.

    The API waits where the deployment lets a call wait; else this polls. Raises NotFound, and StillRunning after
    `timeout_seconds`; None sets no bound.
    """
    until = None if timeout_seconds is None else around.now() + timeout_seconds
    yield from _wait_at_the_api(
        around,
        lambda wait: get_workflow(workflow_id, limit=1, wait=wait),
        lambda page: page.ended_at is not None,
        until,
        polling,
    )
    left = _left(around, until)
    return (yield from last_of(follow_workflow(around, workflow_id, timeout_seconds=left, polling=polling)))


def _wait_at_the_api(
    around: Surroundings,
    ask: Callable[[int], Operation[T]],
    has_ended: Callable[[T], bool],
    until: float | None,
    polling: Polling,
) -> Flow[bool]:
    """Lets the API wait, call after call. Returns whether the end has come.

    Returns False where the time is over, and where the API does not wait: an answer that comes early without an end
    says so, and an API from before there were waits refuses them. After an early answer it pauses as a poll does.
    """
    while True:
        left = _left(around, until)
        seconds = around.longest_wait_seconds if left is None else min(around.longest_wait_seconds, int(left))
        if seconds < 1:
            return False
        asked_at = around.now()
        try:
            found = yield from exchange(ask(seconds), around)
        except InvalidRequest as refused:
            if any(fault.field == "wait" for fault in refused.faults):
                return False
            raise
        if has_ended(found):
            return True
        if around.now() - asked_at < seconds - _EARLY_SECONDS:
            yield Sleep(polling.first_seconds if left is None else min(polling.first_seconds, left))
            return False


def _left(around: Surroundings, until: float | None) -> float | None:
    return None if until is None else max(0.0, until - around.now())


def _applied(answer: States, last: WorkflowChange | None) -> WorkflowChange:
    """Returns the states after an answer, whose changes count from `last`."""
    if answer.states is not None:
        states: list[JobState] = [_state(letter) for letter in answer.states]
        before = () if last is None else last.states
        changed = [index for index, state in enumerate(states) if before[index : index + 1] != (state,)]
    else:
        states = [] if last is None else list(last.states)
        changed = []
        for letter, indexes in answer.changes.items():
            for index in indexes:
                states[index] = _state(letter)
                changed.append(index)
    return WorkflowChange(
        answer.workflow_id,
        answer.version,
        answer.state,
        tuple(states),
        tuple(sorted(changed)),
        answer.counts,
        answer.ended_at is not None,
    )


def _state(letter: str) -> JobState:
    return LETTERS.get(letter, letter)
