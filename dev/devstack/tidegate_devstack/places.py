"""The paths of a local stack's files, and the locks on its home and its build."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.model import Progress
from tidegate_devstack.private_files import PRIVATE_MODE, claim_home, close_to_others

LOCK_WAIT_SECONDS = 600.0
_HOME_NAME = ".tidegate"
_LOCK_NAME = "lock"
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one local stack: the project that it deploys, and its home."""

    project: Path
    home: Path

    @classmethod
    def find(cls, home: Path | None = None) -> Places:
        """Returns the places of a stack with this home (default: TIDEGATE_HOME, else `.tidegate` in the project).

        Raises LocalStackError if no project is found.
        """
        project = find_project()
        chosen = home or Path(os.environ.get("TIDEGATE_HOME") or project / _HOME_NAME)
        return cls(project=project, home=chosen.absolute())

    @property
    def root_secret(self) -> Path:
        """Returns the path of the file with the root key's secret."""
        return self.home / "secret"

    @property
    def emulator_record(self) -> Path:
        """Returns the path of the record that names this stack's emulator: its process, port and executions."""
        return self.home / "emulator.json"

    @property
    def emulator_log(self) -> Path:
        """Returns the path of the emulator's output."""
        return self.home / "emulator.log"

    @property
    def sam_log(self) -> Path:
        """Returns the path of the output of the last build or deployment."""
        return self.home / "sam.log"

    @property
    def state(self) -> Path:
        """Returns the folder of the emulator's saved state."""
        return self.home / "state"

    @property
    def saved_items(self) -> Path:
        """Returns the folder with the saved items of the emulator's tables."""
        return self.state / "items"

    @property
    def saved_ports(self) -> Path:
        """Returns the path of the list of ports that addresses in the saved state may have."""
        return self.state / "ports.json"

    @property
    def kept_aside(self) -> Path:
        """Returns the folder for copies of damaged files of the state."""
        return self.home / "aside"

    @property
    def was_whole(self) -> Path:
        """Returns the path of a file that exists once a deployment of this home's stack was complete."""
        return self.home / "deployed"

    @property
    def scratch(self) -> Path:
        """Returns the folder for the emulator's temporary files, such as unpacked functions."""
        return self.home / "tmp"

    @property
    def stack_info(self) -> Path:
        """Returns the path of the stack's facts, which exists while the stack is up."""
        return self.home / "stack.json"

    @property
    def build(self) -> Path:
        """Returns the folder with the built functions and layers, which all homes of one project share."""
        return self.project / ".aws-sam" / "local"

    def claim_home(self) -> None:
        """Makes the home if there is none, and closes it to other users.

        Raises LocalStackError if the folder is another user's, or holds more than a stack.
        """
        claim_home(self.home, marker=_LOCK_NAME, default_name=_HOME_NAME)

    @contextmanager
    def lock_home(self, progress: Progress) -> Iterator[None]:
        """Holds the lock on the home within the block, so that two commands never start the stack twice.

        `progress` is called if another command holds the lock. Raises LocalStackError after `LOCK_WAIT_SECONDS`.
        """
        self.claim_home()
        path = self.home / _LOCK_NAME
        with _locked(FileLock(path, mode=PRIVATE_MODE), progress):
            close_to_others(path)  # an earlier version may have left it open to them
            yield

    @contextmanager
    def lock_build(self, progress: Progress) -> Iterator[None]:
        """Holds the lock on the build within the block, so that no command replaces a build that is being deployed.

        `progress` is called if another command holds the lock. Raises LocalStackError after `LOCK_WAIT_SECONDS`.
        """
        self.build.parent.mkdir(parents=True, exist_ok=True)
        with _locked(FileLock(self.build.parent / "local.lock"), progress):
            yield


def find_project() -> Path:
    """Returns the project's folder, which holds template.yaml and samconfig.toml.

    That is the folder from which this program is installed, or the working directory or one above it. Raises
    LocalStackError if there is none.
    """
    here = Path(__file__).resolve()
    for folder in (here.parents[3], Path.cwd(), *Path.cwd().parents):
        if (folder / "template.yaml").is_file() and (folder / "samconfig.toml").is_file():
            return folder
    raise LocalStackError("no template.yaml found: run this inside a checkout of tidegate")


@contextmanager
def _locked(lock: BaseFileLock, progress: Progress) -> Iterator[None]:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        progress("waiting for another tidegate command to finish with the local stack")
        try:
            lock.acquire(timeout=LOCK_WAIT_SECONDS, poll_interval=_LOOK_SECONDS)
        except Timeout:
            raise LocalStackError(
                f"another command holds {lock.lock_file}; try again when it has ended"
            ) from None
    try:
        yield
    finally:
        lock.release()
