"""Facts about a job type that decide how its jobs are submitted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """Facts about one registered type.

    `second_attempt` says that a straggler of the type may run a second time, `needs_process` that the type runs in
    worker processes only, as targets do, and types that only workers announced.
    """

    second_attempt: bool = False
    needs_process: bool = False
