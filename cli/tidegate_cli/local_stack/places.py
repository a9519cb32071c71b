"""Where a local stack keeps its files."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tidegate_cli.local_stack.errors import LocalStackError
from tidegate_cli.local_stack.model import Progress
from tidegate_cli.local_stack.private_files import claim_home, open_private_lock

LOCK_WAIT_SECONDS = 600.0
_HOME_NAME = ".tidegate"
_LOCK_NAME = "lock"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one local stack: the project that it deploys, and its home."""

    project: Path
    home: Path

    @classmethod
    def find(cls, home: Path | None = None) -> Places:
        """The places for a home; without one, TIDEGATE_HOME or `.tidegate` in the project.

        Raises LocalStackError where no project is found.
        """
        project = find_project()
        chosen = home or Path(os.environ.get("TIDEGATE_HOME") or project / _HOME_NAME)
        return cls(project=project, home=chosen.absolute())

    @property
    def root_secret(self) -> Path:
        """The secret of the stack's root key."""
        return self.home / "secret"

    @property
    def emulator_record(self) -> Path:
        """Which process is this stack's emulator."""
        return self.home / "emulator.json"

    @property
    def emulator_log(self) -> Path:
        """What the emulator prints."""
        return self.home / "emulator.log"

    @property
    def sam_log(self) -> Path:
        """What the last build and deployment printed."""
        return self.home / "sam.log"

    @property
    def state(self) -> Path:
        """Holds all that the emulator saves."""
        return self.home / "state"

    @property
    def saved_items(self) -> Path:
        """The items of the emulator's tables, as it saves them."""
        return self.state / "items"

    @property
    def saved_ports(self) -> Path:
        """Which ports the addresses in the saved state are for."""
        return self.state / "ports.json"

    @property
    def kept_aside(self) -> Path:
        """Files of the state that could not be used as they were."""
        return self.home / "aside"

    @property
    def was_whole(self) -> Path:
        """There once a deployment of this home's stack was complete."""
        return self.home / "deployed"

    @property
    def scratch(self) -> Path:
        """The emulator's temporary files, unpacked functions among them."""
        return self.home / "tmp"

    @property
    def stack_info(self) -> Path:
        """The facts of the stack while it is up."""
        return self.home / "stack.json"

    @property
    def build(self) -> Path:
        """The built functions and layers; homes of one project share them."""
        return self.project / ".aws-sam" / "local"

    def claim_home(self) -> None:
        """Makes the home where there is none, and closes it to other users. Raises LocalStackError if it can't."""
        claim_home(self.home, marker=_LOCK_NAME, default_name=_HOME_NAME)

    @contextmanager
    def lock_home(self, progress: Progress) -> Iterator[None]:
        """Held while the stack is changed, so that two commands do not start it twice."""
        self.claim_home()
        path = self.home / _LOCK_NAME
        with _locked(path, open_private_lock(path), progress):
            yield

    @contextmanager
    def lock_build(self, progress: Progress) -> Iterator[None]:
        """Held from build to the end of deployment, so that nobody replaces what is being deployed."""
        self.build.parent.mkdir(parents=True, exist_ok=True)
        path = self.build.parent / "local.lock"
        with _locked(path, path.open("ab"), progress):
            yield


def find_project() -> Path:
    """The folder with the template: where this program is installed from, or above the working directory.

    Raises LocalStackError where there is none.
    """
    here = Path(__file__).resolve()
    for folder in (here.parents[3], Path.cwd(), *Path.cwd().parents):
        if (folder / "template.yaml").is_file() and (folder / "samconfig.toml").is_file():
            return folder
    raise LocalStackError("no template.yaml found: run this inside a checkout of tidegate")


@contextmanager
def _locked(path: Path, file: IO[bytes], progress: Progress) -> Iterator[None]:
    with file:
        deadline_s = time.monotonic() + LOCK_WAIT_SECONDS
        told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    progress("waiting for another tidegate command to finish with the local stack")
                    told = True
                if time.monotonic() > deadline_s:
                    raise LocalStackError(
                        f"another command holds {path}; try again when it has ended"
                    ) from None
                time.sleep(0.2)
        yield  # closing the file gives the lock up
