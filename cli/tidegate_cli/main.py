"""The entry point of `tidegate`."""

from __future__ import annotations

import sys

from tidegate_cli.exit_codes import ExitCode


def app_main() -> None:
    """Runs the command line; ends the process with an ExitCode."""
    try:
        from tidegate_cli.commands import app  # loading takes a moment, in which Ctrl-C may come too
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    app(prog_name="tidegate")
