"""Gives every test of the command line the same start."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not hang on how wide the terminal is that they are started in; xdist leaves COLUMNS empty."""
    monkeypatch.delenv("COLUMNS", raising=False)
