"""Emulators for the tests that need one, without the template: they start in seconds, each in a home of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.devstack.emulated import Stack


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Makes a stack that runs nothing yet. Its processes are ended after the test."""
    made = Stack.at(tmp_path / "home")
    yield made
    made.stop()
