"""Every command of the tutorial works, in its order, on a copy of the project and a stack of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tidegate_devstack import down

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "start" / "first-job-type.md"
BLOCK = re.compile(r"^```(sh|python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (\S+\.(?:py|yaml))\n")
EXIT_CODE = re.compile(r" +# exit code (\d+)$")
NOT_COPIED = {"tests", "docs", "build", "dist"}
TIMEOUT_SECONDS = 300


def steps() -> list[tuple[str, str]]:
    """Returns the page's blocks as kind and text; a file's block begins with a comment that names the file."""
    return BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def test_each_block_is_a_file_or_commands() -> None:
    kinds = [kind for kind, _ in steps()]
    assert "sh" in kinds
    assert all(FILE_NAME.match(text) for kind, text in steps() if kind != "sh")


@pytest.mark.slow
def test_every_command_of_the_tutorial_works(tmp_path: Path) -> None:
    project, home = tmp_path / "project", tmp_path / "home"
    _copy_project(project)
    try:
        _follow(project, home)
    finally:
        down(lambda line: None, home=home, wipe=True)


def _follow(project: Path, home: Path) -> None:
    script: list[str] = []
    for kind, text in steps():
        named = FILE_NAME.match(text)
        if kind == "sh":
            script += map(_checked, text.splitlines())
        elif named:
            file = project / named[1]
            assert not file.exists()
            file.write_text(text, encoding="utf-8")
    ran = subprocess.run(
        ["/bin/sh", "-euc", "\n".join(script)],
        cwd=project,
        env=_environment(project, home),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    assert '"primes": 2262' in said.replace("primes: 2262", '"primes": 2262'), said
    assert "parameters.stop" in ran.stderr, said
    assert "BadRange" in said, said


def _checked(line: str) -> str:
    """Returns a command that ends the script unless the command has the exit code that the page states."""
    stated = EXIT_CODE.search(line)
    if stated is None:
        return line
    command = line[: stated.start()]
    return f'code=0; {command} || code=$?; [ $code = {stated[1]} ] || {{ echo "$code: $0" >&2; exit 99; }}'


def _copy_project(project: Path) -> None:
    shutil.copytree(ROOT, project, ignore=_left_out)


def _left_out(folder: str, names: list[str]) -> set[str]:
    at_the_top = Path(folder) == ROOT
    return {
        name
        for name in names
        if name in {"__pycache__", "node_modules"}
        or (at_the_top and (name.startswith(".") or name in NOT_COPIED))
    }


def _environment(project: Path, home: Path) -> dict[str, str]:
    """Returns variables under which `tidegate` is the copy's, and talks to no stack but that in `home`."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        folders = tomllib.load(file)["tool"]["setuptools"]["packages"]["find"]["where"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TIDEGATE_"))}
    return {
        **kept,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "PYTHONPATH": os.pathsep.join(str(project / folder) for folder in folders),
        "TIDEGATE_HOME": str(home),
    }
