"""Builds the console beside the start of a local stack, which waits neither for PyPI nor for npm.

The console goes into its function as it is built by the time of the deployment. A build that takes longer is deployed
by the next `up`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tidegate_devstack.places import Places
from tidegate_devstack.private_files import open_private

SCRIPT = Path("dev", "scripts", "console.py")
DIST = Path("clients", "console", "dist")
APART, VARIABLE = "apart", "TIDEGATE_CONSOLE_BUILD"
"""With this variable SAM builds the console's function without the console, which is added before each deployment."""

_STAMP = "built-from"
_FUNCTION = "ConsoleFunction"
_COMPRESSED = "*.gz"  # for loopback only; on the way from a function the gateway compresses
_LOOK_SECONDS = 0.1
_END_SECONDS = 5.0
_TRIES = 3


@dataclass(frozen=True, slots=True)
class ConsoleBuild:
    """A build of the console that runs in a process of its own. Without a process there is nothing to build with."""

    child: subprocess.Popen[bytes] | None
    log: Path

    @property
    def is_over(self) -> bool:
        """True once the build has ended, well or not."""
        return self.child is None or self.child.poll() is not None

    @property
    def failure(self) -> str | None:
        """Returns why there is no new build, None if it ended well or has not ended."""
        if self.child is None or not self.child.poll():
            return None
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        reason = (
            lines[-1].removeprefix("console: ").removeprefix("not built: ") if lines else "no reason given"
        )
        return f"{reason} (more in {self.log})"

    def wait(self, seconds: float | None = None) -> bool:
        """Waits for the end of the build, at most so long. Returns False if it has not ended."""
        deadline_s = None if seconds is None else time.monotonic() + seconds
        while not self.is_over:
            if deadline_s is not None and time.monotonic() > deadline_s:
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    def stop(self) -> None:
        """Ends a build that has not ended, with all that it started. The last whole build stays."""
        if self.child is None or self.is_over:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, number)
            if self.wait(_END_SECONDS):
                return


@contextmanager
def building(home: Path | None = None) -> Iterator[ConsoleBuild]:
    """Builds the console meanwhile, if its sources changed since the last build. Ends the build with the block.

    `home` is the stack's folder, as for `up`. Raises LocalStackError if no project is found.
    """
    places = Places.find(home)
    places.claim_home()
    log = places.home / "console.log"
    script = places.project / SCRIPT
    child = None
    if script.is_file():
        with open_private(log) as output:
            # A group of its own, so that npm and what it starts end together, and Ctrl-C reaches this process first.
            child = subprocess.Popen(
                [
                    sys.executable,
                    "-u",
                    str(script),
                ],  # unbuffered, so that its last line is the one that it wrote last
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=places.project,
                start_new_session=True,
            )
    build = ConsoleBuild(child, log)
    try:
        yield build
    finally:
        build.stop()


def add_console(places: Places, digest: str) -> str:
    """Puts the console, if it was built, into the built function. Returns a digest of the function's build with it.

    `digest` is that of the build without the console.
    """
    target = places.build / _FUNCTION
    if target.is_dir():
        for _ in range(_TRIES):
            with suppress(
                OSError, shutil.Error
            ):  # another command has put a newer build in its place meanwhile
                if _copy(places.project / DIST, target / DIST.name):
                    break
    return hashlib.sha256(f"{digest}\0{_stamp_of(target / DIST.name)}".encode()).hexdigest()


def _copy(source: Path, target: Path) -> bool:
    """Copies a build. Returns False if it was replaced meanwhile, so that the copy may be a mixture."""
    built_from = _stamp_of(source)
    if built_from == _stamp_of(target):
        return True
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(_COMPRESSED, _STAMP))
        if _stamp_of(source) != built_from:
            return False
        (target / _STAMP).write_text(built_from, encoding="utf-8")
    return True


def _stamp_of(folder: Path) -> str:
    stamp = folder / _STAMP
    return stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
