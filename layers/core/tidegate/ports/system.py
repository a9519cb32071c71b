"""Ports for time, chance and conditions, and for the known job types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tidegate.domain import limits
from tidegate.domain.job import Json


class Clock(Protocol):
    """The time, for stamps only. Durations inside a process are measured with a `Stopwatch`."""

    def now_ms(self) -> int:
        """Returns milliseconds since the epoch."""


class Stopwatch(Protocol):
    """Time that passes evenly, also where somebody sets the machine's clock."""

    def now_ms(self) -> int:
        """Returns milliseconds since a moment that only this process knows."""


class Entropy(Protocol):
    """The source of everything random: new ids and jitter."""

    def new_ulid(self, now_ms: int) -> str:
        """Returns a new ULID: 26 characters that sort by `now_ms`, in milliseconds since the epoch."""

    def jitter(self) -> float:
        """Returns a random number, uniform in [0, 1)."""


class Conditions(Protocol):
    """The expression language of CONDITIONAL dependencies."""

    def check(self, expression: str) -> None:
        """Raises ConditionError where the expression does not compile."""

    def evaluate(
        self, expression: str, upstream: Mapping[str, Json], *, max_steps: int = limits.MAX_CONDITION_STEPS
    ) -> bool:
        """Returns the expression's value over `upstream`.

        Raises ConditionError where the expression fails or its value is no boolean, and ConditionTooDear where it would
        take more than `max_steps`. A step takes a bounded time and memory. The outcome depends on the arguments alone.
        """


class JobCatalogue(Protocol):
    """The registry of the job types that workers of this deployment can run."""

    def types(self) -> Sequence[str]:
        """Returns every registered type, sorted."""

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """Returns the faults of parameters for a registered type: pairs of a path inside them and a message."""

    def reads_upstreams(self, job_type: str) -> bool:
        """Tells whether code of this type asked for its upstreams' results. False for an unknown type."""

    def faults(self) -> Sequence[str]:
        """Returns one sentence for each module of job code that could not be loaded, with the reason.

        The types of such a module are unknown.
        """
