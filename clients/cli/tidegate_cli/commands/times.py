"""Options that take a time that has passed, or how long ago it was."""

from __future__ import annotations

import re
import time
from typing import Final

import typer

from tidegate_cli.views import format_time, parse_time_ms, printable

_DURATION: Final = re.compile("([1-9][0-9]{0,4})([mhd])")
EXAMPLES: Final = "such as 90m, 24h, 7d or 2026-12-01T08:00:00Z"
_UNIT_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


def past_time(text: str) -> str:
    """Returns the time that an option names, as a time or as a duration before now. Raises BadParameter."""
    duration = _DURATION.fullmatch(text)
    if duration:
        return format_time(int(time.time() * 1_000) - int(duration[1]) * _UNIT_MS[duration[2]])
    try:
        parse_time_ms(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{printable(text)[:64]!r} is no time; give one like 24h or 2026-12-01T08:00:00Z"
        ) from error
    return text


def time_option(name: str, help_text: str) -> typer.models.OptionInfo:
    """Returns an option that takes such a time. `help_text` says what it bounds."""
    option: typer.models.OptionInfo = typer.Option(
        name, metavar="TIME", parser=past_time, help=f"{help_text}, {EXAMPLES}.", show_default=False
    )
    return option
