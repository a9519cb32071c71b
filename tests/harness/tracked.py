"""The files of the project that git knows, so that what a build or a run left behind is never looked at."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tracked(*patterns: str) -> list[Path]:
    """Returns the tracked files that match one of git's patterns, or all. At least one must match."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *patterns],  # noqa: S607 - git is looked up on the PATH like any developer's tool
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    assert found, f"no file matches {patterns}"
    return found
