"""The console is built beside the stack's start, and deployed with the function as it was built last."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.console.built import SCRIPT, build_in
from tidegate.console.bundle import load_bundle
from tidegate_devstack import LocalStackError, processes, stack, up_with_console
from tidegate_devstack import console_build as built
from tidegate_devstack.console_build import ConsoleBuild, add_console, building
from tidegate_devstack.places import Places

PATIENCE_SECONDS = 30


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Returns the places of a project whose console's function was built."""
    made = Places(project=tmp_path / "project", home=tmp_path / "home")
    (made.project / built.SCRIPT).parent.mkdir(parents=True)
    (made.build / "ConsoleFunction").mkdir(parents=True)
    monkeypatch.setattr(Places, "find", classmethod(lambda *_: made))
    return made


def script(places: Places, text: str) -> None:
    (places.project / built.SCRIPT).write_text(text, encoding="utf-8")


def build_console(places: Places, stamp: str) -> None:
    folder = places.project / built.DIST
    build_in(folder)
    (folder / "built-from").write_text(stamp, encoding="utf-8")


def deployed(places: Places) -> Path:
    return places.build / "ConsoleFunction" / "dist"


def test_a_build_that_goes_well_has_no_failure(places: Places) -> None:
    script(places, "print('console: built')")
    with building() as build:
        assert build.wait(PATIENCE_SECONDS)
        assert (build.is_over, build.failure) == (True, None)


def test_the_last_line_of_a_failed_build_says_why(places: Places) -> None:
    script(
        places,
        "import sys; print('console: installing'); sys.exit('console: not built: Node.js could not be installed')",
    )
    with building() as build:
        assert build.wait(PATIENCE_SECONDS)
        assert build.failure == f"Node.js could not be installed (more in {places.home / 'console.log'})"


def test_a_build_ends_with_the_block_and_all_that_it_started_too(places: Places, tmp_path: Path) -> None:
    started = tmp_path / "started"
    script(
        places,
        "import pathlib, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(started)!r} + '.part').write_text(str(child.pid))\n"
        f"pathlib.Path({str(started)!r} + '.part').rename({str(started)!r})\n"
        "child.wait()\n",
    )
    with building() as build:
        until(started.is_file)
        assert not build.wait(0.0)
        assert build.failure is None
    assert build.is_over
    until(lambda: processes.start_mark(int(started.read_text(encoding="utf-8"))) is None)


def test_without_the_script_there_is_nothing_to_build(places: Places) -> None:
    with building() as build:
        assert (build.is_over, build.failure) == (True, None)


def test_the_function_gets_the_console_as_it_was_built_last(places: Places) -> None:
    without = add_console(places, "one")
    build_console(places, "first")
    first = add_console(places, "one")
    assert add_console(places, "one") == first
    bundle = load_bundle(deployed(places))
    assert bundle is not None
    assert bundle.assets[SCRIPT].compressed is None  # the gateway compresses
    build_console(places, "second")
    second = add_console(places, "one")
    shutil.rmtree(places.project / built.DIST)
    assert add_console(places, "one") == without
    assert len({without, first, second, add_console(places, "two")}) == 4


def test_a_copy_of_two_builds_is_never_deployed(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    build_console(places, "first")
    copytree = shutil.copytree
    copies: list[str] = []

    def interrupted(source: str, target: str, *arguments: Any, **options: Any) -> None:
        copies.append(target)
        if len(copies) == 1:
            build_console(places, "second")
            raise shutil.Error("a file is gone")
        copytree(source, target, *arguments, **options)

    monkeypatch.setattr(shutil, "copytree", interrupted)
    add_console(places, "one")
    assert (deployed(places) / "built-from").read_text(encoding="utf-8") == "second"


def test_a_deployment_without_the_function_needs_no_console(places: Places) -> None:
    (places.build / "ConsoleFunction").rmdir()
    build_console(places, "first")
    add_console(places, "one")
    assert not deployed(places).exists()


@pytest.fixture
def ups(monkeypatch: pytest.MonkeyPatch) -> list[ConsoleBuild | None]:
    """Records the calls of `up`, which takes no time."""
    calls: list[ConsoleBuild | None] = []

    def up(*_: object, console: ConsoleBuild | None = None, **__: object) -> None:
        calls.append(console)
        if len(calls) > 2:
            raise LocalStackError("once too often")

    monkeypatch.setattr(stack, "up", up)
    return calls


def test_a_console_that_takes_longer_than_the_stack_is_deployed_too(
    places: Places, ups: list[ConsoleBuild | None]
) -> None:
    script(places, "import time; time.sleep(1)")
    said: list[str] = []
    up_with_console(said.append)
    assert [each is not None for each in ups] == [True, False]
    assert said == ["waiting for the console, to deploy it too; Ctrl-C leaves it out"]


def test_a_slow_build_that_fails_leaves_the_stack_as_it_is(
    places: Places, ups: list[ConsoleBuild | None]
) -> None:
    script(places, "import sys, time; time.sleep(1); sys.exit('console: not built: no npm')")
    said: list[str] = []
    up_with_console(said.append)
    assert len(ups) == 1
    assert said[-1].startswith("the console was not built: no npm")


def until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
