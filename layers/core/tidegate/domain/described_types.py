"""The job types as another process, which has loaded job code, describes them.

A worker process uses this in place of the registry, because it does not load job code itself. A function that neither
accepts nor runs jobs uses it empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidegate.domain.announcements import DescribedType
from tidegate.domain.job import Json
from tidegate.domain.type_facts import TypeFacts


@dataclass(frozen=True, slots=True)
class DescribedTypes:
    """Stores by name the options of each registered job type; implements the JobRegistry port.

    `unloaded` gives for each module that could not be loaded the reason. `described` are the types of job code with
    their schemas; it is empty where the process was not asked for them. By default no type is known.
    """

    asked: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unloaded: Sequence[str] = ()
    described: tuple[DescribedType, ...] = ()

    def types(self) -> Sequence[str]:
        """Returns every registered type, sorted."""
        return sorted(self.asked)

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """Returns no violations, because parameters are checked by the process that has the code."""
        del job_type, parameters
        return ()

    def reads_upstreams(self, job_type: str) -> bool:
        """Returns True if code of this type asks for the results of its upstreams; False for an unknown type."""
        return self._has_asked(job_type, "reads_upstreams")

    def may_run_twice(self, job_type: str) -> bool | None:
        """Returns True if a straggling job of this type may get a second attempt; None for an unknown type."""
        return self._has_asked(job_type, "second_attempt") if job_type in self.asked else None

    def facts(self, job_type: str) -> TypeFacts | None:
        """Returns the facts that decide how jobs of this type are submitted; None for an unknown type."""
        if job_type not in self.asked:
            return None
        return TypeFacts(
            self._has_asked(job_type, "second_attempt"), self._has_asked(job_type, "needs_process")
        )

    @property
    def homes(self) -> Mapping[str, str]:
        """Returns no pool, because the code of every type is at hand."""
        return {}

    def faults(self) -> Sequence[str]:
        """Returns a sentence for each module of job code that could not be loaded, with the reason."""
        return self.unloaded

    def wants_keys(self, job_type: str) -> bool:
        """Returns True if code of this type asks for AWS credentials; False for an unknown type."""
        return self._has_asked(job_type, "aws_credentials")

    def _has_asked(self, job_type: str, what: str) -> bool:
        return self.asked.get(job_type, {}).get(what) is True
