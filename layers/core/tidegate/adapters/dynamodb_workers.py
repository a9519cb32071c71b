"""The worker processes of PROCESS pools on DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.adapters import dynamodb_schema as schema
from tidegate.adapters.aws_clients import AwsClients
from tidegate.adapters.aws_errors import translated
from tidegate.adapters.dynamodb_batches import DynamoBatches
from tidegate.adapters.dynamodb_values import Attribute, decode_item, encode_item
from tidegate.ports import Worker
from tidegate.settings import Tables


@dataclass(frozen=True, slots=True)
class DynamoWorkerRegistry:
    """One item for each worker process, renewed while it lives, removed by its TTL after that."""

    clients: AwsClients
    tables: Tables

    def put(self, worker: Worker) -> None:
        """Registers a worker, or renews its entry."""
        item = encode_item(
            {
                schema.POOL: worker.pool,
                schema.WORKER_ID: worker.worker_id,
                schema.SLOTS: worker.slots,
                schema.RUNNING: worker.running,
                schema.HEARTBEAT_AT: worker.heartbeat_at_ms,
                schema.EXPIRES_AT: worker.expires_at_s,
            }
        )
        with translated(f"registering worker {worker.worker_id}"):
            self.clients.dynamodb.put_item(TableName=self.tables.workers, Item=item)

    def remove(self, pool: str, worker_id: str) -> None:
        """Takes a worker off; no error if it is gone."""
        key = encode_item({schema.POOL: pool, schema.WORKER_ID: worker_id})
        with translated(f"removing worker {worker_id}"):
            self.clients.dynamodb.delete_item(TableName=self.tables.workers, Key=key)

    def list_live(self, pool: str, *, seen_since_ms: int) -> tuple[Worker, ...]:
        """The workers of a pool whose last heartbeat is not older than `seen_since_ms`, by id."""
        items = DynamoBatches(self.clients).query(
            self.tables.workers,
            KeyConditionExpression="#pool = :pool",
            FilterExpression="#heartbeat_at >= :since",
            ExpressionAttributeNames={"#pool": schema.POOL, "#heartbeat_at": schema.HEARTBEAT_AT},
            ExpressionAttributeValues={":pool": {"S": pool}, ":since": {"N": str(seen_since_ms)}},
        )
        return tuple(
            Worker(
                pool=values[schema.POOL],
                worker_id=values[schema.WORKER_ID],
                slots=values[schema.SLOTS],
                running=values[schema.RUNNING],
                heartbeat_at_ms=values[schema.HEARTBEAT_AT],
                expires_at_s=values[schema.EXPIRES_AT],
            )
            for values in map(decode_item, items)
        )


def pool_of_worker(keys: Mapping[str, Attribute]) -> str | None:
    """The pool of the worker that a stream record is about, from its keys; None where they are no worker's."""
    if schema.WORKER_ID not in keys:
        return None
    return str(keys[schema.POOL]["S"])
