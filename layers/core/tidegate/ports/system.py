"""Time, chance, conditions, and the job types that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tidegate.domain import limits
from tidegate.domain.job import Json


class Clock(Protocol):
    """The time, for stamps alone: durations inside a process are a `Stopwatch`'s."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""


class Stopwatch(Protocol):
    """Time that passes evenly, also where somebody sets the clock."""

    def now_ms(self) -> int:
        """Milliseconds since a moment that only this process knows."""


class Entropy(Protocol):
    """Everything that is not determined: new ids and jitter."""

    def new_ulid(self, now_ms: int) -> str:
        """A fresh ULID: 26 characters that sort by time."""

    def jitter(self) -> float:
        """Uniform in [0, 1)."""


class Conditions(Protocol):
    """The expression language of CONDITIONAL dependencies."""

    def check(self, expression: str) -> None:
        """Raises ConditionError where the expression does not compile."""

    def evaluate(
        self, expression: str, upstream: Mapping[str, Json], *, max_steps: int = limits.MAX_CONDITION_STEPS
    ) -> bool:
        """The expression's value over `upstream`.

        Raises ConditionError where it fails or is no boolean, and ConditionTooDear where it would take more than
        `max_steps`. A step is a bounded time and memory. The outcome depends on the arguments alone.
        """


class JobCatalogue(Protocol):
    """The job types that workers of this deployment can run."""

    def types(self) -> Sequence[str]:
        """Every registered type, sorted."""

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """What is wrong with parameters for a registered type: pairs of a path inside them and a message."""

    def reads_upstreams(self, job_type: str) -> bool:
        """Whether code of this type asked for its upstreams' results; False for an unknown type."""

    def faults(self) -> Sequence[str]:
        """Says why deployed job code could not be loaded, a sentence for each module; its types are unknown."""
