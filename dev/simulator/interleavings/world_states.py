"""Short names for the states of a world in memory, and copies of it."""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from dev.simulator.memory.world import MemoryWorld


@dataclass(slots=True)
class Digests:
    """Short names for the contents of a world. A job value never changes, so each is looked at once."""

    _world: MemoryWorld
    _jobs: dict[int, tuple[object, bytes]] = field(default_factory=dict)

    def world(self) -> bytes:
        """Returns a name for the world as it is, with all writes that led to it in their order."""
        world = self._world
        return digest_of(
            (
                [self._of(change.new) for change in world.changes],
                sorted((job_id, self._of(job)) for job_id, job in world.jobs.items()),
                sorted(world.results.items()),
                sorted(world.inputs),
                sorted((job_id, sorted(edges)) for job_id, edges in world.edges.items()),
                sorted(world.submissions.items()),
                sorted(world.plans),
                sorted(world.reminders.items()),
                sorted(world.workers.items()),
                sorted(world.cursors.items()),
                sorted(world.pulses.items()),
                sorted(world.rules.items()),
                sorted(world.lanes.items()),
                sorted((permit, sorted(holders)) for permit, holders in world.permits.items()),
                sorted(world.waiting_limits.items()),
                sorted(world.leases.items()),
                sorted(world.queues.items()),
                sorted(world.graphs),
                sorted(world.segments.items()),
                sorted(world.summaries.items()),
                sorted(world.kept_ends.items()),
                sorted(world.reached.items()),
                sorted(world.rollups.items()),
                sorted(world.acts.items()),
                sorted((str(place), lines) for place, lines in world.logs.items()),
                world.grants,
                sorted(world.announced.items()),
                sorted(world.webhooks.items()),
                sorted(world.delivery_attempts.items()),
                sorted(world.open_waits),
                sorted(world.timetables.items()),
                sorted(world.templates.items()),
                sorted(world.due_notes.items()),
                sorted(world.timetable_runs.items()),
                [(change.old, change.new) for change in world.workflow_changes],
                list(world.lost_workers),
                world.events,
            )
        )

    def _of(self, job: object) -> bytes:
        known = self._jobs.get(id(job))
        if known is None:
            known = self._jobs[id(job)] = (job, digest_of(job))
        return known[1]


def digest_of(value: object) -> bytes:
    """Returns 12 bytes that tell two values apart by their text."""
    return blake2b(repr(value).encode(), digest_size=12).digest()


def copy_world(world: MemoryWorld) -> MemoryWorld:
    """Copies a world. The copy shares the values that never change."""
    return replace(
        world,
        requests=world.requests.copy(),
        on_request=lambda _request: None,
        lock=threading.RLock(),
        jobs=dict(world.jobs),
        inputs=dict(world.inputs),
        results=dict(world.results),
        results_expire_at_s=dict(world.results_expire_at_s),
        pages=dict(world.pages),
        edges={job_id: dict(edges) for job_id, edges in world.edges.items()},
        index={key: list(entries) for key, entries in world.index.items()},
        submissions=dict(world.submissions),
        plans=dict(world.plans),
        reminders=dict(world.reminders),
        workers=dict(world.workers),
        cursors=dict(world.cursors),
        pulses=dict(world.pulses),
        rules=dict(world.rules),
        lanes=dict(world.lanes),
        permits={permit: set(holders) for permit, holders in world.permits.items()},
        waiting_limits=dict(world.waiting_limits),
        leases=dict(world.leases),
        queues=copy.deepcopy(world.queues),
        changes=world.changes.copy(),
        graphs=dict(world.graphs),
        segments=dict(world.segments),
        summaries=dict(world.summaries),
        kept_ends=dict(world.kept_ends),
        reached=dict(world.reached),
        rollups=dict(world.rollups),
        acts=dict(world.acts),
        logs={place: list(lines) for place, lines in world.logs.items()},
        announced=dict(world.announced),
        webhooks=dict(world.webhooks),
        delivery_attempts=dict(world.delivery_attempts),
        open_waits=set(world.open_waits),
        timetables=dict(world.timetables),
        templates=dict(world.templates),
        due_notes=dict(world.due_notes),
        timetable_runs=dict(world.timetable_runs),
        workflow_changes=world.workflow_changes.copy(),
        lost_workers=world.lost_workers.copy(),
        events=list(world.events),
    )
