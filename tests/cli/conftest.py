"""The common start of every test of the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_OF_THE_TERMINAL = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


@pytest.fixture(autouse=True)
def nothing_of_the_developers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hides the developer's stack, API, credentials and terminal. pytest-xdist leaves COLUMNS empty."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "TIDEGATE_")) or name in _OF_THE_TERMINAL:
            monkeypatch.delenv(name)
    monkeypatch.setenv("TIDEGATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("TIDEGATE_PROFILES", str(tmp_path / "configuration" / "profiles.toml"))
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
