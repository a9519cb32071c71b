"""What a use case is given: the ports and the settings. `bootstrap` fills it in, tests fill it with memory."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.ports import (
    Conditions,
    Cursors,
    Entropy,
    JobCatalogue,
    JobIndex,
    JobStore,
    Queue,
    RuleStore,
    SubmissionStore,
    WorkerRegistry,
)
from tidegate.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The world as the use cases see it."""

    settings: Settings
    jobs: JobStore
    index: JobIndex
    submissions: SubmissionStore
    workers: WorkerRegistry
    cursors: Cursors
    rules: RuleStore
    queue: Queue
    entropy: Entropy
    conditions: Conditions
    catalogue: JobCatalogue
