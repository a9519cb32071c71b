"""Runs the command `tidegate` for `python -m tidegate_cli`."""

from __future__ import annotations

from tidegate_cli.main import app_main

if __name__ == "__main__":
    app_main()
