"""One local stack for all end-to-end tests of a session, beside any stack of the developer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.scripts.console import UNAVAILABLE
from tests.harness.e2e.quiet import set_schedule
from tidegate_devstack import StackInfo, down, up

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".tidegate"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test in this folder as `e2e`, and moves those that leave much behind to the end."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("e2e")
    items.sort(key=lambda item: item.get_closest_marker("leaves_much") is not None)


@pytest.fixture(scope="session")
def stack_home() -> Path:
    """Returns the home of the session's stack. Each of several test processes has its own."""
    return FOLDER / f"e2e{os.environ.get('PYTEST_XDIST_WORKER', '')}"


@pytest.fixture(scope="session")
def console_is_built() -> bool:
    """Builds the console, if its sources changed. Returns False only where its packages can't be fetched."""
    ran = subprocess.run([sys.executable, "dev/scripts/console.py"], cwd=ROOT, check=False)
    assert ran.returncode in (0, UNAVAILABLE), "the console can't be built; its output stands above"
    return ran.returncode == 0


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, stack_home: Path, console_is_built: bool) -> Iterator[StackInfo]:
    """Starts a fresh stack of the real template with IAM enforced, and ends it with the session."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n  e2e: {line}", flush=True)  # noqa: T201 - the set-up takes a while, so it says what it does

    down(say, home=stack_home, wipe=True)
    try:
        yield up(say, home=stack_home)
    finally:
        down(say, home=stack_home, wipe=True)


@pytest.fixture
def no_schedule(stack: StackInfo) -> Iterator[None]:
    """Switches the dispatcher's tick off for the test."""
    set_schedule(stack, "dispatcher", "DISABLED")
    try:
        yield
    finally:
        set_schedule(stack, "dispatcher", "ENABLED")
