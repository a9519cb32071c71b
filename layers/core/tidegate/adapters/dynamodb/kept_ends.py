"""The kept ends on DynamoDB: items of the Progress table, one partition for each pool."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.values import Item, Plain, decode_item, encode_item
from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.statistics.ended import EndedJob, EndFigures, EndPlace, end_of
from tidegate.ports import EndedPage
from tidegate.settings import Tables

_LOGGER = logging.getLogger("tidegate.store")


@dataclass(frozen=True, slots=True)
class DynamoKeptEnds:
    """Stores ends in the Progress table; see ports.KeptEnds.

    An end that may be removed with its job is removed after `retention_seconds` where the job has no time for that yet.
    """

    clients: AwsClients
    tables: Tables
    retention_seconds: int

    def keep(self, jobs: Sequence[Job]) -> None:
        """Keeps the present end of each of the jobs, which have all ended."""
        # A batch may not name an item twice.
        items = {end.place: self._item(job, end) for job in jobs for end in (end_of(job),)}
        DynamoBatches(self.clients).put(self.tables.progress, list(items.values()))

    def _item(self, job: Job, end: EndedJob) -> Item:
        values: dict[str, Plain] = {
            schema.WORKFLOW_ID: schema.kept_ends_key(end.pool),
            schema.PART: schema.kept_end_part(end.place),
            schema.STATE: str(end.state),
            schema.TYPE: end.type,
            schema.SHARE: end.share,
            schema.CREATED_AT: end.submitted_at_ms,
            schema.PRIORITY: end.priority,
            schema.ERROR_CODE: end.error_code,
            schema.ESTIMATED_SECONDS: end.estimated_seconds,
            schema.FIGURES: None if end.figures is None else end.figures.packed(),
            schema.EXPIRES_AT: job.expires_at_s or end.ended_at_ms // 1_000 + self.retention_seconds,
        }
        return encode_item(values)

    def page(
        self, pool: str, from_ms: int, to_ms: int, *, limit: int, after: EndPlace | None = None
    ) -> EndedPage:
        """Returns at most `limit` kept ends of a pool, from `from_ms` on and before `to_ms`, after `after`."""
        if to_ms <= from_ms or (after is not None and after.ended_at_ms >= to_ms):
            return EndedPage((), None)
        key = schema.kept_ends_key(pool)
        arguments: dict[str, Any] = {}
        # DynamoDB refuses a start key outside of the key condition.
        if after is not None and after.ended_at_ms >= from_ms:
            start = {schema.WORKFLOW_ID: key, schema.PART: schema.kept_end_part(after)}
            arguments["ExclusiveStartKey"] = encode_item(start)
        with translated(f"querying {self.tables.progress}"):
            answer = self.clients.dynamodb.query(
                TableName=self.tables.progress,
                KeyConditionExpression="#id = :id AND #part BETWEEN :from AND :to",
                ExpressionAttributeNames={"#id": schema.WORKFLOW_ID, "#part": schema.PART},
                ExpressionAttributeValues={
                    ":id": {"S": key},
                    ":from": {"S": schema.kept_ends_from(from_ms)},
                    # A range key is longer than this beginning of one, so it sorts behind it.
                    ":to": {"S": schema.kept_ends_from(to_ms)},
                },
                # An end is kept before it leaves the index. A count that has seen it gone must see it here.
                ConsistentRead=True,
                Limit=limit,
                **arguments,
            )
        last = answer.get("LastEvaluatedKey")
        return EndedPage(
            whole_ends(answer["Items"], lambda item: _kept_end(item, pool)),
            _place(last[schema.PART]["S"]) if last else None,
        )


def _place(part: str) -> EndPlace:
    ended_at_ms, job_id, life = part.split("#")
    return EndPlace(int(ended_at_ms), job_id, int(life))


def _kept_end(item: Item, pool: str) -> EndedJob:
    values = decode_item(item)
    place = _place(values[schema.PART])
    return end_from(values, place.job_id, pool, State(values[schema.STATE]), place.ended_at_ms)


def whole_ends(items: Sequence[Item], end_of_item: Callable[[Item], EndedJob]) -> tuple[EndedJob, ...]:
    """Returns the ends that items hold.

    A malformed item is logged and left out, so that it does not stop the count of its pool for good.
    """
    found = []
    for item in items:
        try:
            found.append(end_of_item(item))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            name = (item.get(schema.JOB_ID) or item.get(schema.PART) or {}).get("S")
            _LOGGER.error("the end %s can't be read (%s) and does not count", name, type(error).__name__)
    return tuple(found)


def end_from(values: Mapping[str, Any], job_id: str, pool: str, state: State, ended_at_ms: int) -> EndedJob:
    """Returns an end from attributes of its job, as an entry of the index or a kept end carries them."""
    estimate = values.get(schema.ESTIMATED_SECONDS)
    figures = values.get(schema.FIGURES)
    return EndedJob(
        job_id=job_id,
        pool=pool,
        type=values[schema.TYPE],
        state=state,
        ended_at_ms=ended_at_ms,
        submitted_at_ms=values[schema.CREATED_AT],
        priority=values.get(schema.PRIORITY, limits.DEFAULT_PRIORITY),
        share=values.get(schema.SHARE),
        error_code=values.get(schema.ERROR_CODE),
        estimated_seconds=None if estimate is None else float(estimate),
        figures=None if figures is None else EndFigures.unpacked(figures),
    )
