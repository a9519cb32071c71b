"""One local stack for all end-to-end tests of a session, beside whatever stack the developer has up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tidegate_cli.local_stack import StackInfo, down, up

HOME = Path(__file__).resolve().parents[2] / ".tidegate" / "e2e"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test in this folder as `e2e`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("e2e")


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[StackInfo]:
    """A fresh stack of the real template, IAM enforced; ended with the session."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n  e2e: {line}", flush=True)  # noqa: T201 - the set-up takes a while, so it says what it does

    down(say, home=HOME, wipe=True)
    try:
        yield up(say, home=HOME)
    finally:
        down(say, home=HOME, wipe=True)
