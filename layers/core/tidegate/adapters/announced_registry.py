"""The job types that only worker processes have, as they announced them.

The announcements are read as a whole and kept for a while. A bad announcement concerns its own type alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.domain.announcements import Announcement
from tidegate.domain.job import Json
from tidegate.domain.schemas.schema import Schema, SchemaFault
from tidegate.domain.type_facts import TypeFacts
from tidegate.ports import Clock, TypeAnnouncements

KEPT_MS = 30_000
"""A new description of a known type is used after this time at the latest."""

LOOKED_AGAIN_AFTER_MS = 2_000
"""A type that is unknown is looked for again after this time."""

_LOGGER = logging.getLogger("tidegate.types")

CompileSchema = Callable[[object], Schema]


@dataclass(slots=True)
class AnnouncedRegistry:
    """The announced types that have not faded; implements the JobRegistry port for these alone.

    `compile_schema` reads the JSON Schema of a type, or raises SchemaFault. A type whose schema can't be read takes any
    parameters here; the worker checks them by its own code. `deployed` returns the types of the deployed code, which
    are never announced ones. `homes` holds for each type its pool. Each method raises ServiceUnavailable where the
    announcements can't be read.
    """

    announcements: TypeAnnouncements
    clock: Clock
    compile_schema: CompileSchema
    deployed: Callable[[], Sequence[str]]
    homes: dict[str, str] = field(default_factory=dict)
    _read_at_ms: int | None = None
    _found: Mapping[str, Announcement] = field(default_factory=dict)
    _schemas: dict[str, Schema | None] = field(default_factory=dict)  # by digest

    def find(self, job_type: str) -> Announcement | None:
        """Returns the announcement of a type, None for a deployed one and where there is none that has not faded."""
        found = self._fresh(KEPT_MS).get(job_type)
        return found or self._fresh(LOOKED_AGAIN_AFTER_MS).get(job_type)

    def types(self) -> Sequence[str]:
        """Returns every announced type, sorted."""
        return sorted(self._fresh(LOOKED_AGAIN_AFTER_MS))

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """Returns the faults of parameters by the type's JSON Schema."""
        found = self.find(job_type)
        if found is None:
            return [("", f"unknown job type {job_type!r}")]
        schema = self._schema_of(found)
        return () if schema is None else schema.violations(dict(parameters))

    def reads_upstreams(self, job_type: str) -> bool:
        """Returns True if code of this type asks for the results of its upstreams; False for an unknown type."""
        found = self.find(job_type)
        return found is not None and found.described.reads_upstreams

    def may_run_twice(self, job_type: str) -> bool | None:
        """Returns True if a straggling job of this type may get a second attempt; None for an unknown type."""
        found = self.find(job_type)
        return None if found is None else found.described.second_attempt

    def facts(self, job_type: str) -> TypeFacts | None:
        """Returns the facts that decide how jobs of this type are submitted; None for an unknown type."""
        found = self.find(job_type)
        # The function of a pool has the deployed code alone, so a type that only workers announced needs a process.
        return None if found is None else TypeFacts(found.described.second_attempt, needs_process=True)

    def faults(self) -> Sequence[str]:
        """Returns no fault, because no code is loaded."""
        return ()

    def _fresh(self, keep_ms: int) -> Mapping[str, Announcement]:
        """Returns the announcements that have not faded, from a reading that is at most `keep_ms` old."""
        now_ms = self.clock.now_ms()
        if self._read_at_ms is None or not 0 <= now_ms - self._read_at_ms < keep_ms:
            self._read(now_ms)
        return self._found

    def _read(self, now_ms: int) -> None:
        found, deployed = self.announcements.load(), set(self.deployed())
        if found.unreadable or not found.is_all:
            _LOGGER.error(
                "some announced job types are left out: %s",
                ", ".join(found.unreadable) or "there are too many to read",
            )
        self._found = {
            name: one
            for name, one in found.by_type.items()
            if name not in deployed and not one.has_faded(now_ms)
        }
        self.homes.clear()
        self.homes.update({name: one.pool for name, one in self._found.items()})
        digests = {one.digest for one in self._found.values()}
        self._schemas = {key: one for key, one in self._schemas.items() if key in digests}
        self._read_at_ms = now_ms

    def _schema_of(self, found: Announcement) -> Schema | None:
        if found.described.schema is None:
            return None
        if found.digest not in self._schemas:
            self._schemas[found.digest] = self._compiled(found)
        return self._schemas[found.digest]

    def _compiled(self, found: Announcement) -> Schema | None:
        try:
            return self.compile_schema(found.described.schema)
        except SchemaFault as error:
            _LOGGER.error("parameters of announced job type %s are not checked here: %s", found.type, error)
            return None
