"""Acts on more jobs than one call of the API may take up: calls again until all is done, and sums up what was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tidegate_cli.answers import number_of
from tidegate_cli.client import MAX_PAGES, Client
from tidegate_cli.errors import CliError, Interrupted

_CALLS_WITHOUT_PROGRESS = 20
Tell = Callable[[str], None]
Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Summary:
    """Sums up what all calls together did.

    `is_exact` is False where an answer was lost, so that more may have been done.
    """

    counts: Mapping[str, int]
    last: Answer
    is_exact: bool

    def as_json(self, *names: str) -> dict[str, Any]:
        """The counts under `names`, that all is done, and whether the counts are exact."""
        return {**{name: self.counts[name] for name in names}, "complete": True, "exact": self.is_exact}

    @property
    def about(self) -> str:
        """Goes before a count that may be too low."""
        return "" if self.is_exact else "at least "


@contextmanager
def tells_way_on(command: str, done: Callable[[], str]) -> Iterator[None]:
    """Ends Ctrl-C within it with what is `done` and the command that goes on. Raises Interrupted."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"interrupted; {done()} so far, and a call that was under way may have done more\n"
            f"  {command}    goes on"
        ) from error


def rerun(client: Client, workflow_id: str, tell: Tell) -> Summary:
    """Reruns a workflow, however many calls that takes; `tell` hears how far it is. Raises CliError."""
    repeats = client.repeats
    reopened = left = without = 0
    calls = _calls(lambda cursor: client.rerun_workflow(workflow_id, cursor), "reopened", workflow_id)
    with tells_way_on(f"tidegate workflows rerun {workflow_id}", lambda: f"{reopened:,} jobs reopened"):
        for answer in calls:
            reopened += number_of(answer, "reopened")
            left = max(left, number_of(answer, "left_at_limit"))  # each call meets the same ones
            without += number_of(answer, "left_without_upstream")
            if not answer.get("complete", True):
                tell(f"{reopened:,} jobs reopened, going on")
    counts = {"reopened": reopened, "left_at_limit": left, "left_without_upstream": without}
    return Summary(counts, answer, client.repeats == repeats)


def cancel_workflow(client: Client, workflow_id: str, tell: Tell) -> Summary:
    """Cancels a workflow, however many calls that takes; `tell` hears how far it is. Raises CliError."""
    repeats = client.repeats
    counts = dict.fromkeys(("cancelled", "asked", "ended"), 0)
    calls = _calls(lambda cursor: client.cancel_workflow(workflow_id, cursor), "cancelled", workflow_id)
    with tells_way_on(
        f"tidegate workflows cancel {workflow_id}", lambda: f"{counts['cancelled']:,} jobs cancelled"
    ):
        for answer in calls:
            # Each call looks at jobs of its own.
            counts = {name: count + number_of(answer, name) for name, count in counts.items()}
            if not answer.get("complete", True):
                tell(
                    f"{counts['cancelled']:,} jobs cancelled, {number_of(answer, 'left'):,} to look at, going on"
                )
    return Summary(counts, answer, client.repeats == repeats)


def cancel_downstream(client: Client, job_id: str, tell: Tell) -> Summary:
    """Cancels a job and all downstream of it, however many calls that takes. Raises CliError.

    `last` is the job after that; `ended` counts those that are neither cancelled by this nor still asked to stop.
    """
    repeats = client.repeats
    cancelled = before = 0

    def call(_cursor: str | None) -> Answer:
        job = client.cancel_job(job_id, downstream=True)
        return {**(job.raw.get("downstream") or {}), "job": job}

    command = f"tidegate jobs cancel {job_id} --downstream"
    with tells_way_on(command, lambda: f"{cancelled:,} jobs cancelled"):
        for answer in _calls(call, "cancelled", job_id):
            before = cancelled
            cancelled += number_of(answer, "cancelled")
            if not answer.get("complete", True):
                tell(f"{cancelled:,} jobs cancelled, {number_of(answer, 'left'):,} to cancel, going on")
    # Every call looks at all jobs again: to the last one, what the calls before it cancelled had ended.
    ended = max(0, number_of(answer, "ended") - before)
    counts = {"cancelled": cancelled, "asked": number_of(answer, "asked"), "ended": ended}
    return Summary(counts, answer, client.repeats == repeats)


def _calls(call: Callable[[str | None], Answer], progress: str, subject: str) -> Iterator[Answer]:
    """The answers of calls that go on until one is complete. Raises CliError where they get nowhere."""
    cursor: str | None = None
    idle = 0
    for _ in range(MAX_PAGES):
        answer = call(cursor)
        yield answer
        if answer.get("complete", True):
            return
        following = answer.get("cursor")
        idle = 0 if number_of(answer, progress) or following != cursor else idle + 1
        if idle == _CALLS_WITHOUT_PROGRESS:
            break
        cursor = following
    raise CliError(f"{subject} is not done, and further calls get nowhere: look at its jobs, and try again")
