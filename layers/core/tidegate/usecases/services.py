"""Holds the ports and the settings that every use case gets as its first argument.

`bootstrap` fills in the adapters for AWS, tests fill in the memory adapters.

Some arguments mean the same in all use cases. `now_ms` is the present time in milliseconds since the epoch. `until` is
a deadline: work stops between two portions after it, and the docstring says how the rest gets done. Any call may raise
ServiceUnavailable if a service does not answer, and ServiceRefused if a service rejects a request.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tidegate.domain.logs import LogPlace
from tidegate.domain.seats import UNKNOWN_SEAT, Seat
from tidegate.ports import (
    AuditTrail,
    Conditions,
    Cursors,
    DispatchLeases,
    Entropy,
    GrantStore,
    JobIndex,
    JobRegistry,
    JobStore,
    KeptEnds,
    LaneRegistry,
    LogReader,
    Permits,
    ProgressStore,
    Pulses,
    Queue,
    RuleStore,
    StatisticsStore,
    SubmissionStore,
    TypeAnnouncements,
    WorkerRegistry,
    WorkflowStore,
)
from tidegate.settings import Settings
from tidegate.usecases.recall import KEEP_LONG_MS, Recall


@dataclass(frozen=True, slots=True)
class Services:
    """The ports, the settings and the process's caches. `long_recall` is for statistics.

    `earlier_pools` names pools that this deployment no longer has, but whose jobs the reaper still repairs. `log_place`
    is where the lines of the jobs go that this process claims; None where they are not kept.
    `seat` says where a worker runs; the jobs that it claims keep it.
    """

    settings: Settings
    jobs: JobStore
    index: JobIndex
    submissions: SubmissionStore
    workers: WorkerRegistry
    cursors: Cursors
    rules: RuleStore
    grants: GrantStore
    lanes: LaneRegistry
    permits: Permits
    leases: DispatchLeases
    progress: ProgressStore
    kept_ends: KeptEnds
    statistics: StatisticsStore
    pulses: Pulses
    announcements: TypeAnnouncements
    workflows: WorkflowStore
    queue: Queue
    entropy: Entropy
    conditions: Conditions
    registry: JobRegistry
    audit: AuditTrail
    logs: LogReader
    recall: Recall = field(default_factory=Recall)
    long_recall: Recall = field(default_factory=lambda: Recall(KEEP_LONG_MS))
    earlier_pools: tuple[str, ...] = ()
    log_place: LogPlace | None = None
    seat: Seat = UNKNOWN_SEAT
