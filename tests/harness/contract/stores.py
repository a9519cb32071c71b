"""The implementations that the contract suite runs over, each as one bundle of ports."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3

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
from dev.simulator.memory.pool_queue import MOST_RECEIVES
from dev.simulator.memory.progress import MemoryProgressStore
from dev.simulator.memory.pulses import MemoryPulses
from dev.simulator.memory.queue import MemoryQueue
from dev.simulator.memory.rules import MemoryRuleStore
from dev.simulator.memory.statistics import MemoryStatisticsStore
from dev.simulator.memory.submissions import MemorySubmissionStore
from dev.simulator.memory.workers import MemoryWorkerRegistry
from dev.simulator.memory.workflows import MemoryWorkflowStore
from dev.simulator.memory.world import MemoryWorld
from tests.harness.contract.shapes import watch
from tests.harness.determined import NoEntropy, StandingClock, VirtualTimer
from tidegate.adapters.aws.clients import AwsClients, connect
from tidegate.adapters.aws.logs import CloudWatchLogReader
from tidegate.adapters.aws.queue import SqsQueue
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
from tidegate.adapters.dynamodb.permits import DynamoPermits
from tidegate.adapters.dynamodb.progress import DynamoProgressStore
from tidegate.adapters.dynamodb.pulses import DynamoPulses
from tidegate.adapters.dynamodb.rules import DynamoRuleStore
from tidegate.adapters.dynamodb.statistics import DynamoStatisticsStore
from tidegate.adapters.dynamodb.submissions import DynamoSubmissionStore
from tidegate.adapters.dynamodb.workers import DynamoWorkerRegistry
from tidegate.adapters.dynamodb.workflows import DynamoWorkflowStore
from tidegate.domain.job import Job
from tidegate.domain.rank import RankPolicy
from tidegate.ports import (
    AuditTrail,
    Cursors,
    DispatchLeases,
    GrantStore,
    JobIndex,
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
from tidegate.settings import Tables

NOW_MS = 1_700_000_000_000
SHARDS = 3
POOL = "p"
DEAD = "-dead"  # the suffix of a queue of dead letters
RANK_POLICY = RankPolicy()
RETENTION_SECONDS = 30 * 86_400


@dataclass(frozen=True)
class Stores:
    """One implementation of every port that stores data. `clients` and `tables` are None for memory."""

    jobs: JobStore
    index: JobIndex
    submissions: SubmissionStore
    workers: WorkerRegistry
    cursors: Cursors
    lanes: LaneRegistry
    permits: Permits
    leases: DispatchLeases
    progress: ProgressStore
    kept_ends: KeptEnds
    statistics: StatisticsStore
    pulses: Pulses
    announcements: TypeAnnouncements
    workflows: WorkflowStore
    rules: RuleStore
    grants: GrantStore
    queue: Queue
    audit: AuditTrail
    logs: LogReader
    clients: AwsClients | None = None
    tables: Tables | None = None


def memory_stores() -> Stores:
    world = MemoryWorld(shards=SHARDS, rank_policy=RANK_POLICY)
    world.now_ms = NOW_MS
    return Stores(
        jobs=MemoryJobStore(world),
        index=MemoryJobIndex(world),
        submissions=MemorySubmissionStore(world),
        workers=MemoryWorkerRegistry(world),
        cursors=MemoryCursors(world),
        lanes=MemoryLaneRegistry(world),
        permits=MemoryPermits(world),
        leases=MemoryDispatchLeases(world),
        progress=MemoryProgressStore(world),
        kept_ends=MemoryKeptEnds(world, RETENTION_SECONDS),
        statistics=MemoryStatisticsStore(world),
        pulses=MemoryPulses(world),
        announcements=MemoryTypeAnnouncements(world),
        workflows=MemoryWorkflowStore(world),
        rules=MemoryRuleStore(world),
        grants=MemoryGrantStore(world),
        queue=MemoryQueue(world),
        audit=MemoryAuditTrail(world),
        logs=MemoryLogReader(world),
    )


def aws_clients(
    endpoint_url: str | None, *, threads: int = 4, session: boto3.Session | None = None
) -> AwsClients:
    """Makes clients with the keys of `session`, or with keys that a double accepts and a local stack refuses."""
    session = session or boto3.Session("test", "test", region_name="eu-west-1")
    clients = connect(
        StandingClock(NOW_MS),
        NoEntropy(),
        session=session,
        endpoint_url=endpoint_url,
        threads=threads,
        timer=VirtualTimer(),
    )
    watch(clients)
    return clients


def session_of(clients: AwsClients) -> boto3.Session:
    """Makes a session with the keys and the region of these clients."""
    signer: Any = clients.dynamodb._request_signer  # type: ignore[attr-defined]  # the keys are in botocore's own object
    keys = signer._credentials
    return boto3.Session(keys.access_key, keys.secret_key, region_name=clients.dynamodb.meta.region_name)


def same_clients(clients: AwsClients) -> AwsClients:
    """Makes other clients of the same endpoint, with the same keys."""
    return aws_clients(clients.dynamodb.meta.endpoint_url, session=session_of(clients))


def aws_stores(clients: AwsClients, tables: Tables, queue_url: str) -> Stores:
    codec = JobCodec(SHARDS, RANK_POLICY)
    return Stores(
        jobs=DynamoJobStore(clients, tables, codec, retention_seconds=RETENTION_SECONDS),
        index=DynamoJobIndex(clients, tables, SHARDS),
        submissions=DynamoSubmissionStore(clients, tables, codec),
        workers=DynamoWorkerRegistry(clients, tables),
        cursors=DynamoCursors(clients, tables),
        lanes=DynamoLaneRegistry(clients, tables),
        permits=DynamoPermits(clients, tables),
        leases=DynamoDispatchLeases(clients, tables),
        progress=DynamoProgressStore(clients, tables),
        kept_ends=DynamoKeptEnds(clients, tables, RETENTION_SECONDS),
        statistics=DynamoStatisticsStore(clients, tables),
        pulses=DynamoPulses(clients, tables),
        announcements=DynamoTypeAnnouncements(clients, tables),
        workflows=DynamoWorkflowStore(clients, tables),
        rules=DynamoRuleStore(clients, tables),
        grants=DynamoGrantStore(clients, tables),
        queue=SqsQueue(clients, {POOL: queue_url}, {POOL: queue_url + DEAD}),
        audit=DynamoAuditTrail(clients, tables, retention_seconds=400 * 86_400),
        logs=CloudWatchLogReader(clients),
        clients=clients,
        tables=tables,
    )


def overwrite(stores: Stores, *jobs: Job) -> None:
    """Puts small jobs over whatever stands under their ids. It moves no part of a job elsewhere, as `stage` would."""
    if stores.clients is None or stores.tables is None:
        stores.jobs.unstage([job.job_id for job in jobs])
        stores.jobs.insert_if_absent(jobs)
        return
    codec = JobCodec(SHARDS, RANK_POLICY)
    for job in jobs:
        stores.clients.dynamodb.put_item(TableName=stores.tables.jobs, Item=codec.whole_item(job))


def make_queue(clients: AwsClients, name: str) -> str:
    dead_url = clients.sqs.create_queue(QueueName=name + DEAD)["QueueUrl"]
    dead = clients.sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]
    redrive = {"deadLetterTargetArn": dead["QueueArn"], "maxReceiveCount": MOST_RECEIVES}
    attributes: Any = {"VisibilityTimeout": "120", "RedrivePolicy": json.dumps(redrive)}
    return clients.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
