"""Measures how many small mistakes the domain's tests notice.

`python -m tests.harness.mutation.run FOLDER PYTHON NAMES` makes one mistake at a time in the domain, runs the tests
that reach it, and lists the mistakes that no test notices. PYTHON is the interpreter of the environment with the
mutation tester. FOLDER is made anew: there `mutmut show NAME` shows a mistake. NAMES is a pattern like `*[147]`, with
which a part of the mistakes is made: their names end with their numbers in a function. `*` makes them all.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# The mutation tester needs the code in a folder `src` beside the tests.
LAID_OUT = {
    "src": "layers/core",
    "tests": "tests",
    "docs": "docs",
    "events": "events",
    "pyproject.toml": "pyproject.toml",
}
LEAST_KILLED = 0.85
NOTICED = frozenset({"killed", "timeout", "segfault"})  # a mistake that hangs or crashes is noticed too
PROGRESS_SECONDS = 15.0
_PROGRESS = re.compile(r"(\d+)/(\d+) ")
_OUTCOME = re.compile(r"^\s+(\S+): (.+)$", re.MULTILINE)


def lay_out(folder: Path) -> None:
    """Makes the folder anew, with everything where the mutation tester looks for it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, target in LAID_OUT.items():
        (folder / name).symlink_to(ROOT / target)


def run(tool: Path, folder: Path, names: str) -> Iterator[str]:
    """Makes and tests the mistakes with these names. Yields the tester's output by line. Raises if the tester fails."""
    command = [str(tool), "run", names]
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,  # a carriage return ends a line as well
    ) as process:
        yield from process.stdout or ()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def follow(lines: Iterable[str]) -> None:
    """Prints the progress now and then, and all lines if the run fails."""
    seen: list[str] = []
    said_at = time.monotonic()
    try:
        for line in lines:
            seen.append(line)
            progress = _PROGRESS.search(line)
            if progress and time.monotonic() >= said_at + PROGRESS_SECONDS:
                said_at = time.monotonic()
                _say(f"{progress[1]} of {progress[2]} tested")
    except subprocess.CalledProcessError:
        sys.stdout.writelines(seen)
        raise


def outcomes_of(tool: Path, folder: Path, names: str) -> dict[str, str]:
    """Returns the outcome of each mistake with one of these names, by its name."""
    results = subprocess.run(
        [tool, "results", "--all", "true"], cwd=folder, check=True, capture_output=True, text=True
    )
    return {name: outcome for name, outcome in _OUTCOME.findall(results.stdout) if fnmatchcase(name, names)}


def verdict(outcomes: Mapping[str, str]) -> tuple[bool, str]:
    """Says whether enough mistakes are noticed, with a line of text."""
    counts = Counter(outcomes.values())
    noticed = sum(counts[outcome] for outcome in NOTICED)
    share = noticed / len(outcomes) if outcomes else 0.0
    return share >= LEAST_KILLED, (
        f"{share:.1%} of {len(outcomes):,} were noticed, {counts['no tests']} are reached by no test; "
        f"at least {LEAST_KILLED:.0%} are wanted"
    )


def main(folder: Path, python: Path, names: str) -> int:
    """Makes the mistakes with these names. Returns 0 where enough of them were noticed."""
    began_at = time.monotonic()
    tool = python.absolute().with_name("mutmut")
    lay_out(folder)
    _say("making them, and finding out which test reaches what")
    follow(run(tool, folder, names))
    outcomes = outcomes_of(tool, folder, names)
    for name, outcome in sorted(outcomes.items()):
        if outcome not in NOTICED:
            _say(f"{name}: {outcome}")
    enough, line = verdict(outcomes)
    _say(f"{line}; {time.monotonic() - began_at:.0f} s")
    return 0 if enough else 1


def _say(text: str) -> None:
    sys.stdout.write(f"mutants: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
