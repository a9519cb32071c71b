"""Acts on more jobs than one call of the API can handle: calls again until all are done, and adds up the counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tidegate_cli.api_answers import number_of
from tidegate_cli.client import Client
from tidegate_cli.connection import MAX_PAGES
from tidegate_cli.errors import CliError, Interrupted

_CALLS_WITHOUT_PROGRESS = 20
Tell = Callable[[str], None]
Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of all calls together.

    `counts` are sums by name, and `last` is the last answer. `is_exact` is False if an answer was lost. Then more jobs
    may have been changed than are counted.
    """

    counts: Mapping[str, int]
    last: Answer
    is_exact: bool

    def as_json(self, *names: str) -> dict[str, Any]:
        """Returns the counts under `names`, with `complete` (always True) and `exact`."""
        return {**{name: self.counts[name] for name in names}, "complete": True, "exact": self.is_exact}

    @property
    def about(self) -> str:
        """Returns "at least " to put before a count that may be too low; "" if the counts are exact."""
        return "" if self.is_exact else "at least "


@contextmanager
def tells_way_on(command: str, done: Callable[[], str]) -> Iterator[None]:
    """Turns Ctrl-C within the block into Interrupted. Its message has the text of `done` and the `command` to go on."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"interrupted; {done()} so far, and a call that was under way may have done more\n"
            f"  {command}    goes on"
        ) from error


def rerun(client: Client, workflow_id: str, tell: Tell, *, dry_run: bool = False) -> Summary:
    """Reruns a workflow with as many calls as that takes. `tell` is called with the progress after each call.

    The counts are `reopened`, `left_at_limit` and `left_without_upstream`. `dry_run` changes nothing. Raises
    CliError if a call fails or further calls change nothing, and Interrupted on Ctrl-C.
    """
    repeats = client.repeats
    reopened = left = without = 0
    calls = _calls(
        lambda cursor: client.rerun_workflow(workflow_id, cursor, dry_run=dry_run), "reopened", workflow_id
    )
    with tells_way_on(f"tidegate workflows rerun {workflow_id}", lambda: f"{reopened:,} jobs reopened"):
        for answer in calls:
            reopened += number_of(answer, "reopened")
            left = max(left, number_of(answer, "left_at_limit"))  # each call counts the same jobs again
            without += number_of(answer, "left_without_upstream")
            if not answer.get("complete", True):
                tell(f"{reopened:,} jobs reopened, going on")
    counts = {"reopened": reopened, "left_at_limit": left, "left_without_upstream": without}
    return Summary(counts, answer, client.repeats == repeats)


def cancel_workflow(client: Client, workflow_id: str, tell: Tell, *, dry_run: bool = False) -> Summary:
    """Cancels a workflow with as many calls as that takes. `tell` is called with the progress after each call.

    The counts are `cancelled`, `asked` (to stop) and `ended` (before). `dry_run` changes nothing. Raises CliError if a
    call fails or further calls change nothing, and Interrupted on Ctrl-C.
    """
    repeats = client.repeats
    counts = dict.fromkeys(("cancelled", "asked", "ended"), 0)
    calls = _calls(
        lambda cursor: client.cancel_workflow(workflow_id, cursor, dry_run=dry_run), "cancelled", workflow_id
    )
    with tells_way_on(
        f"tidegate workflows cancel {workflow_id}", lambda: f"{counts['cancelled']:,} jobs cancelled"
    ):
        for answer in calls:
            # No two calls count the same job.
            counts = {name: count + number_of(answer, name) for name, count in counts.items()}
            if not answer.get("complete", True):
                tell(
                    f"{counts['cancelled']:,} jobs cancelled, {number_of(answer, 'left'):,} to look at, going on"
                )
    return Summary(counts, answer, client.repeats == repeats)


def cancel_downstream(client: Client, job_id: str, tell: Tell, *, dry_run: bool = False) -> Summary:
    """Cancels a job and all jobs downstream of it, with as many calls as that takes.

    `tell` is called with the progress after each call. `last["job"]` is the job after that. The counts are `cancelled`,
    `asked` (to stop) and `ended`: the jobs that had ended before this command. `dry_run` changes nothing. Raises
    CliError if a call fails or further calls change nothing, and Interrupted on Ctrl-C.
    """
    repeats = client.repeats
    cancelled = before = 0

    def call(_cursor: str | None) -> Answer:
        job = client.cancel_job(job_id, downstream=True, dry_run=dry_run)
        return {**(job.raw.get("downstream") or {}), "job": job}

    command = f"tidegate jobs cancel {job_id} --downstream"
    with tells_way_on(command, lambda: f"{cancelled:,} jobs cancelled"):
        for answer in _calls(call, "cancelled", job_id):
            before = cancelled
            cancelled += number_of(answer, "cancelled")
            if not answer.get("complete", True):
                tell(f"{cancelled:,} jobs cancelled, {number_of(answer, 'left'):,} to cancel, going on")
    # Each call counts all jobs again, so the last one counts the jobs that earlier calls cancelled as ended.
    ended = max(0, number_of(answer, "ended") - before)
    counts = {"cancelled": cancelled, "asked": number_of(answer, "asked"), "ended": ended}
    return Summary(counts, answer, client.repeats == repeats)


def _calls(call: Callable[[str | None], Answer], progress: str, subject: str) -> Iterator[Answer]:
    """Yields the answers of calls until one is complete.

    Raises CliError after `_CALLS_WITHOUT_PROGRESS` calls that changed nothing, or after MAX_PAGES calls.
    """
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
    raise CliError(
        f"{subject} is not done, and further calls change nothing: look at its jobs, then try again"
    )
