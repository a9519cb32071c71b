"""The entry point of `tidegate`."""

from __future__ import annotations

import sys

from tidegate_cli.exit_codes import ExitCode


def app_main() -> None:
    """Runs the command line, and ends the process with an ExitCode."""
    try:
        from tidegate_cli.commands.root import app  # imported here, because Ctrl-C may come during the import
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    app(prog_name="tidegate")
