"""Shows frames in place until Ctrl-C, or one frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live

from tidegate_cli.following.follow import Waiting
from tidegate_cli.following.live import duration_text
from tidegate_cli.problems import problem_of
from tidegate_cli.tables import is_screen
from tidegate_cli.top.frame import Frame
from tidegate_cli.top.picture import lines_of_frame

_DRAWN_PER_SECOND: Final = 2  # a resized terminal is drawn anew as soon as that


def can_redraw(console: Console) -> bool:
    """True if `console` is a terminal on which a picture can be drawn in the place of the one before."""
    return is_screen(console) and not console.is_dumb_terminal


def print_frame(frame: Frame, title: str, rows: int, console: Console) -> None:
    """Prints one frame, with at most `rows` rows in each list of jobs."""
    width = console.width if is_screen(console) else None
    for line in lines_of_frame(frame, title, rows=rows, width=width):
        console.print(line, soft_wrap=True, highlight=False)


def show_frames(
    read: Callable[[], Frame],
    title: str,
    console: Console,
    *,
    rows: int,
    every_seconds: float,
    waiting: Waiting | None = None,
) -> None:
    """Reads a frame every `every_seconds` and shows it in place of the one before, until Ctrl-C.

    The first frame must be read: what `read` raises for it goes on to the caller. If a later one can't be read, the
    frame before stays, with a message that says how old it is and why. `waiting` holds the clocks, for tests.
    """
    passing = waiting or Waiting()
    try:
        frame = read()
        read_s = passing.monotonic()
        told = ""
        with Live(console=console, refresh_per_second=_DRAWN_PER_SECOND, transient=False) as live:
            while True:  # ends with Ctrl-C
                live.update(_Picture(frame, title, rows, told), refresh=True)
                passing.sleep(every_seconds)
                try:
                    frame, told = read(), ""
                    read_s = passing.monotonic()
                except Exception as error:  # any foreseen error: the next frame may be read again
                    problem = problem_of(error)
                    if problem.code == "internal":
                        raise
                    told = f"{duration_text(passing.monotonic() - read_s)} old: {problem.detail}"
    except KeyboardInterrupt:
        return


class _Picture:
    """A frame that is laid out anew for the size of the terminal each time it is drawn."""

    def __init__(self, frame: Frame, title: str, rows: int, told: str) -> None:
        self._frame = frame
        self._title = title
        self._rows = rows
        self._told = told

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in lines_of_frame(
            self._frame,
            self._title,
            rows=self._rows,
            width=options.max_width,
            height=console.height,
            told=self._told,
        ):
            line.overflow = "fold"
            yield line
