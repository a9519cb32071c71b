"""The job types that a function without job code knows: none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.domain.job import Json
from tidegate.domain.type_facts import TypeFacts


class EmptyRegistry:
    """An empty registry for functions that neither accept nor run jobs, so that they need not load job code."""

    def types(self) -> Sequence[str]:
        """Returns no type."""
        return ()

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """Returns no violation, because no type is known here."""
        del job_type, parameters
        return ()

    def reads_upstreams(self, job_type: str) -> bool:
        """Returns False for every type."""
        del job_type
        return False

    def may_run_twice(self, job_type: str) -> bool | None:
        """Returns None, because no type is known here."""
        del job_type
        return None

    def facts(self, job_type: str) -> TypeFacts | None:
        """Returns None, because no type is known here."""
        del job_type
        return None

    @property
    def homes(self) -> Mapping[str, str]:
        """Returns no pool, because no type is known here."""
        return {}

    def faults(self) -> Sequence[str]:
        """Returns no fault, because no job code was loaded."""
        return ()
