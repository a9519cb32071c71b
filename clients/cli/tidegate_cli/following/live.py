"""Shows jobs while they run: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.text import Text

from tidegate.domain.states import State
from tidegate_cli.following.eta import time_left_seconds
from tidegate_cli.following.follow import Snapshot, Viewer
from tidegate_cli.tables import Cell, Column, TextTable, is_screen
from tidegate_cli.views import JobView, labels_of, printable, with_labels

STYLES = {
    State.PENDING: "dim",
    State.SCHEDULED: "cyan",
    State.READY: "yellow",
    State.QUEUED: "blue",
    State.RUNNING: "bold magenta",
    State.SUCCEEDED: "green",
    State.FAILED: "bold red",
    State.TIMED_OUT: "bold red",
    State.CANCELLED: "red",
    State.SKIPPED: "bright_black",
}
GLYPHS = {
    State.PENDING: "·",
    State.SCHEDULED: "◷",
    State.READY: "○",
    State.QUEUED: "◔",
    State.RUNNING: "▶",
    State.SUCCEEDED: "●",
    State.FAILED: "✗",
    State.TIMED_OUT: "⧖",
    State.CANCELLED: "⊘",
    State.SKIPPED: "↷",
}
_MAX_STATES_SHOWN = 800  # ten lines of a narrow terminal
_MAX_RUNNING_ROWS = 12
_MAX_ENDED_ROWS = 6
_BAR_WIDTH = 24
_LOOKED_MS = 2_000  # the picture shows the age of a poll that is older
_MAX_LINES_PER_POLL = 200
_FIRST_HEARTBEAT_MS = 10_000
_MAX_HEARTBEAT_MS = 300_000
_SHOWN_STATES = frozenset({State.SCHEDULED, State.RUNNING})


def duration_text(seconds: float | None) -> str:
    """Formats a duration for people: 0.42 s, 12.3 s, 4m07s, 2h05m; - for None."""
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3_600:
        return f"{int(seconds // 60)}m{int(seconds % 60):02d}s"
    return f"{int(seconds // 3_600)}h{int(seconds % 3_600 // 60):02d}m"


@contextmanager
def viewer_for(console: Console) -> Iterator[Viewer]:
    """Yields a viewer that writes to `console`: a live picture on a terminal that can redraw, plain lines elsewhere.

    The live picture ends with the block, also after an error, so the terminal is usable again.
    """
    if not is_screen(console) or console.is_dumb_terminal:
        yield LineViewer(console)
        return
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        viewer = LiveViewer(live)
        yield viewer
        viewer.stand_still()


class LiveViewer:
    """Redraws one picture. Its clock goes on between polls, so that a slow answer does not look like a hang.

    `monotonic` is a clock in seconds. It is monotonic so that a change of the wall clock changes no duration shown.
    """

    def __init__(self, live: Live, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._live = live
        self._monotonic = monotonic
        self._last: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Draws the snapshot in place of the one before."""
        self._last = snapshot
        self._live.update(_Ticking(snapshot, self._monotonic))

    def stand_still(self) -> None:
        """Draws the last snapshot once more, with the clock at the time of its poll."""
        if self._last is not None:
            self._live.update(picture(self._last))


class _Ticking:
    """A picture whose first line, with the clock, is made new each time it is drawn."""

    def __init__(self, snapshot: Snapshot, monotonic: Callable[[], float]) -> None:
        self._snapshot = snapshot
        self._monotonic = monotonic
        self._made_s = monotonic()
        self._body = _body(snapshot)

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> RenderResult:
        age_ms = int((self._monotonic() - self._made_s) * 1_000)
        yield _head(self._snapshot, self._snapshot.now_ms + age_ms)
        yield self._body


class LineViewer:
    """Prints a line for each change since the last snapshot."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[str, tuple[State, int]] = {}
        self._counts = ""
        self._waits: tuple[str, ...] = ()
        self._said_ms: int | None = None
        self._patience_ms = _FIRST_HEARTBEAT_MS

    def show(self, snapshot: Snapshot) -> None:
        """Prints the jobs that started, wait for a retry or ended, then the counts, then the reasons why jobs wait.

        If more than `_MAX_LINES_PER_POLL` jobs changed, it prints the counts only.
        """
        changed = []
        for job in snapshot.jobs:
            if self._seen.get(job.job_id) != (job.state, job.attempt):
                self._seen[job.job_id] = (job.state, job.attempt)
                if job.is_terminal or job.state in _SHOWN_STATES:
                    changed.append(job)
        if len(changed) <= _MAX_LINES_PER_POLL:
            labels = labels_of(snapshot.jobs) if changed else {}
            for job in sorted(changed, key=lambda job: job.finished_at_ms or job.started_at_ms or 0):
                self._print(snapshot, _line(job, labels))
        counts = counts_text(snapshot.jobs).plain
        if counts != self._counts:
            self._counts = counts
            left = duration_text(_left(snapshot))
            self._print(
                snapshot, f"{_ended(snapshot.jobs)}/{len(snapshot.jobs)} ended, left {left}: {counts}"
            )

        if snapshot.waits and snapshot.waits != self._waits:
            self._waits = snapshot.waits
            for reason in snapshot.waits:
                self._print(snapshot, reason)
        self._beat(snapshot)

    def _beat(self, snapshot: Snapshot) -> None:
        """Prints that nothing is new, so that a silent run does not look like a hang.

        The first such line comes after `_FIRST_HEARTBEAT_MS`, each next one after twice as long a silence.
        """
        if self._said_ms is None or snapshot.now_ms - self._said_ms < self._patience_ms:
            return
        silent_s = (snapshot.now_ms - self._said_ms) / 1_000
        patience_ms = min(_MAX_HEARTBEAT_MS, self._patience_ms * 2)
        self._print(snapshot, f"nothing new for {duration_text(silent_s)}: {self._counts}")
        self._patience_ms = patience_ms

    def _print(self, snapshot: Snapshot, line: str) -> None:
        self._said_ms = snapshot.now_ms
        self._patience_ms = _FIRST_HEARTBEAT_MS
        at = datetime.fromtimestamp(snapshot.now_ms / 1_000).astimezone().strftime("%H:%M:%S")
        self._console.print(f"{at} {printable(line)}", markup=False, highlight=False, soft_wrap=True)


def counts_text(jobs: Sequence[JobView]) -> Text:
    """Returns the number of jobs in each state, in the order in which a job passes through the states."""
    return numbers_text(Counter(job.state for job in jobs))


def numbers_text(counts: Mapping[State, int]) -> Text:
    """Returns the same for numbers that are known, without zeros."""
    parts = [(f"{state} {counts[state]}", STYLES[state]) for state in State if counts.get(state)]
    return _joined(parts)


def _joined(parts: Sequence[tuple[str, str]]) -> Text:
    return Text("  ").join(Text(text, style=style) for text, style in parts)


def picture(snapshot: Snapshot) -> RenderableType:
    """Returns the whole picture of one snapshot."""
    return Group(_head(snapshot, snapshot.now_ms), _body(snapshot))


def _head(snapshot: Snapshot, now_ms: int) -> Text:
    parts = [
        (printable(snapshot.title), "bold"),
        (f"elapsed {duration_text((now_ms - snapshot.began_ms) / 1_000)}", ""),
    ]
    looked_ms = now_ms - snapshot.now_ms
    if looked_ms >= _LOOKED_MS:
        parts.append((f"looked {looked_ms // 1_000} s ago", "dim"))
    return _joined(parts)


def _body(snapshot: Snapshot) -> RenderableType:
    ended = _ended(snapshot.jobs)
    full = _BAR_WIDTH * ended // max(1, len(snapshot.jobs))
    bar = Text.assemble(
        ("━" * full, "green"),
        ("━" * (_BAR_WIDTH - full), "bright_black"),
        f"  {ended}/{len(snapshot.jobs)} ended  left about {duration_text(_left(snapshot))}",
    )
    states = _states(snapshot.jobs)
    waits = [Text(reason, style=STYLES[State.READY]) for reason in snapshot.waits]
    tables = (_running_table(snapshot), _ended_table(snapshot))
    return Group(bar, _legend(snapshot.jobs), states, *waits, *tables)


def _states(jobs: Sequence[JobView]) -> Text:
    """Returns one sign for the state of each job, in the order in which the jobs were submitted."""
    signs = Text()
    for job in jobs[:_MAX_STATES_SHOWN]:
        signs.append(GLYPHS[job.state], style=STYLES[job.state])
    if len(jobs) > _MAX_STATES_SHOWN:
        signs.append(f" and {len(jobs) - _MAX_STATES_SHOWN:,} more")
    return signs


def _legend(jobs: Sequence[JobView]) -> Text:
    counts = Counter(job.state for job in jobs)
    parts = [(f"{GLYPHS[state]} {state} {counts[state]}", STYLES[state]) for state in State if counts[state]]
    return _joined(parts)


_RUNNING_COLUMNS = (
    Column("running", fixed=True),
    Column("pool", 20),
    Column("worker", 10),
    Column("attempt", 40, right=True),
    Column("progress", 60, folds=True),
    Column("elapsed", 80, right=True),
    Column("estimate", 50, right=True),
)
_ENDED_COLUMNS = (
    Column("ended", 100),
    Column("job", fixed=True),
    Column("after", 80, right=True),
    Column("why", 90, folds=True),
)
_HINT = "`tidegate jobs list` has them"


def _running_table(snapshot: Snapshot) -> RenderableType:
    running = [job for job in snapshot.jobs if job.state is State.RUNNING]
    if not running:
        return Text("nothing runs", style="dim")
    running.sort(key=lambda job: job.started_at_ms or 0)
    rows: list[Sequence[Cell]] = []
    for job in running[:_MAX_RUNNING_ROWS]:
        progress = f"{job.progress:4.0%} {job.progress_message}" if job.progress is not None else ""
        elapsed = None if job.started_at_ms is None else max(0, snapshot.now_ms - job.started_at_ms) / 1_000
        rows.append(
            (
                job.label,
                job.pool,
                job.worker or "-",
                str(job.attempt),
                progress,
                duration_text(elapsed),
                duration_text(job.estimated_seconds),
            )
        )
    if len(running) > _MAX_RUNNING_ROWS:
        rows.append((f"and {len(running) - _MAX_RUNNING_ROWS} more", *[""] * (len(_RUNNING_COLUMNS) - 1)))
    return TextTable(_RUNNING_COLUMNS, rows, _HINT)


def _ended_table(snapshot: Snapshot) -> RenderableType:
    ended = sorted(
        (job for job in snapshot.jobs if job.is_terminal),
        key=lambda job: job.finished_at_ms or 0,
        reverse=True,
    )
    if not ended:
        return Text("")
    labels = labels_of(snapshot.jobs)
    rows = [
        (
            Text(job.state, style=STYLES[job.state]),
            job.label,
            duration_text(job.actual_seconds),
            Text(with_labels(job.error, labels), style="dim"),
        )
        for job in ended[:_MAX_ENDED_ROWS]
    ]
    return TextTable(_ENDED_COLUMNS, rows, _HINT)


def _line(job: JobView, labels: Mapping[str, str]) -> str:
    if job.state is State.RUNNING:
        return f"{job.state:<9} {job.label} attempt {job.attempt} on {job.worker or '-'}"
    due = f" until {job.due_at}" if job.state is State.SCHEDULED and job.due_at else ""
    took = f" after {duration_text(job.actual_seconds)}" if job.actual_seconds is not None else ""
    return (
        f"{job.state:<9} {job.label}{due}{took}{' - ' + with_labels(job.error, labels) if job.error else ''}"
    )


def _left(snapshot: Snapshot) -> float | None:
    return time_left_seconds(snapshot.jobs, slots=snapshot.slots_seen, now_ms=snapshot.now_ms)


def _ended(jobs: Sequence[JobView]) -> int:
    return sum(job.is_terminal for job in jobs)
