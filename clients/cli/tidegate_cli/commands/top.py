"""The command `tidegate top`: what the deployment does now."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from tidegate.domain.limits import MAX_PAGE_SIZE
from tidegate_cli.errors import OptionError
from tidegate_cli.interrupts import ends_like_ctrl_c
from tidegate_cli.options import ApiUrlOption, OutputOption, session_of
from tidegate_cli.top.reading import FrameReader
from tidegate_cli.top.showing import can_redraw, print_frame, show_frames

DEFAULT_EVERY_SECONDS: Final = 5.0
_MIN_EVERY_SECONDS: Final = 2.0
_MAX_EVERY_SECONDS: Final = 3_600.0


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command("top")(top)


def top(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Show one frame and end.")] = False,
    every_seconds: Annotated[
        float | None,
        typer.Option(
            "--every-seconds",
            min=_MIN_EVERY_SECONDS,
            max=_MAX_EVERY_SECONDS,
            help=f"How often to look. Default: {DEFAULT_EVERY_SECONDS:g}.",
            show_default=False,
        ),
    ] = None,
    rows: Annotated[
        int, typer.Option("--rows", min=1, max=MAX_PAGE_SIZE, help="The most rows in each list.")
    ] = 10,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show the pools, the longest runs and the overdue jobs.

    Stragglers follow if there are any, and so do jobs and workflows whose time to finish by is at risk, impossible or
    missed.

    It looks again every few seconds until Ctrl-C. It shows one frame where standard output is no terminal, and with
    `--output json` or yaml.

    Example: tidegate top --every-seconds 10
    """
    session = session_of(context, output, api_url)
    console = session.out
    shows_one = once or session.is_structured or not can_redraw(console)
    if shows_one and every_seconds is not None:
        raise OptionError("--every-seconds", "means nothing where one frame is shown: leave it out")
    target = session.target()
    with ends_like_ctrl_c(), session.client(target) as client:
        reader = FrameReader(client)
        if session.is_structured:
            session.show(reader.read().as_json(rows))
        elif shows_one:
            print_frame(reader.read(), target.title, rows, console)
        else:
            every = every_seconds or DEFAULT_EVERY_SECONDS
            show_frames(reader.read, target.title, console, rows=rows, every_seconds=every)
