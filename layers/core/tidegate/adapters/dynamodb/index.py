"""The job index on DynamoDB: a sparse index with keys and what dispatch and listings look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.kept_ends import end_from, whole_ends
from tidegate.adapters.dynamodb.values import Item, decode_item
from tidegate.domain import limits
from tidegate.domain.indexed import IndexedFields
from tidegate.domain.lanes import MAIN, is_sharded
from tidegate.domain.states import Group, State
from tidegate.domain.statistics.ended import EndedJob, EndPlace
from tidegate.domain.traits import NO_TRAITS, Traits
from tidegate.ports import EndedPage, IndexEntry, IndexPage
from tidegate.settings import Tables

_NO_TEXT = {"S": ""}
_ONE = {"N": "1"}


@dataclass(frozen=True, slots=True)
class DynamoJobIndex:
    """Answers queries for dispatch, capacity, repair and listings.

    `shards` (1 or more) is the number of partitions a group. An entry is only a hint: the index may lag behind the
    jobs.
    """

    clients: AwsClients
    tables: Tables
    shards: int

    def page(
        self,
        pool: str,
        group: Group,
        shard: int,
        *,
        limit: int,
        descending: bool = False,
        after: IndexEntry | None = None,
        up_to: int | None = None,
        lane: str = MAIN,
    ) -> IndexPage:
        """Returns at most `limit` entries of one shard of a lane, after `after`, with a sort value up to `up_to`."""
        key = schema.group_key(pool, group, shard, lane)
        arguments = _in_partition(key, up_to)
        if after is not None and up_to is not None and after.sort > up_to:
            # DynamoDB refuses a start key outside of the key condition.
            if not descending:
                return IndexPage((), None)
        elif after is not None:
            arguments["ExclusiveStartKey"] = {
                schema.JOB_ID: {"S": after.job_id},
                schema.GROUP_KEY: {"S": key},
                schema.GROUP_SORT: {"N": str(after.sort)},
            }
        answer = self._query(Limit=limit, ScanIndexForward=not descending, **arguments)
        last = answer.get("LastEvaluatedKey")
        return IndexPage(tuple(_entry(item) for item in answer["Items"]), _entry(last) if last else None)

    def ended(
        self,
        pool: str,
        group: Group,
        shard: int,
        *,
        from_ms: int,
        to_ms: int,
        limit: int,
        after: EndPlace | None = None,
    ) -> EndedPage:
        """Returns at most `limit` ends of one shard of a terminal group, from `from_ms` on and before `to_ms`."""
        if to_ms <= from_ms or (after is not None and after.ended_at_ms >= to_ms):
            return EndedPage((), None)
        key = schema.group_key(pool, group, shard)
        arguments: dict[str, Any] = {
            "KeyConditionExpression": "#key = :key AND #sort BETWEEN :from AND :last",
            "ExpressionAttributeNames": {"#key": schema.GROUP_KEY, "#sort": schema.GROUP_SORT},
            "ExpressionAttributeValues": {
                ":key": {"S": key},
                ":from": {"N": str(from_ms)},
                ":last": {"N": str(to_ms - 1)},
            },
        }
        # DynamoDB refuses a start key outside of the key condition.
        if after is not None and after.ended_at_ms >= from_ms:
            arguments["ExclusiveStartKey"] = {
                schema.JOB_ID: {"S": after.job_id},
                schema.GROUP_KEY: {"S": key},
                schema.GROUP_SORT: {"N": str(after.ended_at_ms)},
            }
        answer = self._query(Limit=limit, **arguments)
        last = answer.get("LastEvaluatedKey")
        return EndedPage(
            whole_ends(answer["Items"], lambda item: _end(item, pool, State(group.value))),
            EndPlace(int(last[schema.GROUP_SORT]["N"]), last[schema.JOB_ID]["S"]) if last else None,
        )

    def first_pages(
        self,
        pool: str,
        group: Group,
        *,
        limit: int,
        descending: bool = False,
        up_to: int | None = None,
        lanes: Sequence[str] = (MAIN,),
    ) -> Mapping[tuple[str, int], IndexPage]:
        """Returns the first page of every shard of each of `lanes`, by lane and shard; the queries run in parallel."""

        def first(place: tuple[str, int]) -> IndexPage:
            lane, shard = place
            return self.page(pool, group, shard, limit=limit, descending=descending, up_to=up_to, lane=lane)

        places = self._places(lanes)
        return dict(zip(places, self.clients.fan_out.map(first, places), strict=True))

    def count(self, pool: str, group: Group, *, at_most: int, lanes: Sequence[str] = (MAIN,)) -> int:
        """Returns the number of jobs of the group in all shards of `lanes`; stops counting at `at_most`."""
        if at_most <= 0:
            return 0

        def count_shard(place: tuple[str, int]) -> int:
            lane, shard = place
            return self._count_shard(schema.group_key(pool, group, shard, lane), at_most)

        return min(at_most, sum(self.clients.fan_out.map(count_shard, self._places(lanes))))

    def ranks(self, pool: str, *, at_most: int, lanes: Sequence[str] = (MAIN,)) -> Sequence[int]:
        """Returns the `at_most` highest ranks of each shard of `lanes`; the queries run in parallel."""

        def of_shard(place: tuple[str, int]) -> list[int]:
            lane, shard = place
            return self._ranks_of_shard(schema.group_key(pool, Group.READY, shard, lane), at_most)

        return [rank for ranks in self.clients.fan_out.map(of_shard, self._places(lanes)) for rank in ranks]

    def _places(self, lanes: Sequence[str]) -> list[tuple[str, int]]:
        return [(lane, shard) for lane in lanes for shard in range(self.shards if is_sharded(lane) else 1)]

    def _count_shard(self, key: str, at_most: int) -> int:
        answers = self._answers(at_most, Select="COUNT", **_in_partition(key, None))
        return sum(answer["Count"] for answer in answers)

    def _ranks_of_shard(self, key: str, at_most: int) -> list[int]:
        arguments = _in_partition(key, None)
        arguments["ExpressionAttributeNames"] |= {"#sort": schema.GROUP_SORT}
        answers = self._answers(at_most, ProjectionExpression="#sort", ScanIndexForward=False, **arguments)
        return [int(item[schema.GROUP_SORT]["N"]) for answer in answers for item in answer["Items"]]

    def _answers(self, at_most: int, **arguments: Any) -> Iterator[Any]:
        """Yields the answers to a query, page by page, until they hold `at_most` entries."""
        left = at_most
        while left > 0:
            answer = self._query(Limit=left, **arguments)
            yield answer
            left -= answer["Count"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _query(self, **arguments: Any) -> Any:
        with translated(f"querying the index of {self.tables.jobs}"):
            return self.clients.dynamodb.query(
                TableName=self.tables.jobs, IndexName=schema.GROUP_INDEX, **arguments
            )


def _in_partition(key: str, up_to: int | None) -> dict[str, Any]:
    condition = "#key = :key" if up_to is None else "#key = :key AND #sort <= :up_to"
    names = {"#key": schema.GROUP_KEY}
    values: dict[str, Any] = {":key": {"S": key}}
    if up_to is not None:
        names["#sort"] = schema.GROUP_SORT
        values[":up_to"] = {"N": str(up_to)}
    return {
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _entry(item: Item) -> IndexEntry:
    sort = int(item[schema.GROUP_SORT]["N"])
    # The last key of a page has keys only.
    indexed = partial(_indexed, item) if schema.CREATED_AT in item else None
    return IndexEntry(item[schema.JOB_ID]["S"], sort, _traits(item), indexed)


def _indexed(item: Item) -> IndexedFields:
    values = decode_item(item)
    estimate = values.get(schema.ESTIMATED_SECONDS)
    return IndexedFields(
        created_at_ms=values[schema.CREATED_AT],
        priority=values.get(schema.PRIORITY, limits.DEFAULT_PRIORITY),
        key=values.get(schema.KEY),
        name=values.get(schema.NAME),
        ready_at_ms=values.get(schema.READY_AT),
        error_code=values.get(schema.ERROR_CODE),
        submitted_by=values.get(schema.SUBMITTED_BY),
        estimated_duration_seconds=None if estimate is None else float(estimate),
    )


def _traits(item: Item) -> Traits:
    if schema.TYPE not in item:
        return NO_TRAITS  # the last key of a page has keys only
    return Traits(
        type=item[schema.TYPE]["S"],
        share=item.get(schema.SHARE, _NO_TEXT)["S"],
        concurrency_key=item.get(schema.CONCURRENCY_KEY, {}).get("S"),
        concurrency_limit=int(item.get(schema.CONCURRENCY_LIMIT, _ONE)["N"]),
    )


def _end(item: Item, pool: str, state: State) -> EndedJob:
    values = decode_item(item)
    return end_from(values, values[schema.JOB_ID], pool, state, int(values[schema.GROUP_SORT]))
