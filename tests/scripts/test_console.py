"""The console is built from its sources, once for each change, and everything else goes on where it can't be."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from dev.scripts import console


class World:
    """A small project, with a Node.js that is there or not. `ran` lists the console's tasks in their order."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ran: list[str] = []
        self.can_fetch = True
        self.breaks: str | None = None

    def npm(self, _node: Path, *arguments: str, seconds: int | None) -> None:
        task = arguments[1] if arguments[0] == "run" else arguments[0]
        if task == "ci":
            if not self.can_fetch:
                raise subprocess.CalledProcessError(1, "npm ci")
            (self.root / "clients" / "console" / "node_modules").mkdir(exist_ok=True)
        self.ran.append(task)
        if "--outDir" in arguments:
            folder = Path(arguments[arguments.index("--outDir") + 1])
            folder.mkdir()
            (folder / "index.html").write_text(f"build {len(self.ran)}", encoding="utf-8")
        if task == self.breaks:
            raise subprocess.CalledProcessError(1, task)

    @property
    def page(self) -> str:
        return (self.root / "clients" / "console" / "dist" / "index.html").read_text(encoding="utf-8")

    def change(self, name: str = "clients/console/src/main.tsx", text: str = "changed") -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    folder = tmp_path / "clients" / "console"
    for name in ("package-lock.json", "src/main.tsx"):
        made.change(f"clients/console/{name}", "first")
    for name in ("openapi.json", "console.txt"):
        made.change(name, "first")
    monkeypatch.setattr(console, "ROOT", tmp_path)
    monkeypatch.setattr(console, "CONSOLE", folder)
    monkeypatch.setattr(console, "DESCRIPTION", tmp_path / "openapi.json")
    monkeypatch.setattr(console, "REQUIREMENTS", tmp_path / "console.txt")
    monkeypatch.setattr(console, "LOCK", tmp_path / ".aws-sam" / "console.lock")
    monkeypatch.setattr(console, "_BUILDING", folder / "node_modules" / ".building")
    monkeypatch.setattr(console, "_REPLACED", folder / "node_modules" / ".replaced")
    monkeypatch.setattr(console, "_node", lambda: tmp_path / "node")
    monkeypatch.setattr(console, "_npm", made.npm)
    monkeypatch.delenv(console.VARIABLE, raising=False)
    return made


def test_a_second_run_builds_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert [console.main([]), console.main([])] == [0, 0]
    assert world.ran == ["ci", "types", "build"]
    assert "nothing changed" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["clients/console/src/more.ts", "openapi.json", "console.txt"])
def test_a_change_of_what_it_is_made_from_builds_it_again(world: World, name: str) -> None:
    console.main([])
    first = world.page
    world.change(name)
    assert not console.is_built()
    assert console.main([]) == 0
    assert console.is_built()
    assert world.page != first


def test_packages_are_fetched_again_only_if_the_lock_file_changed(world: World) -> None:
    console.main([])
    world.change()
    console.main([])
    assert world.ran.count("ci") == 1
    world.change("clients/console/package-lock.json")
    console.main([])
    assert world.ran.count("ci") == 2


def test_a_build_that_breaks_leaves_the_last_one_whole(world: World) -> None:
    console.main([])
    first = world.page
    world.change()
    world.breaks = "build"
    with pytest.raises(subprocess.CalledProcessError):
        console.main([])
    assert world.page == first
    assert not console.is_built()
    world.breaks = None
    assert console.main([]) == 0
    assert world.page != first


@pytest.mark.parametrize("task", ["build", "check", "test"])
def test_where_npm_can_not_be_reached_the_exit_code_says_so(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    world.can_fetch = False
    assert console.main([task]) == console.UNAVAILABLE
    told = capsys.readouterr().err
    assert told.startswith(f"console: {'not built' if task == 'build' else f'no {task}'}: its packages")
    assert told.count("\n") == 1
    monkeypatch.setenv(console.VARIABLE, console.REQUIRED)
    assert console.main([task]) == 1


def test_where_pypi_can_not_be_reached_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("uv", 1)

    monkeypatch.undo()
    monkeypatch.setattr(console, "ENVIRONMENT", world.root / "environment")
    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(console.UnavailableError, match="PyPI"):
        console._node()


@pytest.mark.parametrize("task", ["check", "test"])
def test_a_task_has_the_types_of_the_api_first(world: World, task: str) -> None:
    assert console.main([task]) == 0
    assert world.ran == ["ci", "types", task]
