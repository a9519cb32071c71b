"""A job store in memory that notes how transitions were requested, and fails some of them as a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.errors import ServiceUnavailable, TidegateError
from tidegate.domain.transitions import Transition


def _nothing(_transitions: Sequence[Transition]) -> None:
    return None


class BatchStore(MemoryJobStore):
    """A job store that fails the `unavailable` ids with `error`.

    `batches` holds the names and the number of each `apply_all`, and `before` is called ahead of each.
    """

    def __init__(self, world: MemoryWorld) -> None:
        super().__init__(world)
        self.batches: list[tuple[str, int]] = []
        self.unavailable: set[str] = set()
        self.error: TidegateError = ServiceUnavailable("the table does not answer")
        self.before: Callable[[Sequence[Transition]], None] = _nothing

    def apply_all(self, transitions: Sequence[Transition]) -> list[Any]:
        self.before(transitions)
        if transitions:
            self.batches.append((transitions[0].name, len(transitions)))
        reached = [transition for transition in transitions if transition.job_id not in self.unavailable]
        outcomes = iter(super().apply_all(reached))
        return [
            self.error if transition.job_id in self.unavailable else next(outcomes)
            for transition in transitions
        ]

    def sizes(self, name: str) -> list[int]:
        return [size for batch, size in self.batches if batch == name]
