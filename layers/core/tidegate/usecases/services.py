"""What a use case is given: the ports and the settings. `bootstrap` fills it in, tests fill it with memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidegate.ports import (
    Conditions,
    Cursors,
    DispatchLeases,
    Entropy,
    JobCatalogue,
    JobIndex,
    JobStore,
    LaneRegistry,
    Permits,
    Queue,
    RuleStore,
    SubmissionStore,
    WorkerRegistry,
)
from tidegate.settings import Settings
from tidegate.usecases.recall import Recall


@dataclass(frozen=True, slots=True)
class Services:
    """The world as the use cases see it.

    `earlier_pools` are pools that are repaired although this deployment does not have them any more.
    """

    settings: Settings
    jobs: JobStore
    index: JobIndex
    submissions: SubmissionStore
    workers: WorkerRegistry
    cursors: Cursors
    rules: RuleStore
    lanes: LaneRegistry
    permits: Permits
    leases: DispatchLeases
    queue: Queue
    entropy: Entropy
    conditions: Conditions
    catalogue: JobCatalogue
    recall: Recall = field(default_factory=Recall)
    earlier_pools: tuple[str, ...] = ()
