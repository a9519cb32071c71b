"""Refuses an option that takes one value but is given twice. The parser alone would use the last value silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from tidegate_cli.errors import OptionError


class GivenOnceCommand(TyperCommand):
    """A command that takes each option once, unless the option collects values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses the arguments `args`. Raises OptionError for an option that is given twice."""
        refuse_twice(self, ctx, args)
        return super().parse_args(ctx, args)


def refuse_twice(command: TyperCommand | TyperGroup, ctx: Any, args: Sequence[str]) -> None:
    """Raises OptionError for the first option of `command` that takes one value but is given twice in `args`."""
    if ctx.resilient_parsing:  # the shell only completes the line
        return
    in_order = command.make_parser(ctx).parse_args(args=list(args))[2]
    for option, times in Counter(in_order).items():
        takes_one = isinstance(option, TyperOption) and not (option.multiple or option.is_flag)
        if takes_one and times > 1:
            raise OptionError(max(option.opts, key=len), f"is given {times} times; give it once")


def take_options_once(app: typer.Typer) -> None:
    """Makes every command of `app`, those of its groups included, a GivenOnceCommand."""
    for command in app.registered_commands:
        command.cls = GivenOnceCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            take_options_once(group.typer_instance)
