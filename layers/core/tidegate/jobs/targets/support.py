"""The parts that targets need and that job code must not know: the check of parameters, and callers of services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate.domain.job import Json
from tidegate.domain.targets import Work
from tidegate.jobs.context import JobContext
from tidegate.jobs.registry import SchemaCheck
from tidegate.jobs.targets.bounds import Bounds

RunService = Callable[[Any, Mapping[str, Json], JobContext, Bounds], Json]
"""Runs one attempt by a service; its first argument is the target's `work`. Returns the result, raises JobError."""


@dataclass(frozen=True, slots=True)
class TargetSupport:
    """`compile_schema` reads a JSON Schema, and raises SchemaFault for one that can't be used.

    `services` has a runner for each kind of work that is no command. It is empty where no job runs.
    """

    compile_schema: Callable[[object], SchemaCheck]
    services: Mapping[type[Work], RunService] = field(default_factory=dict)
