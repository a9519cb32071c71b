"""The port for the job types that are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tidegate.domain.job import Json
from tidegate.domain.type_facts import TypeFacts


class JobRegistry(Protocol):
    """The registry of the job types that workers of this deployment can run."""

    def types(self) -> Sequence[str]:
        """Returns every registered type, sorted."""

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """Returns the faults of parameters for a registered type: pairs of a path inside them and a message."""

    def reads_upstreams(self, job_type: str) -> bool:
        """Tells whether code of this type asked for its upstreams' results. False for an unknown type."""

    def may_run_twice(self, job_type: str) -> bool | None:
        """Tells whether a straggling job of this type may get a second attempt. None for an unknown type."""

    def facts(self, job_type: str) -> TypeFacts | None:
        """Returns the facts that decide how jobs of this type are submitted. None for an unknown type."""

    @property
    def homes(self) -> Mapping[str, str]:
        """Returns for each type that only workers have the pool whose workers announced it.

        It holds a type once another method was asked for that type.
        """

    def faults(self) -> Sequence[str]:
        """Returns one sentence for each module of job code that could not be loaded, with the reason.

        The types of such a module are unknown.
        """
