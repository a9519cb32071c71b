"""The options that make and change a timetable, and the body that they give."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from tidegate.domain import limits
from tidegate.domain.timetables.timetable import Missed, Overlap
from tidegate_cli import ids
from tidegate_cli.commands.choices import word_of

_NONE = "none"
_TAKEN_OFF = ("name", "start", "end")

TimetableArgument = Annotated[
    str,
    typer.Argument(
        metavar="TIMETABLE", callback=ids.timetable_id, help="Its id, as `timetables list` shows it."
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", help="A name for people; none takes it off.", show_default=False),
]
CronOption = Annotated[
    str | None,
    typer.Option(
        "--cron",
        metavar="CRON",
        help="When it runs: minute, hour, day of the month, month and day of the week, like '0 6 * * 1-5'.",
        show_default=False,
    ),
]
ZoneOption = Annotated[
    str | None,
    typer.Option(
        "--zone",
        metavar="ZONE",
        help="The time zone on whose clock --cron is read, like Europe/Berlin. Default: UTC.",
        show_default=False,
    ),
]
EveryOption = Annotated[
    int | None,
    typer.Option(
        "--every-seconds",
        min=limits.MIN_TIMETABLE_SECONDS,
        max=limits.MAX_TIMETABLE_SECONDS,
        help="Instead of --cron: run once in so many seconds.",
        show_default=False,
    ),
]
AnchorOption = Annotated[
    str | None,
    typer.Option(
        "--anchor",
        metavar="TIME",
        help="The time from which --every-seconds counts, like 2026-12-01T06:00:00Z. Default: now.",
        show_default=False,
    ),
]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start", metavar="TIME", help="Not before this time; none takes it off.", show_default=False
    ),
]
EndOption = Annotated[
    str | None,
    typer.Option("--end", metavar="TIME", help="Not after this time; none takes it off.", show_default=False),
]
JitterOption = Annotated[
    int | None,
    typer.Option(
        "--jitter-seconds",
        min=0,
        max=limits.MAX_JITTER_SECONDS,
        help="Begin each run up to so many seconds later.",
        show_default=False,
    ),
]
MissedOption = Annotated[
    Missed | None,
    typer.Option(
        "--missed",
        parser=word_of(Missed),
        metavar="|".join(Missed),
        help="How many missed times are made up for: none of them, the latest, or all (at most 100).",
        show_default=False,
    ),
]
GraceOption = Annotated[
    int | None,
    typer.Option(
        "--grace-seconds",
        min=limits.MIN_GRACE_SECONDS,
        max=limits.MAX_GRACE_SECONDS,
        help="How late a run may begin before its time counts as missed.",
        show_default=False,
    ),
]
OverlapOption = Annotated[
    Overlap | None,
    typer.Option(
        "--overlap",
        parser=word_of(Overlap),
        metavar="|".join(Overlap),
        help="While the last run has not ended: run beside it, skip the time, or cancel the last run first.",
        show_default=False,
    ),
]


def given_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of a body that options gave, by their names. The text `none` takes a value off."""
    return {
        name: None
        if name in _TAKEN_OFF and value == _NONE
        else str(value)
        if isinstance(value, StrEnum)
        else value
        for name, value in options.items()
        if value is not None
    }
