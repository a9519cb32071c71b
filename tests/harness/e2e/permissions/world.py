"""A stack at rest, which only probes change, and callers that act under the permissions of a role."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import boto3

from tests.harness.e2e.permissions.grants import Document, Grant, without
from tests.harness.e2e.permissions.wire import Wire
from tidegate.bootstrap import AwsClients, Services, aws_services, connect_system
from tidegate.domain.job import Job, Json
from tidegate.domain.outside import APPROVAL_TYPE
from tidegate.domain.states import State
from tidegate.domain.type_facts import TypeFacts
from tidegate.jobs.loader import load_registry
from tidegate.ports import JobRegistry
from tidegate.settings import Settings, Tables, read_settings, read_tables
from tidegate_devstack import StackInfo

MINUTE_MS = 60_000
OFFER = "probe"  # a capability of both pools, so that the freer pool is chosen
PARAMETERS = {
    "LambdaCapabilities": OFFER,
    "EcsCapabilities": OFFER,
    "SecondAttemptPercent": "50",
    "PublishEvents": "true",
    "Webhooks": "true",
}
LARGE = "x" * 20_000  # overflow in every table


class Everything(JobRegistry):
    """The registry of the deployment, except that every job reads its upstreams and may have a second attempt.

    Approvals have none, because a job that may run twice can't be handed over.
    """

    def __init__(self) -> None:
        self._registry = load_registry()

    def types(self) -> Sequence[str]:
        """Returns all registered types."""
        return self._registry.types()

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> list[tuple[str, str]]:
        """Returns no violations."""
        return []

    def reads_upstreams(self, job_type: str) -> bool:
        """Returns True for every type."""
        return True

    def may_run_twice(self, job_type: str) -> bool | None:
        """Returns True for every registered type."""
        return True if job_type in self.types() else None

    def facts(self, job_type: str) -> TypeFacts | None:
        """Returns facts of every registered type."""
        return TypeFacts(second_attempt=job_type != APPROVAL_TYPE) if job_type in self.types() else None

    @property
    def homes(self) -> Mapping[str, str]:
        """Returns no pool."""
        return {}

    def faults(self) -> Sequence[str]:
        return self._registry.faults()


REGISTRY = Everything()


class World:
    """The stack, with an administrator's rights."""

    def __init__(self, stack: StackInfo) -> None:
        self.stack = stack
        self.tables: Tables = read_tables(
            {
                **stack.environment,
                "TIDEGATE_TABLE_AUDIT": stack.outputs["AuditTable"],
                "TIDEGATE_TABLE_PROGRESS": stack.outputs["ProgressTable"],
            }
        )
        # One shard, so that few jobs fill a page of it.
        of_functions = {
            "TIDEGATE_PUBLISH_EVENTS": PARAMETERS["PublishEvents"],
            "TIDEGATE_WEBHOOKS": "public",
            "TIDEGATE_DISPATCH_LEASE_SECONDS": "60",
            "TIDEGATE_SECOND_ATTEMPT_PERCENT": PARAMETERS["SecondAttemptPercent"],
        }
        self.settings: Settings = replace(read_settings({**stack.environment, **of_functions}), shards=1)
        self.clients = connect_system(session=stack.session(), endpoint_url=stack.endpoint_url)
        self.admin = self.services_of(self.clients)
        self.denied = threading.Event()  # set as soon as a probe is denied a permission
        self._keys = {name: self._keys_of(name) for name in vars_of(self.tables)}

    def services_of(self, clients: AwsClients) -> Services:
        """Builds the use cases' services with a caller's clients."""
        return aws_services(self.settings, self.tables, clients, REGISTRY)

    def partition_keys(self) -> Mapping[str, str]:
        """Returns the partition key of each table, by the table's name."""
        return {table: keys[0] for table, keys in self._keys.items()}

    def client(self, service: str) -> Any:
        """Makes an administrator's client of another service."""
        return self.stack.session().client(service, endpoint_url=self.stack.endpoint_url)  # type: ignore[call-overload]

    def rest(self) -> None:
        """Stops everything that runs by itself: neither events nor schedules call functions any more."""
        functions, scheduler = self.client("lambda"), self.client("scheduler")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            functions.delete_event_source_mapping(UUID=mapping["UUID"])
        for schedule in scheduler.list_schedules()["Schedules"]:
            scheduler.delete_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])

    def clear(self) -> None:
        """Empties all tables and queues."""
        self.denied.clear()
        dynamodb, sqs = self.clients.dynamodb, self.clients.sqs
        for table, keys in self._keys.items():
            items = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
            gone: list[Any] = [{"DeleteRequest": {"Key": {key: item[key] for key in keys}}} for item in items]
            for start in range(0, len(gone), 25):
                dynamodb.batch_write_item(RequestItems={table: gone[start : start + 25]})
        for pool in self.settings.pools.values():
            sqs.purge_queue(QueueUrl=pool.queue_url)
            sqs.purge_queue(QueueUrl=pool.dead_letters_url)

    def job(self, job_id: str) -> Job:
        """Reads the job as it is now."""
        job = self.admin.jobs.get(job_id, consistent=True)
        assert job is not None, job_id
        return job

    def states(self, *job_ids: str) -> list[State]:
        """Reads the states of jobs as they are now."""
        return [self.job(job_id).state for job_id in job_ids]

    def messages(self, pool: str) -> list[str]:
        """Takes the messages out of a pool's queue. Returns the jobs that they name."""
        deliveries = self.admin.queue.receive(pool, limit=10, wait_seconds=0)
        return sorted(delivery.message.job_id for delivery in deliveries)

    def is_empty(self, queue_url: str) -> bool:
        """Says whether a queue holds no message, not even a received one."""
        found = self.clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])[
            "Attributes"
        ]
        waiting, taken = found["ApproximateNumberOfMessages"], found["ApproximateNumberOfMessagesNotVisible"]
        return (waiting, taken) == ("0", "0")

    def _keys_of(self, table: str) -> list[str]:
        schema = self.clients.dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
        return [part["AttributeName"] for part in schema]


def vars_of(tables: Tables) -> list[str]:
    """Returns the names of all tables."""
    return [getattr(tables, field) for field in type(tables).__dataclass_fields__]


def now_ms() -> int:
    """Returns the time."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller under a role of the stack. `document` is everything that the role may do."""

    world: World
    role: str
    policy: str
    document: Document
    session: boto3.Session
    services: Services
    wire: Wire

    @contextmanager
    def lacking(self, grant: Grant) -> Iterator[None]:
        """Takes a grant from the role during the block.

        The emulator asks the policy at each call, so this holds at once.
        """
        self._put(without(self.document, grant))
        try:
            yield
        finally:
            self._put(self.document)

    def _put(self, document: Document) -> None:
        iam, named = self.world.client("iam"), {"RoleName": self.role, "PolicyName": self.policy}
        if document["Statement"]:
            iam.put_role_policy(**named, PolicyDocument=json.dumps(document))
        else:
            iam.delete_role_policy(**named)  # a policy without a statement is malformed


def caller(world: World, role: str, policy: str, document: Document) -> Caller:
    """Acts under `role`, whose only policy is `policy`."""
    arn = world.client("iam").get_role(RoleName=role)["Role"]["Arn"]
    keys = world.client("sts").assume_role(RoleArn=arn, RoleSessionName="probe")["Credentials"]
    session = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=world.stack.region
    )
    clients = connect_system(session=session, endpoint_url=world.stack.endpoint_url)
    wire = Wire(world.stack.region, arn.split(":")[4], world.partition_keys())
    wire.attach(clients)
    return Caller(world, role, policy, document, session, world.services_of(clients), wire)
