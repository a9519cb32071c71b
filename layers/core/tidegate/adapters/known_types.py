"""The job types that the API knows: those of the deployed code, and those that only worker processes announced.

A deployed type is always checked by its own code, at no cost. For all other types the announcements are read as a
whole and kept for a while. A bad announcement concerns its own type alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.domain.announcements import Announcement
from tidegate.domain.job import Json
from tidegate.domain.schemas.schema import Schema, SchemaFault
from tidegate.domain.type_facts import TypeFacts
from tidegate.ports import Clock, JobRegistry, TypeAnnouncements

KEPT_MS = 30_000
"""A new description of a known type is used after this time at the latest."""

LOOKED_AGAIN_AFTER_MS = 2_000
"""A type that is unknown is looked for again after this time."""

_LOGGER = logging.getLogger("tidegate.types")

CompileSchema = Callable[[object], Schema]


@dataclass(slots=True)
class KnownTypes:
    """The registry of the API; implements the JobRegistry port.

    `deployed` is the registry of the deployed code, whose types come first. `compile_schema` reads the JSON Schema of
    an announced type, or raises SchemaFault. A type whose schema can't be read takes any parameters here; the worker
    checks them by its own code.
    """

    deployed: JobRegistry
    announcements: TypeAnnouncements
    clock: Clock
    compile_schema: CompileSchema
    _read_at_ms: int | None = None
    _announced: Mapping[str, Announcement] = field(default_factory=dict)
    _schemas: dict[str, Schema | None] = field(default_factory=dict)  # by digest

    def types(self) -> Sequence[str]:
        """Returns every type, deployed or announced, sorted. Raises ServiceUnavailable."""
        return sorted({*self.deployed.types(), *self._all()})

    def announced(self, job_type: str) -> Announcement | None:
        """Returns the announcement of a type that is not deployed, None if there is none that has not faded.

        Raises ServiceUnavailable.
        """
        if self.deployed.may_run_twice(job_type) is not None:
            return None
        found = self._fresh(KEPT_MS).get(job_type)
        return found or self._fresh(LOOKED_AGAIN_AFTER_MS).get(job_type)

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """Returns the faults of parameters: by the deployed code of the type, or by its announced JSON Schema."""
        found = self.announced(job_type)
        if found is None:
            return self.deployed.violations(job_type, parameters)
        schema = self._schema_of(found)
        return () if schema is None else schema.violations(dict(parameters))

    def reads_upstreams(self, job_type: str) -> bool:
        """Returns True if code of this type asks for the results of its upstreams; False for an unknown type."""
        found = self.announced(job_type)
        return self.deployed.reads_upstreams(job_type) if found is None else found.described.reads_upstreams

    def may_run_twice(self, job_type: str) -> bool | None:
        """Returns True if a straggling job of this type may get a second attempt; None for an unknown type."""
        found = self.announced(job_type)
        return self.deployed.may_run_twice(job_type) if found is None else found.described.second_attempt

    def facts(self, job_type: str) -> TypeFacts | None:
        """Returns the facts that decide how jobs of this type are submitted; None for an unknown type."""
        facts = self.deployed.facts(job_type)
        if facts is not None:
            return facts
        found = self.announced(job_type)
        if found is None:
            return None
        # The function of a pool has the deployed code alone.
        return TypeFacts(found.described.second_attempt, needs_process=True, home_pool=found.pool)

    def faults(self) -> Sequence[str]:
        """Returns a sentence for each module of deployed job code that could not be loaded, with the reason."""
        return self.deployed.faults()

    def _all(self) -> Mapping[str, Announcement]:
        return self._fresh(LOOKED_AGAIN_AFTER_MS)

    def _fresh(self, keep_ms: int) -> Mapping[str, Announcement]:
        """Returns the announcements that have not faded, from a reading that is at most `keep_ms` old."""
        now_ms = self.clock.now_ms()
        if self._read_at_ms is None or not 0 <= now_ms - self._read_at_ms < keep_ms:
            found = self.announcements.load()
            if found.unreadable or not found.is_all:
                _LOGGER.error(
                    "some announced job types are left out: %s",
                    ", ".join(found.unreadable) or "there are too many to read",
                )
            self._announced = {name: one for name, one in found.by_type.items() if not one.has_faded(now_ms)}
            digests = {one.digest for one in self._announced.values()}
            self._schemas = {key: one for key, one in self._schemas.items() if key in digests}
            self._read_at_ms = now_ms
        return self._announced

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
