"""A fresh local stack for one benchmark, complete, with a client for its API."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tidegate_cli.client import Client
from tidegate_cli.target import local_target
from tidegate_devstack import StackInfo, down, up


def say(line: str) -> None:
    """Prints progress on standard error, so that standard output holds figures only."""
    sys.stderr.write(f"{line}\n")


@contextmanager
def own_stack_info(parameters: Mapping[str, str] | None = None) -> Iterator[tuple[StackInfo, Client, Path]]:
    """Brings a stack up under a temporary home, and ends it with all that it holds.

    Yields the stack's info, a client for it and its home. `parameters` override the template's.
    """
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        home = Path(folder)
        try:
            info = up(say, home=home, parameters=parameters)
            with Client(local_target(info)) as client:
                yield info, client, home
        finally:
            down(say, home=home, wipe=True)


@contextmanager
def own_stack() -> Iterator[Client]:
    """Yields only the client of such a stack."""
    with own_stack_info() as (_, client, _home):
        yield client
