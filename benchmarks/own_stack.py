"""A local stack of the benchmark's own, whole and fresh, with a client for its API."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegate_cli.client import Client
from tidegate_cli.local_stack import down, up
from tidegate_cli.target import local_target


def say(line: str) -> None:
    """Tells on standard error what goes on, so that figures alone are on standard output."""
    sys.stderr.write(f"{line}\n")


@contextmanager
def own_stack() -> Iterator[Client]:
    """Brings a stack up under a temporary home, and ends it with all that it holds."""
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        home = Path(folder)
        try:
            with Client(local_target(up(say, home=home))) as client:
                yield client
        finally:
            down(say, home=home, wipe=True)
