"""The ports: everything that the use cases ask of the outside, as Protocols.

Two sets of adapters implement them: one on DynamoDB and SQS, one in memory. Every method may raise
ServiceUnavailable when the service behind it does not answer within bounded retries.
"""

from tidegate.ports.announcements import AnnouncedTypes, TypeAnnouncements
from tidegate.ports.audit import AuditTrail
from tidegate.ports.conditions import Conditions
from tidegate.ports.cursors import Cursors
from tidegate.ports.execution import (
    UNKNOWN_TYPE,
    Assignment,
    Begun,
    Executor,
    Heartbeat,
    Outcome,
    OutcomeKind,
    Signal,
    SlotExecutor,
    UpstreamResult,
    unheard,
)
from tidegate.ports.grants import GrantStore
from tidegate.ports.index import EndedPage, IndexEntry, IndexPage, JobIndex
from tidegate.ports.jobs import DependentsPage, JobStore, TransitionOutcome
from tidegate.ports.kept_ends import KeptEnds
from tidegate.ports.lanes import KnownLane, LaneRegistry
from tidegate.ports.leases import DispatchLeases
from tidegate.ports.logs import LogPortion, LogReader, LogSink
from tidegate.ports.outside import OutsideCaller
from tidegate.ports.permits import Permits
from tidegate.ports.progress import ProgressStore
from tidegate.ports.pulses import Pulses
from tidegate.ports.queue import Delivery, Message, Queue, QueueDepth, message_of, second_message_of
from tidegate.ports.registry import JobRegistry
from tidegate.ports.rules import RuleStore
from tidegate.ports.statistics import StatisticsStore
from tidegate.ports.submissions import OpenSubmission, Reminder, SubmissionStore
from tidegate.ports.system import Clock, Entropy, Stopwatch
from tidegate.ports.workers import WorkerPage, WorkerRegistry
from tidegate.ports.workflows import WorkflowEntry, WorkflowRecord, WorkflowStore

__all__ = [
    "UNKNOWN_TYPE",
    "AnnouncedTypes",
    "Assignment",
    "AuditTrail",
    "Begun",
    "Clock",
    "Conditions",
    "Cursors",
    "Delivery",
    "DependentsPage",
    "DispatchLeases",
    "EndedPage",
    "Entropy",
    "Executor",
    "GrantStore",
    "Heartbeat",
    "IndexEntry",
    "IndexPage",
    "JobIndex",
    "JobRegistry",
    "JobStore",
    "KeptEnds",
    "KnownLane",
    "LaneRegistry",
    "LogPortion",
    "LogReader",
    "LogSink",
    "Message",
    "OpenSubmission",
    "Outcome",
    "OutcomeKind",
    "OutsideCaller",
    "Permits",
    "ProgressStore",
    "Pulses",
    "Queue",
    "QueueDepth",
    "Reminder",
    "RuleStore",
    "Signal",
    "SlotExecutor",
    "StatisticsStore",
    "Stopwatch",
    "SubmissionStore",
    "TransitionOutcome",
    "TypeAnnouncements",
    "UpstreamResult",
    "WorkerPage",
    "WorkerRegistry",
    "WorkflowEntry",
    "WorkflowRecord",
    "WorkflowStore",
    "message_of",
    "second_message_of",
    "unheard",
]
