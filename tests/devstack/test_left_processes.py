"""The processes of a stack are found by its mark, by their parents and by the emulator's session, and no others."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.harness.processes import is_running
from tidegate_devstack import left_processes, processes
from tidegate_devstack.left_processes import MARK_VARIABLE, Leader
from tidegate_devstack.places import Places

Start = Callable[..., int]
SLEEP = "import time; time.sleep(600)"
IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}], env={{}})"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Returns the paths of a stack of which nothing runs."""
    made = Places(project=tmp_path, home=tmp_path / "home")
    made.scratch.mkdir(parents=True)
    return made


@pytest.fixture
def start() -> Iterator[Start]:
    """Returns a function that starts a Python program and returns its pid. Programs and their children are ended."""
    children: list[subprocess.Popen[bytes]] = []

    def started(code: str = SLEEP, **options: Any) -> int:
        child = subprocess.Popen([sys.executable, "-c", code], **options)
        processes.remember_child(child)
        children.append(child)
        return child.pid

    yield started
    for child in children:
        below = psutil.Process(child.pid).children(recursive=True) if child.poll() is None else []
        child.kill()
        child.wait()
        for each in below:
            each.kill()


def mark_of(pid: int) -> str:
    """Returns the start mark of a running process."""
    mark = processes.start_mark(pid)
    assert mark is not None
    return mark


def child_of(pid: int) -> int:
    """Waits until a process has a child, and returns the child's pid. The test's own time limit bounds it."""
    while not (found := psutil.Process(pid).children()):
        time.sleep(0.02)
    return found[0].pid


def test_marked_processes_and_their_children_are_ended(places: Places, start: Start) -> None:
    parent = start(IN_A_CHILD, env={MARK_VARIABLE: str(places.home)})
    child = child_of(parent)
    stranger = start(env={MARK_VARIABLE: f"{places.home}-2"})
    assert left_processes.find(places, None) == {pid: mark_of(pid) for pid in (parent, child)}
    assert left_processes.end(places, None) == 2
    assert [is_running(pid) for pid in (parent, child, stranger)] == [False, False, True]


def test_the_leader_itself_is_left_out_and_its_session_is_found(places: Places, start: Start) -> None:
    leader = start(IN_A_CHILD, start_new_session=True)
    child = child_of(leader)
    assert left_processes.find(places, Leader(leader, mark_of(leader))).keys() == {child}


@pytest.mark.parametrize(("folder", "belongs"), [("tmp", True), ("", False)])
def test_a_later_session_with_the_same_number_counts_in_the_stacks_own_folder_alone(
    places: Places, start: Start, folder: str, belongs: bool
) -> None:
    pid = start(start_new_session=True, cwd=places.home / folder)
    found = left_processes.find(places, Leader(pid, "some earlier start"))
    assert found.keys() == ({pid} if belongs else set())


def test_marks_of_two_processes_differ_and_stay(start: Start) -> None:
    first = start()
    mark = mark_of(first)
    assert mark_of(first) == mark
    assert processes.start_mark(2**22 + 1) is None


def test_where_the_system_shows_no_ticks_the_mark_is_the_time_of_the_start(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "LINUX", False)
    pid = start()
    mark = mark_of(pid)
    assert processes.end(pid, mark, patience_seconds=5.0)
    assert processes.start_mark(pid) is None
