"""The registry of worker processes of PROCESS pools on DynamoDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, old_item, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.statements import (
    Clause,
    Update,
    absent,
    all_of,
    any_of,
    below,
    condition_arguments,
    equals,
    one_of,
)
from tidegate.adapters.dynamodb.values import Attribute, Item, Plain, decode_item, encode_item
from tidegate.domain.workers import (
    PRESENT,
    AllSessions,
    Slots,
    Totals,
    Worker,
    WorkerIdTaken,
    WorkerRefused,
    WorkerSpec,
    WorkerState,
    sources_of,
)
from tidegate.ports import WorkerPage
from tidegate.settings import Tables


@dataclass(frozen=True, slots=True)
class DynamoWorkerRegistry:
    """Keeps one item for each worker id, renewed while its process lives; the TTL removes it a day after that.

    Every write is conditional on the worker's session. A method that writes raises WorkerRefused, with the current
    entry if there is one, where its condition does not hold.
    """

    clients: AwsClients
    tables: Tables

    def register_if_free(self, worker: Worker, *, silent_since_ms: int) -> None:
        """Begins a session if the id is free; raises WorkerIdTaken otherwise.

        An id is free if it is unused, or its worker is INACTIVE, LOST, or silent since before `silent_since_ms`.
        """
        free = any_of(
            absent(schema.WORKER_ID),
            equals(schema.SESSION_ID, worker.session_id),  # this call was repeated
            one_of(schema.STATE, (WorkerState.INACTIVE, WorkerState.LOST)),
            below(schema.HEARTBEAT_AT, silent_since_ms),
        )
        try:
            self._put_if("registering", worker, free)
        except WorkerRefused as refused:
            if refused.worker is None:
                raise
            raise WorkerIdTaken(refused.worker, silent_since_ms=silent_since_ms) from refused

    def take_over_if_held_by(self, worker: Worker, session_id: str) -> None:
        """Begins a session that replaces `session_id`, whatever the state of that one."""
        held = one_of(schema.SESSION_ID, (session_id, worker.session_id))
        self._put_if("taking over", worker, held)

    def heartbeat_if_mine(self, worker: Worker) -> Worker:
        """Stores load and totals of a session that is ACTIVE or DRAINING; returns the entry with its state."""
        return self._update_if("heartbeat", worker, Update(_mine_in(worker, PRESENT), _load(worker)))

    def drain_if_mine(self, worker: Worker) -> Worker:
        """Stores load and totals and changes ACTIVE to DRAINING; returns the entry."""
        update = Update(_mine_in(worker, PRESENT), {**_load(worker), schema.STATE: str(WorkerState.DRAINING)})
        return self._update_if("draining", worker, update)

    def come_back_if_lost(self, worker: Worker) -> Worker:
        """Changes LOST back to the worker's own state and stores load and totals, unless its id was taken meanwhile."""
        # Its own state is allowed too, because this call may be repeated after its answer was lost.
        condition = _mine_in(worker, {WorkerState.LOST, worker.state})
        update = Update(condition, {**_load(worker), schema.STATE: str(worker.state)})
        return self._update_if("coming back", worker, update)

    def leave_if_mine(self, worker: Worker) -> Worker:
        """Changes any state of this session to INACTIVE and stores the last totals; returns the entry."""
        condition = _mine_in(worker, {*sources_of(WorkerState.INACTIVE), WorkerState.INACTIVE})
        update = Update(condition, {**_load(worker), schema.STATE: str(WorkerState.INACTIVE)})
        return self._update_if("leaving", worker, update)

    def request_drain_if_present(self, pool: str, worker_id: str, actor: str, now_ms: int) -> Worker:
        """Changes ACTIVE or DRAINING to DRAINING, and stores `actor` and `now_ms` if this is the first request.

        Returns the entry.
        """
        update = Update(
            one_of(schema.STATE, sorted(PRESENT)),
            {schema.STATE: str(WorkerState.DRAINING)},
            set_once={schema.DRAIN_REQUESTED_AT: now_ms, schema.DRAIN_REQUESTED_BY: actor},
        )
        return self._update("drain request", pool, worker_id, update)

    def mark_lost_if_silent(self, worker: Worker, *, silent_since_ms: int, expires_at_s: int) -> bool:
        """Changes ACTIVE or DRAINING to LOST if this session's last heartbeat is older than `silent_since_ms`.

        Returns False otherwise. The entry is removed after `expires_at_s` (seconds since the epoch).
        """
        update = Update(
            all_of(
                _mine_in(worker, sources_of(WorkerState.LOST)), below(schema.HEARTBEAT_AT, silent_since_ms)
            ),
            {schema.STATE: str(WorkerState.LOST), schema.EXPIRES_AT: expires_at_s},
        )
        try:
            self._update_if("marking as lost", worker, update)
        except WorkerRefused:
            return False
        return True

    def get(self, pool: str, worker_id: str) -> Worker | None:
        """Returns the entry by a consistent read, or None."""
        with translated(f"reading worker {worker_id}"):
            answer = self.clients.dynamodb.get_item(
                TableName=self.tables.workers, Key=_key(pool, worker_id), ConsistentRead=True
            )
        item = answer.get("Item")
        return worker_from(item) if item else None

    def page(self, pool: str, *, limit: int, after: str | None = None) -> WorkerPage:
        """Returns at most `limit` entries of a pool by id, in any state, after the id `after`.

        An entry that can't be decoded is left out and named, so that it stops no listing and no count of its pool.
        """
        start: Any = {"ExclusiveStartKey": _key(pool, after)} if after is not None else {}
        with translated(f"listing the workers of pool {pool}"):
            answer = self.clients.dynamodb.query(
                TableName=self.tables.workers,
                KeyConditionExpression="#pool = :pool",
                ExpressionAttributeNames={"#pool": schema.POOL},
                ExpressionAttributeValues={":pool": {"S": pool}},
                Limit=limit,
                **start,
            )
        last = answer.get("LastEvaluatedKey")
        workers, unreadable = _readable(answer["Items"])
        return WorkerPage(workers, str(last[schema.WORKER_ID]["S"]) if last else None, unreadable)

    def list_live(self, pool: str, *, silent_since_ms: int) -> tuple[Worker, ...]:
        """Returns the workers of a pool that are ACTIVE or DRAINING and not silent, by id.

        A worker is silent if its last heartbeat is older than `silent_since_ms`. An entry that can't be decoded is
        left out, so that the other workers of its pool get jobs. The count of slot time logs it.
        """
        items = DynamoBatches(self.clients).query(
            self.tables.workers,
            KeyConditionExpression="#pool = :pool",
            FilterExpression="#heartbeat_at >= :since AND #state IN (:active, :draining)",
            ExpressionAttributeNames={
                "#pool": schema.POOL,
                "#heartbeat_at": schema.HEARTBEAT_AT,
                "#state": schema.STATE,
            },
            ExpressionAttributeValues={
                ":pool": {"S": pool},
                ":since": {"N": str(silent_since_ms)},
                ":active": {"S": str(WorkerState.ACTIVE)},
                ":draining": {"S": str(WorkerState.DRAINING)},
            },
        )
        workers, _ = _readable(items)
        return workers

    def _put_if(self, action: str, worker: Worker, condition: Clause) -> None:
        try:
            with translated(f"{action} worker {worker.worker_id}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.put_item(
                    TableName=self.tables.workers,
                    Item=worker_item(worker),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition_arguments(condition),
                )
        except ClientError as refused:
            raise _refusal(action, worker.worker_id, refused) from refused

    def _update_if(self, action: str, worker: Worker, update: Update) -> Worker:
        return self._update(action, worker.pool, worker.worker_id, update)

    def _update(self, action: str, pool: str, worker_id: str, update: Update) -> Worker:
        try:
            with translated(f"{action} of worker {worker_id}", passing=(CONDITION_FAILED,)):
                answer = self.clients.dynamodb.update_item(
                    TableName=self.tables.workers,
                    Key=_key(pool, worker_id),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **update.render(schema.WORKER_ID),
                )
        except ClientError as refused:
            raise _refusal(action, worker_id, refused) from refused
        return worker_from(answer["Attributes"])


def worker_item(worker: Worker) -> Item:
    """Returns the whole item of a worker."""
    spec = worker.spec
    return encode_item(
        {
            schema.POOL: spec.pool,
            schema.WORKER_ID: spec.worker_id,
            schema.SESSION_ID: worker.session_id,
            schema.NAME: spec.name,
            schema.HOST: spec.host,
            schema.SLOTS: spec.slots,
            schema.CAPABILITIES: sorted(spec.capabilities) or None,
            schema.TAGS: dict(spec.tags) or None,
            schema.STATE: str(worker.state),
            schema.STARTED_AT: worker.started_at_ms,
            schema.DRAIN_REQUESTED_AT: worker.drain_requested_at_ms,
            schema.DRAIN_REQUESTED_BY: worker.drain_requested_by,
            schema.EARLIER: None if worker.earlier is None else _sessions_values(worker.earlier),
            **_load(worker),
        }
    )


def worker_from(item: Mapping[str, Attribute]) -> Worker:
    """Returns the worker that an item holds."""
    values = decode_item(item)
    return Worker(
        spec=WorkerSpec(
            pool=values[schema.POOL],
            worker_id=values[schema.WORKER_ID],
            host=values[schema.HOST],
            slots=values[schema.SLOTS],
            name=values.get(schema.NAME),
            capabilities=frozenset(values.get(schema.CAPABILITIES, ())),
            tags=values.get(schema.TAGS, {}),
        ),
        session_id=values[schema.SESSION_ID],
        state=WorkerState(values[schema.STATE]),
        started_at_ms=values[schema.STARTED_AT],
        heartbeat_at_ms=values[schema.HEARTBEAT_AT],
        expires_at_s=values[schema.EXPIRES_AT],
        running=values[schema.RUNNING],
        totals=_totals_from(values),
        drain_requested_at_ms=values.get(schema.DRAIN_REQUESTED_AT),
        drain_requested_by=values.get(schema.DRAIN_REQUESTED_BY),
        clock_off_ms=values.get(schema.CLOCK_OFF, 0),
        lacking=tuple(values.get(schema.LACKING, ())),
        fault=values.get(schema.FAULT, ""),
        earlier=_sessions_from(values[schema.EARLIER]) if schema.EARLIER in values else None,
        response_ms=values.get(schema.RESPONSE),
    )


def _readable(items: Iterable[Item]) -> tuple[tuple[Worker, ...], tuple[str, ...]]:
    """Returns the workers that items hold, and the ids of those whose items can't be decoded."""
    workers: list[Worker] = []
    unreadable: list[str] = []
    for item in items:
        try:
            workers.append(worker_from(item))
        except (AttributeError, KeyError, TypeError, ValueError):
            unreadable.append(str(item[schema.WORKER_ID]["S"]))
    return tuple(workers), tuple(unreadable)


def _totals_values(totals: Totals) -> dict[str, int]:
    return {
        schema.CLAIMED: totals.claimed,
        schema.SUCCEEDED: totals.succeeded,
        schema.FAILED: totals.failed,
        schema.HANDED_BACK: totals.handed_back,
    }


def _totals_from(values: Mapping[str, Any]) -> Totals:
    return Totals(
        claimed=values[schema.CLAIMED],
        succeeded=values[schema.SUCCEEDED],
        failed=values[schema.FAILED],
        handed_back=values[schema.HANDED_BACK],
    )


def _sessions_values(counts: AllSessions) -> dict[str, Plain]:
    latest: list[Plain] = [[each.slots, each.from_ms, each.to_ms] for each in counts.latest]
    return {
        schema.LATEST: latest,
        schema.SINCE: counts.since_ms,
        schema.SESSIONS: counts.sessions,
        schema.LOST: counts.lost,
        **_totals_values(counts.totals),
    }


def _sessions_from(values: Mapping[str, Any]) -> AllSessions:
    return AllSessions(
        since_ms=values[schema.SINCE],
        sessions=values[schema.SESSIONS],
        totals=_totals_from(values),
        lost=values[schema.LOST],
        latest=tuple(Slots(*each) for each in values.get(schema.LATEST, ())),
    )


def _load(worker: Worker) -> dict[str, Plain]:
    """Returns the values that change with every heartbeat."""
    return {
        schema.RUNNING: worker.running,
        **_totals_values(worker.totals),
        schema.HEARTBEAT_AT: worker.heartbeat_at_ms,
        schema.CLOCK_OFF: worker.clock_off_ms,
        schema.EXPIRES_AT: worker.expires_at_s,
        schema.LACKING: list(worker.lacking) or None,
        schema.FAULT: worker.fault or None,
        schema.RESPONSE: worker.response_ms,
    }


def _mine_in(worker: Worker, states: set[WorkerState] | frozenset[WorkerState]) -> Clause:
    """Requires that the entry belongs to this session and is in one of these states.

    This is the fence of every write of a worker.
    """
    return all_of(equals(schema.SESSION_ID, worker.session_id), one_of(schema.STATE, sorted(states)))


def _key(pool: str, worker_id: str) -> Item:
    return encode_item({schema.POOL: pool, schema.WORKER_ID: worker_id})


def _refusal(action: str, worker_id: str, error: ClientError) -> WorkerRefused:
    item = old_item(error)
    return WorkerRefused(action, worker_id, worker_from(item) if item else None)
