"""One local stack for all end-to-end tests of a process, beside any stack of the developer.

`make test` runs two processes, because the tests mostly wait. A file's tests stay together.
"""

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

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDER = ROOT / ".tidegate"
# The files that take longest, longest first: two processes that take the next file as soon as they are free then end
# at about the same time.
SLOWEST = (
    "test_console_flows.py",
    "permissions/test_permissions.py",
    "test_doctor.py",
    "test_webhooks.py",
    "test_outside.py",
    "test_runtime.py",
    "test_timetables.py",
    "test_workers.py",
    "test_first_job_type.py",
    "test_jobs.py",
    "test_local_stack_killed.py",
    "test_scheduling.py",
    "permissions/test_roles.py",
    "test_job_logs.py",
    "test_examples.py",
    "test_recovery.py",
    "test_local_stack.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test in this folder as `e2e`. Of these, the slowest files come first, and what leaves much last.

    The tests of other folders stay where they are.
    """
    places = [place for place, item in enumerate(items) if HERE in item.path.parents]
    here = [items[place] for place in places]
    for place, item in zip(places, sorted(here, key=_turn), strict=True):
        item.add_marker("e2e")
        items[place] = item


def _turn(item: pytest.Item) -> tuple[bool, int]:
    name = item.path.relative_to(HERE).as_posix()
    return (
        item.get_closest_marker("leaves_much") is not None,
        SLOWEST.index(name) if name in SLOWEST else len(SLOWEST),
    )


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
