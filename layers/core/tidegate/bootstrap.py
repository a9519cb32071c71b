"""The only place that picks adapters: it gives each entry point its parts, on AWS or in memory."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tidegate.adapters.aws.clients import DEFAULT_THREADS, LONGEST_EFFORT_SECONDS, AwsClients, connect
from tidegate.adapters.aws.effort import Allowance
from tidegate.adapters.aws.event_bus import EventBridgeBus
from tidegate.adapters.aws.logs import CloudWatchLogReader
from tidegate.adapters.aws.meter import Meter, Usage
from tidegate.adapters.aws.queue import SqsQueue, message_from
from tidegate.adapters.aws.time import AwsTime, sign_by
from tidegate.adapters.calendar import CronsimCalendar
from tidegate.adapters.conditions.cel import CelConditions
from tidegate.adapters.dynamodb.announcements import DynamoTypeAnnouncements
from tidegate.adapters.dynamodb.audit import DynamoAuditTrail
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.adapters.dynamodb.cursors import DynamoCursors
from tidegate.adapters.dynamodb.grants import DynamoGrantStore
from tidegate.adapters.dynamodb.index import DynamoJobIndex
from tidegate.adapters.dynamodb.jobs import DynamoJobStore
from tidegate.adapters.dynamodb.kept_ends import DynamoKeptEnds
from tidegate.adapters.dynamodb.lanes import DynamoLaneRegistry
from tidegate.adapters.dynamodb.leases import DynamoDispatchLeases
from tidegate.adapters.dynamodb.open_waits import DynamoOpenWaits
from tidegate.adapters.dynamodb.permits import DynamoPermits
from tidegate.adapters.dynamodb.progress import DynamoProgressStore
from tidegate.adapters.dynamodb.pulses import DynamoPulses
from tidegate.adapters.dynamodb.rules import DynamoRuleStore
from tidegate.adapters.dynamodb.statistics import DynamoStatisticsStore
from tidegate.adapters.dynamodb.stream import changes_from
from tidegate.adapters.dynamodb.submissions import DynamoSubmissionStore
from tidegate.adapters.dynamodb.timetables import DynamoTimetableStore
from tidegate.adapters.dynamodb.webhooks import DynamoWebhookStore
from tidegate.adapters.dynamodb.workers import DynamoWorkerRegistry
from tidegate.adapters.dynamodb.workflows import DynamoWorkflowStore
from tidegate.adapters.system import SystemClock, SystemEntropy, SystemPauses, SystemStopwatch, SystemTimer
from tidegate.domain import limits
from tidegate.domain.addresses import Reach
from tidegate.domain.announcements import Announcement, DescribedType
from tidegate.domain.changes import Changes
from tidegate.domain.described_types import DescribedTypes
from tidegate.domain.logs import LogPlace
from tidegate.domain.requests import JobRequest, WorkflowRequest
from tidegate.domain.seats import Seat
from tidegate.ports import (
    Clock,
    DeliveryQueue,
    Entropy,
    Executor,
    JobRegistry,
    Message,
    OutsideCaller,
    Pauses,
    SlotExecutor,
    Stopwatch,
    WebhookMessage,
)
from tidegate.settings import Settings, Tables, read_settings, read_tables
from tidegate.usecases.bounds.pulse import PulseMemory
from tidegate.usecases.dispatch.follow import DispatcherMemory
from tidegate.usecases.recall import KEEP_MS, Recall
from tidegate.usecases.services import Services
from tidegate.usecases.work.conclude_stuck import conclude_stuck
from tidegate.usecases.work.function_faults import FunctionFaults

if TYPE_CHECKING:
    import boto3

    from tidegate.adapters.executors.announced_registry import AnnouncedRegistry
    from tidegate.domain.containers import Container
    from tidegate.jobs.registry import Registry, TypeDescription
    from tidegate.jobs.targets.support import TargetSupport
    from tidegate.usecases.webhooks.attempt import Tools


_LOGGER = logging.getLogger("tidegate.jobs")
__all__ = [
    "ApiDeps",
    "AwsClients",
    "DispatcherDeps",
    "Meter",
    "ProcessDeps",
    "ReadTemplates",
    "ReaperDeps",
    "RecorderDeps",
    "Services",
    "Usage",
    "WebhooksDeps",
    "WorkerDeps",
    "api_function",
    "aws_services",
    "connect_system",
    "dispatcher_function",
    "process_worker",
    "reaper_function",
    "recorder_function",
    "webhooks_function",
    "worker_function",
]


def _nothing() -> None:
    """Does nothing: a clock of tests never steps, so nothing has to hold it."""


def _undescribed(job_type: str) -> TypeDescription | None:
    """Returns no description, where no job code is loaded."""
    del job_type
    return None


def _unannounced(job_type: str) -> Announcement | None:
    """Returns no announcement, where nobody reads them."""
    del job_type
    return None


@dataclass(frozen=True, slots=True)
class ApiDeps:
    """The parts of the API function.

    `allowance` bounds the time that a request may take. `stopwatch` says when work in portions stops. `describe`
    returns the description of a deployed job type, None for an unknown one. `announced` returns the announcement of a
    type that only worker processes have. `outside` calls the receivers of webhooks. `pauses` lets time pass between two
    looks of a call that waits.
    """

    services: Services
    clock: Clock
    meter: Meter
    allowance: Allowance = field(default_factory=lambda: Allowance(SystemTimer()))
    stopwatch: Stopwatch = field(default_factory=SystemStopwatch)
    describe: Callable[[str], TypeDescription | None] = _undescribed
    outside: OutsideCaller = field(default_factory=lambda: _outside(Reach.PUBLIC))
    pauses: Pauses = field(default_factory=SystemPauses)
    announced: Callable[[str], Announcement | None] = _unannounced


@dataclass(frozen=True, slots=True)
class ReaperDeps:
    """The parts of the reaper function. `stopwatch` measures how long a run takes."""

    services: Services
    clock: Clock
    meter: Meter
    stopwatch: Stopwatch = field(default_factory=SystemStopwatch)
    pulses: PulseMemory = field(default_factory=PulseMemory)


@dataclass(frozen=True, slots=True)
class DispatcherDeps:
    """The parts of the dispatcher function.

    `changes_from` decodes the records of a stream. `stopwatch` measures how long a run takes.
    """

    services: Services
    clock: Clock
    meter: Meter
    changes_from: Callable[[Sequence[Mapping[str, Any]]], Changes]
    memory: DispatcherMemory = field(default_factory=DispatcherMemory)
    stopwatch: Stopwatch = field(default_factory=SystemStopwatch)
    pulses: PulseMemory = field(default_factory=PulseMemory)


@dataclass(frozen=True, slots=True)
class RecorderDeps:
    """The parts of the recorder function. `changes_from` decodes the records of a stream."""

    services: Services
    clock: Clock
    meter: Meter
    changes_from: Callable[[Sequence[Mapping[str, Any]]], Changes]
    pulses: PulseMemory = field(default_factory=PulseMemory)


@dataclass(frozen=True, slots=True)
class WebhooksDeps:
    """The parts of the sender of webhooks. `message_from` reads a body, None where tidegate did not write it."""

    services: Services
    queue: DeliveryQueue
    tools: Tools
    meter: Meter
    message_from: Callable[[str], WebhookMessage | None]


@dataclass(frozen=True, slots=True)
class WorkerDeps:
    """The parts of the worker function.

    `hold_clock` keeps a step of the machine's clock out of an invocation. `faults` holds what this process can't run.
    `message_from` reads the body of a message of the pool's queue, None where tidegate did not write it.
    """

    services: Services
    executor: Executor
    clock: Clock
    meter: Meter
    hold_clock: Callable[[], None] = _nothing
    faults: FunctionFaults = field(default_factory=FunctionFaults)
    message_from: Callable[[str], Message | None] = message_from


@dataclass(frozen=True, slots=True)
class ProcessDeps:
    """The parts of a worker process. `executor` runs as many attempts at once as threads call it.

    `session_id` is a ULID of this start of the process. `clock_off_ms` returns how far the machine's clock is ahead of
    AWS's time, in milliseconds, negative where it is behind. `close_lines` sends the last lines of jobs to their log;
    None where they are kept nowhere. `described` are the job types that the process announces.
    """

    services: Services
    executor: SlotExecutor
    clock: Clock
    entropy: Entropy
    meter: Meter
    session_id: str
    clock_off_ms: Callable[[], int] = lambda: 0
    close_lines: Callable[[], None] | None = None
    described: tuple[DescribedType, ...] = ()


class ReadTemplates:
    """Reads templates as the API reads submissions; see ports.TemplateReader."""

    def read(self, template: Mapping[str, Any], field: str) -> JobRequest | WorkflowRequest:
        """Returns the submission that a template asks for. Raises InvalidRequest that names each wrong field."""
        # The reaper loads pydantic, which checks bodies, once the first timetable is due.
        from tidegate.contracts.requests import read_submission

        return read_submission(template, field)


def aws_services(
    settings: Settings, tables: Tables, clients: AwsClients, registry: JobRegistry | None = None
) -> Services:
    """Returns the services on DynamoDB and SQS. Without `registry` no job type is known."""
    codec = JobCodec(settings.shards, settings.rank_policy)
    return Services(
        settings=settings,
        jobs=DynamoJobStore(clients, tables, codec, settings.retention_seconds),
        index=DynamoJobIndex(clients, tables, settings.shards),
        submissions=DynamoSubmissionStore(clients, tables, codec),
        workers=DynamoWorkerRegistry(clients, tables),
        cursors=DynamoCursors(clients, tables),
        rules=DynamoRuleStore(clients, tables),
        grants=DynamoGrantStore(clients, tables),
        lanes=DynamoLaneRegistry(clients, tables),
        permits=DynamoPermits(clients, tables),
        leases=DynamoDispatchLeases(clients, tables),
        open_waits=DynamoOpenWaits(clients, tables),
        progress=DynamoProgressStore(clients, tables),
        kept_ends=DynamoKeptEnds(clients, tables, settings.retention_seconds),
        statistics=DynamoStatisticsStore(clients, tables),
        pulses=DynamoPulses(clients, tables),
        announcements=DynamoTypeAnnouncements(clients, tables),
        workflows=DynamoWorkflowStore(clients, tables),
        timetables=DynamoTimetableStore(clients, tables),
        calendar=CronsimCalendar(),
        templates=ReadTemplates(),
        queue=SqsQueue(
            clients,
            {name: pool.queue_url for name, pool in settings.pools.items()},
            {name: pool.dead_letters_url for name, pool in settings.pools.items() if pool.dead_letters_url},
        ),
        entropy=clients.entropy,
        conditions=CelConditions(),
        registry=registry or DescribedTypes(),
        audit=DynamoAuditTrail(clients, tables, settings.audit_retention_days * 86_400),
        logs=CloudWatchLogReader(clients),
        events=EventBridgeBus(clients, settings.event_bus),
        webhooks=DynamoWebhookStore(clients, tables),
    )


def connect_system(
    *,
    session: boto3.Session | None = None,
    endpoint_url: str | None = None,
    threads: int = DEFAULT_THREADS,
    effort_seconds: float = LONGEST_EFFORT_SECONDS,
    clock: SystemClock | None = None,
) -> AwsClients:
    """Returns AWS clients on the real clock, from the environment or from a given session and endpoint.

    The clock is a new one unless it is given; it learns the time from every answer of AWS. `threads` (1 or more) is how
    many calls may go out side by side. `effort_seconds` is how long one operation may go on.
    """
    clock = clock or SystemClock()
    clients = connect(
        clock,
        SystemEntropy(),
        session=session,
        endpoint_url=endpoint_url,
        threads=threads,
        effort_seconds=effort_seconds,
    )
    clients.attach(AwsTime(clock))
    return clients


def _from_environment(
    registry: JobRegistry | None, *, under_lease: bool = False
) -> tuple[Services, AwsClients, SystemClock]:
    """Returns the services, their clients, and the clock. `under_lease` is for functions that claim jobs or dispatch.

    A lease runs on while a throttled operation is retried. A function that claims several jobs sends the first
    heartbeats only after the last claim. So an operation may take a third of the lease at most, which leaves time for
    another one and for the heartbeat.
    """
    settings = read_settings(os.environ)
    seconds = (
        min(LONGEST_EFFORT_SECONDS, settings.lease_seconds / 3) if under_lease else LONGEST_EFFORT_SECONDS
    )
    clock = SystemClock()
    sign_by(clock)
    clients = connect_system(effort_seconds=seconds, clock=clock)
    return aws_services(settings, read_tables(os.environ), clients, registry), clients, clock


def target_support() -> TargetSupport:
    """Returns the parts with which targets are registered where none of them runs."""
    from tidegate.adapters.executors.json_schema import compile_schema
    from tidegate.jobs.targets.support import TargetSupport

    return TargetSupport(compile_schema)


def task_definition(work: Container, stack: str) -> Mapping[str, Any]:
    """Returns the arguments of RegisterTaskDefinition for a target of a stack that is a container image."""
    from tidegate.adapters.executors.targets.task_definition import task_definition_of

    return task_definition_of(work, stack)


def _load_what_works() -> Registry:
    """Returns the job types of a function. One broken module does not take the others, or the whole API, with it."""
    # The dispatcher and the reaper need no job code, so they load neither its registry nor pydantic.
    from tidegate.jobs.loader import load_what_works

    registry = load_what_works(support=target_support())
    for fault in registry.faults():
        _LOGGER.error("%s", fault)
    return registry


def api_function() -> ApiDeps:
    """Returns the parts of functions/api. Raises KeyError that names a missing environment variable."""
    registry = _load_what_works()
    services, clients, _ = _from_environment(registry)
    announced = announced_types(services, registry, clients.clock)
    return ApiDeps(
        replace(services, registry=registry.beside(announced)),
        clients.clock,
        clients.meter,
        clients.allowance,
        describe=registry.described,
        outside=_outside(services.settings.webhook_reach),
        announced=announced.find,
    )


def _outside(reach: Reach | None) -> OutsideCaller:
    """Returns the caller of hosts that callers named. It goes as far as the deployment allows; None is public."""
    from tidegate.adapters.http_out.call import HttpsCaller

    return HttpsCaller(SystemStopwatch(), reach or Reach.PUBLIC)


def announced_types(services: Services, deployed: JobRegistry, clock: Clock) -> AnnouncedRegistry:
    """Returns the types that worker processes announced and that are not among the deployed ones."""
    # Only the API checks parameters by a schema, so no other function loads this.
    from tidegate.adapters.executors.announced_registry import AnnouncedRegistry
    from tidegate.adapters.executors.json_schema import compile_schema

    return AnnouncedRegistry(services.announcements, clock, compile_schema, deployed.types)


def dispatcher_function() -> DispatcherDeps:
    """Returns the parts of functions/dispatcher. Raises KeyError that names a missing environment variable."""
    services, clients, _ = _from_environment(None, under_lease=True)
    services = replace(services, recall=Recall(KEEP_MS))
    return DispatcherDeps(services, clients.clock, clients.meter, changes_from)


def reaper_function() -> ReaperDeps:
    """Returns the parts of functions/reaper. Raises KeyError that names a missing environment variable."""
    services, clients, _ = _from_environment(None)
    return ReaperDeps(services, clients.clock, clients.meter)


def recorder_function() -> RecorderDeps:
    """Returns the parts of functions/recorder. Raises KeyError that names a missing environment variable."""
    services, clients, _ = _from_environment(None)
    return RecorderDeps(services, clients.clock, clients.meter, changes_from)


def webhooks_function() -> WebhooksDeps:
    """Returns the parts of functions/webhooks. Raises KeyError that names a missing environment variable."""
    from tidegate.adapters.aws.webhook_queue import SqsDeliveryQueue, webhook_message_from
    from tidegate.usecases.webhooks.attempt import Tools

    services, clients, _ = _from_environment(None)
    queue = SqsDeliveryQueue(clients, os.environ["TIDEGATE_WEBHOOKS_QUEUE"])
    tools = Tools(_outside(services.settings.webhook_reach), clients.clock, SystemStopwatch())
    return WebhooksDeps(services, queue, tools, clients.meter, webhook_message_from)


def worker_function() -> WorkerDeps:
    """Returns the parts of functions/worker. Where some job code can't be loaded, it runs the jobs of all other types.

    Raises KeyError that names a missing environment variable.
    """
    from tidegate.adapters.executors.inline import InlineExecutor

    registry: Registry = _load_what_works()
    services, clients, clock = _from_environment(registry, under_lease=True)
    group, stream = (os.environ.get(f"AWS_LAMBDA_LOG_{part}_NAME", "") for part in ("GROUP", "STREAM"))
    # The log stream names the execution environment, so it stands for the host.
    seat = Seat(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""), stream)
    services = replace(services, seat=seat, log_place=LogPlace(group, stream) if group and stream else None)
    executor = InlineExecutor(
        registry,
        SystemStopwatch(),
        heartbeat_seconds=services.settings.heartbeat_seconds,
        cancel_grace_seconds=services.settings.cancel_grace_seconds,
        give_up=lambda assignment, outcome: conclude_stuck(services, clients.clock, assignment, outcome),
    )
    return WorkerDeps(services, executor, clients.clock, clients.meter, clock.hold)


def process_worker(
    jobs_per_process: int = limits.DEFAULT_JOBS_PER_PROCESS,
    process_growth_mb: int = limits.DEFAULT_PROCESS_GROWTH_MB,
) -> ProcessDeps:
    """Returns the parts of a worker process.

    The worker process never imports job code. Another process, which can't see the worker's credentials, describes the
    job types. A process for job code is replaced after `jobs_per_process` jobs, or once it keeps more than
    `process_growth_mb` MiB beyond its start.

    Raises KeyError that names a missing environment variable, and RegistrationError where job code can't be loaded.
    """
    from tidegate.adapters.aws.log_shipper import LogShipper
    from tidegate.adapters.executors.environment import job_environment
    from tidegate.adapters.executors.process_executor import ProcessExecutor

    settings = read_settings(os.environ)
    executor = ProcessExecutor(
        SystemStopwatch(),
        heartbeat_seconds=settings.heartbeat_seconds,
        cancel_grace_seconds=settings.cancel_grace_seconds,
        environment=job_environment(os.environ, settings.job_environment),
        reuse_processes=settings.reuse_job_processes,
        jobs_per_process=jobs_per_process,
        process_growth_mb=process_growth_mb,
    )
    try:
        services, clients, clock = _from_environment(executor.job_types(), under_lease=True)
    except BaseException:
        executor.close()
        raise
    clock.hold()
    session_id = clients.entropy.new_ulid(clients.clock.now_ms())
    close_lines = None
    if settings.process_log_group:
        place = LogPlace(settings.process_log_group, session_id)
        shipper = LogShipper(lambda: clients.logs, place, clients.clock.now_ms)
        executor.print_to(shipper)
        services, close_lines = replace(services, log_place=place), shipper.close
    return ProcessDeps(
        services,
        executor,
        clients.clock,
        clients.entropy,
        clients.meter,
        session_id,
        lambda: clock.off_ms,
        close_lines,
        executor.job_types().described,
    )
