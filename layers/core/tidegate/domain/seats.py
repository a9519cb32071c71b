"""The place where a worker runs, as its jobs keep it after the worker is gone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seat:
    """The name of a worker for people, and its host. Both are empty where they are not known.

    The host of a worker process is its machine, that of a function is the log stream of its execution environment.
    """

    name: str = ""
    host: str = ""


UNKNOWN_SEAT = Seat()
