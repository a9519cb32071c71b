"""The job types as a process that has loaded job code describes them, for a worker that does not load it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidegate.domain.job import Json


@dataclass(frozen=True, slots=True)
class DescribedTypes:
    """Keeps by name what each type asked for when it was registered. Answers as the JobCatalogue port.

    `unloaded` says of each module that could not be loaded why.
    """

    asked: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unloaded: Sequence[str] = ()

    def types(self) -> Sequence[str]:
        """Every registered type, sorted."""
        return sorted(self.asked)

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """None: parameters are checked where the code is."""
        del job_type, parameters
        return ()

    def reads_upstreams(self, job_type: str) -> bool:
        """Whether code of this type asked for its upstreams' results; False for an unknown type."""
        return self._has_asked(job_type, "reads_upstreams")

    def faults(self) -> Sequence[str]:
        """Why modules of job code could not be loaded, a sentence for each."""
        return self.unloaded

    def wants_keys(self, job_type: str) -> bool:
        """Whether code of this type asked for AWS credentials; False for an unknown type."""
        return self._has_asked(job_type, "aws_credentials")

    def _has_asked(self, job_type: str, what: str) -> bool:
        return self.asked.get(job_type, {}).get(what) is True
