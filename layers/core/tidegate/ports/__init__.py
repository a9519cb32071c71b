"""The ports: everything that the use cases ask of the outside, as Protocols.

Two sets of adapters implement them: one on DynamoDB and SQS, one in memory. Every method may raise
DependencyUnavailable when the service behind it does not answer within bounded retries.
"""

from tidegate.ports.dispatching import DispatchLeases, KnownLane, LaneRegistry, Permits
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
    Upstream,
    unheard,
)
from tidegate.ports.queue import Delivery, Message, Queue, message_of
from tidegate.ports.rules import RuleStore
from tidegate.ports.stores import (
    Cursors,
    IndexEntry,
    IndexPage,
    JobIndex,
    JobStore,
    MoveOutcome,
    OpenSubmission,
    SubmissionStore,
    WorkerPage,
    WorkerRegistry,
)
from tidegate.ports.system import Clock, Conditions, Entropy, JobCatalogue, Stopwatch

__all__ = [
    "UNKNOWN_TYPE",
    "Assignment",
    "Begun",
    "Clock",
    "Conditions",
    "Cursors",
    "Delivery",
    "DispatchLeases",
    "Entropy",
    "Executor",
    "Heartbeat",
    "IndexEntry",
    "IndexPage",
    "JobCatalogue",
    "JobIndex",
    "JobStore",
    "KnownLane",
    "LaneRegistry",
    "Message",
    "MoveOutcome",
    "OpenSubmission",
    "Outcome",
    "OutcomeKind",
    "Permits",
    "Queue",
    "RuleStore",
    "Signal",
    "SlotExecutor",
    "Stopwatch",
    "SubmissionStore",
    "Upstream",
    "WorkerPage",
    "WorkerRegistry",
    "message_of",
    "unheard",
]
