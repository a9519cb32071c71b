"""The emulator's process: `python -m tidegate_cli.local_stack.emulator_process` is what `up` starts."""

from __future__ import annotations

from ministack.app import main

from tidegate_cli.local_stack.statements import put_right


def run() -> None:
    """Runs the emulator until it is told to stop."""
    put_right()
    main()


if __name__ == "__main__":
    run()
