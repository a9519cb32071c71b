"""Runs the command line against the session's stack, as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 300


def tidegate(home: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs one command with the stack in `home`, and captures its output. The caller checks the exit code."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TIDEGATE_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "tidegate_cli", *arguments],
        input=stdin,
        env={**environment, "TIDEGATE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def tidegate_json(home: Path, *arguments: str, stdin: str | None = None) -> dict[str, Any]:
    """Runs a command with `--output json`. The command must succeed."""
    result = tidegate(home, *arguments, "--output", "json", stdin=stdin)
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer
