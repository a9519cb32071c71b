"""The use cases over memory: the adapters of tests, benchmarks and the simulator, put together in one place."""

from __future__ import annotations

from dev.simulator.memory.announcements import MemoryTypeAnnouncements
from dev.simulator.memory.audit import MemoryAuditTrail
from dev.simulator.memory.cursors import MemoryCursors
from dev.simulator.memory.grants import MemoryGrantStore
from dev.simulator.memory.index import MemoryJobIndex
from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.kept_ends import MemoryKeptEnds
from dev.simulator.memory.lanes import MemoryLaneRegistry
from dev.simulator.memory.leases import MemoryDispatchLeases
from dev.simulator.memory.logs import MemoryLogReader
from dev.simulator.memory.permits import MemoryPermits
from dev.simulator.memory.progress import MemoryProgressStore
from dev.simulator.memory.pulses import MemoryPulses
from dev.simulator.memory.queue import MemoryQueue
from dev.simulator.memory.rules import MemoryRuleStore
from dev.simulator.memory.statistics import MemoryStatisticsStore
from dev.simulator.memory.submissions import MemorySubmissionStore
from dev.simulator.memory.workers import MemoryWorkerRegistry
from dev.simulator.memory.workflows import MemoryWorkflowStore
from dev.simulator.memory.world import MemoryWorld
from tidegate.adapters.conditions.cel import CelConditions
from tidegate.adapters.system import SystemEntropy
from tidegate.jobs.loader import load_registry
from tidegate.ports import JobRegistry
from tidegate.settings import Settings
from tidegate.usecases.services import Services


def memory_services(
    settings: Settings, world: MemoryWorld | None = None, registry: JobRegistry | None = None
) -> tuple[Services, MemoryWorld]:
    """Returns the services in memory, and the memory itself. Without `registry` all job types are loaded."""
    if world is None:
        world = MemoryWorld(shards=settings.shards, rank_policy=settings.rank_policy)
    services = Services(
        settings=settings,
        jobs=MemoryJobStore(world, settings.retention_seconds),
        index=MemoryJobIndex(world),
        submissions=MemorySubmissionStore(world),
        workers=MemoryWorkerRegistry(world),
        cursors=MemoryCursors(world),
        rules=MemoryRuleStore(world),
        grants=MemoryGrantStore(world),
        lanes=MemoryLaneRegistry(world),
        permits=MemoryPermits(world),
        leases=MemoryDispatchLeases(world),
        progress=MemoryProgressStore(world),
        kept_ends=MemoryKeptEnds(world, settings.retention_seconds),
        statistics=MemoryStatisticsStore(world),
        pulses=MemoryPulses(world),
        announcements=MemoryTypeAnnouncements(world),
        workflows=MemoryWorkflowStore(world),
        queue=MemoryQueue(world),
        entropy=SystemEntropy(),
        conditions=CelConditions(),
        registry=registry or load_registry(),
        audit=MemoryAuditTrail(world),
        logs=MemoryLogReader(world),
    )
    return services, world
