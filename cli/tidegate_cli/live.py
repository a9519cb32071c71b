"""Shows a run while it goes on: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from tidegate.domain.states import State
from tidegate_cli.eta import time_left_seconds
from tidegate_cli.follow import Snapshot, Viewer
from tidegate_cli.tables import Cell, Column, TextTable
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
_MAX_LINES_PER_POLL = 200
_SHOWN_STATES = frozenset({State.SCHEDULED, State.RUNNING})


def duration_text(seconds: float | None) -> str:
    """A duration for people: 0.42 s, 12.3 s, 4m07s, 2h05m."""
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
    """A live picture where `console` is a terminal, lines where it is not; ended properly in any case."""
    if not console.is_terminal:
        yield LineViewer(console)
        return
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        yield LiveViewer(live)


class LiveViewer:
    """Redraws one picture."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, snapshot: Snapshot) -> None:
        """Draws the snapshot in place of the one before."""
        self._live.update(picture(snapshot))


class LineViewer:
    """Prints what changed since the last snapshot, a line each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[str, tuple[State, int]] = {}
        self._counts = ""
        self._waits: tuple[str, ...] = ()

    def show(self, snapshot: Snapshot) -> None:
        """Prints starts, retries and ends, with many at once only the counts; and what holds jobs back."""
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

    def _print(self, snapshot: Snapshot, line: str) -> None:
        at = datetime.fromtimestamp(snapshot.now_ms / 1_000).astimezone().strftime("%H:%M:%S")
        self._console.print(f"{at} {printable(line)}", markup=False, highlight=False, soft_wrap=True)


def counts_text(jobs: Sequence[JobView]) -> Text:
    """How many jobs are in which state, in the order that states are passed through."""
    counts = Counter(job.state for job in jobs)
    parts = [(f"{state} {counts[state]}", STYLES[state]) for state in State if counts[state]]
    return _joined(parts)


def _joined(parts: Sequence[tuple[str, str]]) -> Text:
    return Text("  ").join(Text(text, style=style) for text, style in parts)


def picture(snapshot: Snapshot) -> RenderableType:
    """The whole picture of one moment."""
    ended = _ended(snapshot.jobs)
    head = _joined(
        (
            (printable(snapshot.title), "bold"),
            (f"elapsed {duration_text((snapshot.now_ms - snapshot.began_ms) / 1_000)}", ""),
            (f"left about {duration_text(_left(snapshot))}", ""),
        )
    )
    full = _BAR_WIDTH * ended // max(1, len(snapshot.jobs))
    bar = Text.assemble(
        ("━" * full, "green"),
        ("━" * (_BAR_WIDTH - full), "bright_black"),
        f"  {ended}/{len(snapshot.jobs)} ended",
    )
    states = _states(snapshot.jobs)
    waits = [Text(reason, style=STYLES[State.READY]) for reason in snapshot.waits]
    tables = (_running_table(snapshot), _ended_table(snapshot))
    return Group(head, bar, _legend(snapshot.jobs), states, *waits, *tables)


def _states(jobs: Sequence[JobView]) -> Text:
    """The state of every job, a sign each, in the order they were submitted."""
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
        rows.append((f"and {len(running) - _MAX_RUNNING_ROWS} more", *[""] * 6))
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
