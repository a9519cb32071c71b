"""Checks, before a deployment, that job code can be loaded. The check runs in its own process without AWS keys."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.jobs.loader import JOB_PACKAGES
from tidegate_devstack.errors import NoSuchFolder

CHECK_SECONDS = 120.0  # a worker waits as long for its job code
_SHOWN_CHARACTERS = 500
_REQUIREMENT = re.compile(r"^[A-Za-z0-9]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class JobCodeFault:
    """A module that can't be loaded: its name, the cause, the fix, and the file and line if they are known."""

    module: str
    cause: str
    fix: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        line = f":{self.line}" if self.line else ""
        place = f" ({self.file}{line})" if self.file else ""
        return f"{self.module}{place}: {self.cause}\n  {self.fix}"

    def as_json(self) -> dict[str, Any]:
        """Returns the fault's fields by name."""
        return {
            "module": self.module,
            "file": self.file,
            "line": self.line,
            "cause": self.cause,
            "fix": self.fix,
        }


@dataclass(frozen=True, slots=True)
class JobCode:
    """The result of a check of one folder: the job types with their code, the targets among them, and the faults.

    A target has the ARNs that workers must be allowed to call. `unchecked` are the modules that could not be checked
    here, because they need packages that the build installs.
    """

    folder: Path
    types: tuple[Mapping[str, str], ...] = ()
    faults: tuple[JobCodeFault, ...] = ()
    unchecked: tuple[JobCodeFault, ...] = ()
    targets: tuple[Mapping[str, Any], ...] = ()

    @property
    def target_arns(self) -> list[str]:
        """The ARNs that the parameter TargetArns has to name, sorted."""
        return sorted({arn for target in self.targets for arn in target["arns"]})

    def as_json(self) -> dict[str, Any]:
        """Returns the result as one object for `--output json`."""
        return {
            "folder": str(self.folder),
            "ok": not self.faults,
            "types": [dict(each) for each in self.types],
            "targets": [dict(each) for each in self.targets],
            "faults": [fault.as_json() for fault in self.faults],
            "unchecked": [fault.as_json() for fault in self.unchecked],
        }


def said_of(found: JobCode) -> str:
    """Returns the faults as text for people, with a first line that says that nothing is built or deployed."""
    first = f"job code in {found.folder} can't be loaded, so nothing is built or deployed:"
    return "\n".join((first, *map(str, found.faults)))


def check_job_code(folder: Path, packages: Sequence[str] = JOB_PACKAGES[:1]) -> JobCode:
    """Loads the job code in `folder` as a worker would, and returns the job types and the faults that it found.

    `packages` are the Python packages to load from the folder. The process that loads them has `CHECK_SECONDS`.

    If the folder's requirements.txt names packages, a module that misses one is no fault, because the build installs
    them. A built layer holds those packages, so its check finds more faults than a check of its source. Raises
    NoSuchFolder if the folder does not exist.
    """
    if not folder.is_dir():
        raise NoSuchFolder(f"there is no folder {folder}")
    with tempfile.TemporaryDirectory(prefix="tidegate-check-") as scratch:
        answer = Path(scratch) / "answer.json"
        command = [sys.executable, "-m", "tidegate.entry.check_job_code", str(answer), str(folder), *packages]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        try:
            ended = subprocess.run(
                command,
                cwd=scratch,
                env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=CHECK_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            fault = JobCodeFault(
                packages[0],
                f"is not loaded after {CHECK_SECONDS:g} s",
                "a module must not wait or do work when it is imported",
            )
            return JobCode(folder, faults=(fault,))
        found = _read(answer)
    if found is None:
        said = ended.stderr.decode(errors="replace").strip()[-_SHOWN_CHARACTERS:]
        cause = f"the process that loaded it ended with code {ended.returncode}: {said or 'it said nothing'}"
        fault = JobCodeFault(packages[0], cause, "a module must not end the process on import")
        return JobCode(folder, faults=(fault,))
    return _judged(folder, found)


def _read(answer: Path) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _judged(folder: Path, found: Mapping[str, Any]) -> JobCode:
    requirements = folder / "requirements.txt"
    has_packages = requirements.is_file() and bool(
        _REQUIREMENT.search(requirements.read_text(encoding="utf-8"))
    )
    faults: list[JobCodeFault] = []
    unchecked: list[JobCodeFault] = []
    for each in found["faults"]:
        missing = each.pop("missing")
        is_to_come = has_packages and missing is not None and not _is_own(folder, missing)
        (unchecked if is_to_come else faults).append(JobCodeFault(**each))
    return JobCode(
        folder, tuple(found["types"]), tuple(faults), tuple(unchecked), targets=tuple(found["targets"])
    )


def _is_own(folder: Path, module: str) -> bool:
    """True if the missing module belongs to the folder itself, so that no build can bring it."""
    top = module.partition(".")[0]
    return top in JOB_PACKAGES or (folder / top).exists() or (folder / f"{top}.py").exists()
