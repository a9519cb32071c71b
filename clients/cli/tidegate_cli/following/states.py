"""Follows the states of a workflow's jobs from version to version, and shows the counts and what changed."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import httpx
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from tidegate.domain.job import workflow_job_id
from tidegate.domain.progress import WorkflowState
from tidegate.domain.states import TERMINAL, State
from tidegate_cli.client import Client
from tidegate_cli.errors import ApiProblem
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.following.follow import Pace, Waiting, WaitTimedOut, exit_code_of
from tidegate_cli.following.live import STYLES, duration_text, numbers_text
from tidegate_cli.tables import is_screen
from tidegate_cli.views import printable
from tidegate_cli.workflow_answers import LETTERS, StatesView, graph_view, states_view

# Words of state of a workflow whose jobs have all ended. Any other word means that it goes on.
_ENDS = frozenset({WorkflowState.SUCCEEDED, WorkflowState.FAILED, WorkflowState.CANCELLED})
_MAX_LINES_PER_LOOK = 200
_RECENT = 12  # changes in the picture
_BAR_WIDTH = 24
_FIRST_HEARTBEAT_MS = 10_000
_MAX_HEARTBEAT_MS = 300_000


@dataclass(frozen=True, slots=True)
class Changed:
    """A job that has another state than at the look before. `key` is None if it is not known."""

    job_id: str
    key: str | None
    state: State

    @property
    def label(self) -> str:
        """Returns the job's name for people."""
        return self.job_id if self.key is None else self.key


@dataclass(frozen=True, slots=True)
class Look:
    """A workflow as one poll found it.

    `counts` holds the number of jobs by state. `changes` are in the order of the submission; those of the first look
    are all jobs that are no longer PENDING. `now_ms` and `began_ms` are the times of this look and of the first one, in
    milliseconds since the epoch.
    """

    workflow_id: str
    state: str
    version: str
    job_count: int
    counts: Mapping[State, int]
    changes: tuple[Changed, ...]
    is_first: bool
    now_ms: int
    began_ms: int

    @property
    def is_last(self) -> bool:
        """True if every job has ended."""
        return self.state in _ENDS

    @property
    def ended_count(self) -> int:
        """Returns the number of jobs that have ended."""
        return sum(count for state, count in self.counts.items() if state in TERMINAL)


class Watcher(Protocol):
    """Shows each look to the user."""

    def show(self, look: Look) -> None:
        """Shows one look, after the one before or in its place."""


class StatesReader:
    """Reads what changed since the last look. The first look reads the state of every job, and the keys once."""

    def __init__(self, client: Client, workflow_id: str) -> None:
        self._client = client
        self.workflow_id = workflow_id
        self._keys: Sequence[str] = ()
        self._version: str | None = None

    def read(self) -> tuple[StatesView, tuple[Changed, ...]]:
        """Returns the workflow, and the jobs that changed. Raises ApiProblem, ApiUnreachable or CliError."""
        view = states_view(self._client.get_workflow_states(self.workflow_id, since=self._version))
        if self._version is None:
            self._keys = self._read_keys()
        self._version = view.version
        return view, tuple(self._changes(view))

    def _changes(self, view: StatesView) -> Iterator[Changed]:
        found = view.changes
        if view.letters is not None:
            found = {index: letter for index, letter in enumerate(view.letters) if letter != "P"}
        for index in sorted(found):
            key = self._keys[index] if index < len(self._keys) else None
            if found[index] in LETTERS:
                yield Changed(workflow_job_id(self.workflow_id, index), key, LETTERS[found[index]])

    def _read_keys(self) -> Sequence[str]:
        """Returns the keys of the jobs; none for a workflow that was submitted before graphs were stored."""
        try:
            return graph_view(self._client.get_workflow_graph(self.workflow_id)).keys
        except ApiProblem as problem:
            if problem.status != httpx.codes.NOT_FOUND:
                raise
            return ()


def follow_states(
    reader: StatesReader, watcher: Watcher, *, timeout_seconds: float, waiting: Waiting | None = None
) -> Look:
    """Polls until every job of the workflow has ended, and returns the last look.

    Raises WaitTimedOut after `timeout_seconds`, and what the reader raises. `waiting` holds the clocks, for tests.
    """
    passing, pace = waiting or Waiting(), Pace()
    began_ms, began_s = passing.now_ms(), passing.monotonic()
    is_first = True
    while True:  # ends with the workflow or with `timeout_seconds`
        asked_s = passing.monotonic()
        view, changes = reader.read()
        took_s = passing.monotonic() - asked_s
        look = Look(
            workflow_id=reader.workflow_id,
            state=view.state,
            version=view.version,
            job_count=view.job_count,
            counts=view.counts,
            changes=changes,
            is_first=is_first,
            now_ms=passing.now_ms(),
            began_ms=began_ms,
        )
        watcher.show(look)
        if look.is_last:
            return look
        is_first = False
        left_s = timeout_seconds - (passing.monotonic() - began_s)
        if left_s <= 0:
            open_jobs = look.job_count - look.ended_count
            raise WaitTimedOut(
                f"waited {timeout_seconds:g} s: {open_jobs} of {look.job_count} jobs have not ended; they go on"
            )
        passing.sleep(min(pace.pause_seconds(took_s, changed=bool(changes)), left_s))


def exit_code_at(client: Client, look: Look) -> ExitCode:
    """Returns the exit code for a workflow whose jobs have all ended, the same that `tidegate wait` has.

    Reads the SKIPPED jobs if no job failed, because only the reason of each says whether it counts as a failure.
    """
    if look.counts.get(State.FAILED) or look.counts.get(State.TIMED_OUT):
        return ExitCode.JOB_FAILED
    code = ExitCode.SUCCESS
    if look.counts.get(State.SKIPPED):
        filters = {"workflow": look.workflow_id, "state": State.SKIPPED.value}
        skipped = tuple(client.list_jobs(filters, limit=look.job_count))
        ids = {workflow_job_id(look.workflow_id, index) for index in range(look.job_count)}
        code = exit_code_of(skipped, ids)
    return ExitCode.CANCELLED if code is ExitCode.SUCCESS and look.counts.get(State.CANCELLED) else code


# --- showing -----------------------------------------------------------------------------------------


@contextmanager
def watcher_for(console: Console) -> Iterator[Watcher]:
    """Yields a watcher that writes to `console`: a picture on a terminal that can redraw, plain lines elsewhere."""
    if not is_screen(console) or console.is_dumb_terminal:
        yield LineWatcher(console)
        return
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        yield PictureWatcher(live)


class PictureWatcher:
    """Redraws one picture: a bar, the counts, and the latest changes."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._recent: deque[Text] = deque(maxlen=_RECENT)

    def show(self, look: Look) -> None:
        """Draws the look in place of the one before."""
        if not look.is_first:
            self._recent.extend(_change_text(look, each) for each in look.changes[-_RECENT:])
        full = _BAR_WIDTH * look.ended_count // max(1, look.job_count)
        head = Text.assemble(
            (look.workflow_id, "bold"),
            f"  {printable(look.state)}  elapsed {duration_text((look.now_ms - look.began_ms) / 1_000)}",
        )
        bar = Text.assemble(
            ("━" * full, "green"),
            ("━" * (_BAR_WIDTH - full), "bright_black"),
            f"  {look.ended_count}/{look.job_count} ended",
        )
        self._live.update(Group(head, bar, numbers_text(look.counts), *self._recent))


class LineWatcher:
    """Prints a line for each job that changed since the last look, then the counts.

    Of a look with more than `_MAX_LINES_PER_LOOK` changes, and of the first one, it prints the counts only.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._counts = ""
        self._said_ms = 0
        self._patience_ms = _FIRST_HEARTBEAT_MS

    def show(self, look: Look) -> None:
        """Prints what the look found anew."""
        if not look.is_first and len(look.changes) <= _MAX_LINES_PER_LOOK:
            for each in look.changes:
                self._print(look, _change_text(look, each).plain)
        counts = numbers_text(look.counts).plain
        if counts != self._counts:
            self._counts = counts
            self._print(
                look, f"{_clock(look.now_ms)} {look.ended_count}/{look.job_count} ended: {self._counts}"
            )
        silent_ms = look.now_ms - self._said_ms
        if silent_ms >= self._patience_ms:
            patience_ms = min(_MAX_HEARTBEAT_MS, self._patience_ms * 2)
            silent = duration_text(silent_ms / 1_000)
            self._print(look, f"{_clock(look.now_ms)} nothing new for {silent}: {self._counts}")
            self._patience_ms = patience_ms

    def _print(self, look: Look, line: str) -> None:
        self._said_ms, self._patience_ms = look.now_ms, _FIRST_HEARTBEAT_MS
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class JsonWatcher:
    """Writes a JSON object on a line of its own for each look that found a change, the first look included."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, look: Look) -> None:
        """Writes the look, unless nothing changed since the one before."""
        if not (look.is_first or look.changes or look.is_last):
            return
        made = {
            "workflow_id": look.workflow_id,
            "state": look.state,
            "version": look.version,
            "job_count": look.job_count,
            "counts": dict(look.counts),
            "changes": [
                {"job_id": each.job_id, "key": each.key, "state": each.state} for each in look.changes
            ],
        }
        self._console.file.write(json.dumps(made) + "\n")
        self._console.file.flush()


def _change_text(look: Look, changed: Changed) -> Text:
    return Text.assemble(
        f"{_clock(look.now_ms)} ",
        (f"{changed.state:<9}", STYLES[changed.state]),
        f" {printable(changed.label)}",
    )


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000).astimezone().strftime("%H:%M:%S")
