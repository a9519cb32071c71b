"""Timetables on DynamoDB: items of the Progress table.

A timetable is one small item, which changes with acts of callers alone. A run of the reaper writes three items: the
record of the run, the note of the next time, and the removal of the note that was due.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, old_item, translated, was_retried
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.statements import (
    Clause,
    absent,
    all_of,
    any_of,
    condition_arguments,
    differs,
    equals,
)
from tidegate.adapters.dynamodb.timetable_items import (
    due_from,
    due_item,
    run_from,
    run_item,
    timetable_from,
    timetable_item,
)
from tidegate.adapters.dynamodb.values import Item, decode_item, encode_item
from tidegate.domain.timetables.timetable import Cause, Due, Run, RunOutcome, Template, Timetable
from tidegate.ports import RunPage, TimetablePage
from tidegate.settings import Tables

_TEMPLATES_DROPPED = 100  # at most; a timetable has one, and those that interrupted changes left


@dataclass(frozen=True, slots=True)
class DynamoTimetableStore:
    """Stores timetables in the Progress table; see ports.TimetableStore."""

    clients: AwsClients
    tables: Tables

    def insert_if_absent(self, timetable: Timetable) -> Timetable | None:
        """Writes a new timetable and returns None; if its id is in use, returns the timetable that stands there."""
        if self._put_if(timetable, absent(schema.WORKFLOW_ID)):
            return None
        return self.get(timetable.timetable_id)

    def replace_if_unchanged(self, timetable: Timetable) -> bool:
        """Writes a changed timetable if the stored version is the one before `timetable.version`."""
        return self._put_if(timetable, equals(schema.VERSION, timetable.version - 1))

    def _put_if(self, timetable: Timetable, condition: Clause) -> bool:
        item = timetable_item(timetable)
        try:
            with translated(f"writing timetable {timetable.timetable_id}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.put_item(
                    TableName=self.tables.progress,
                    Item=item,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition_arguments(condition),
                )
        except ClientError as refused:
            # An earlier request may have been carried out and only its answer lost.
            return was_retried(refused.response) and decode_item(old_item(refused) or {}) == decode_item(item)
        return True

    def remove_if_unchanged(self, timetable: Timetable) -> bool:
        """Removes a timetable if the stored version is `timetable.version`."""
        what = f"removing timetable {timetable.timetable_id}"
        key = _key(schema.TIMETABLES, timetable.timetable_id)
        try:
            with translated(what, passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.delete_item(
                    TableName=self.tables.progress,
                    Key=key,
                    **condition_arguments(equals(schema.VERSION, timetable.version)),
                )
        except ClientError as refused:
            # An earlier request may have been carried out and only its answer lost.
            return was_retried(refused.response) and self.get(timetable.timetable_id) is None
        return True

    def drop_templates(self, timetable_id: str) -> None:
        """Removes the templates of a timetable that is gone, at most 100; no error if there are none."""
        partition = schema.timetable_key(timetable_id)
        found = DynamoBatches(self.clients).query(
            self.tables.progress,
            KeyConditionExpression="#id = :id AND begins_with(#part, :prefix)",
            ProjectionExpression="#id, #part",
            ExpressionAttributeNames={"#id": schema.WORKFLOW_ID, "#part": schema.PART},
            ExpressionAttributeValues={":id": {"S": partition}, ":prefix": {"S": schema.TEMPLATE_PREFIX}},
            Limit=_TEMPLATES_DROPPED,
        )
        keys = list(islice(found, _TEMPLATES_DROPPED))
        self.clients.until_each_done("removing templates of a timetable", keys, self._delete)

    def _delete(self, key: Item) -> None:
        with translated("removing a part of a timetable"):
            self.clients.dynamodb.delete_item(TableName=self.tables.progress, Key=key)

    def get(self, timetable_id: str) -> Timetable | None:
        """Returns the timetable by a consistent read, None without one."""
        return self.get_many([timetable_id]).get(timetable_id)

    def get_many(self, timetable_ids: Sequence[str]) -> Mapping[str, Timetable]:
        """Returns the timetables that exist, by id, from consistent reads of up to 100 at once."""
        keys = [_key(schema.TIMETABLES, each) for each in dict.fromkeys(timetable_ids)]
        items = DynamoBatches(self.clients).read(self.tables.progress, keys, consistent=True)
        return {each.timetable_id: each for each in map(timetable_from, items)}

    def page(self, *, limit: int, after: str | None = None) -> TimetablePage:
        """Returns at most `limit` timetables, by id, behind the id `after`. They may be a little old."""
        items, more = self._query(
            {":id": {"S": schema.TIMETABLES}},
            "#id = :id",
            limit=limit,
            start=None if after is None else _key(schema.TIMETABLES, after),
        )
        found = tuple(map(timetable_from, items))
        return TimetablePage(found, found[-1].timetable_id if found and more else None)

    def save_template(self, timetable_id: str, template: Template) -> None:
        """Stores a template under an id that is used once."""
        key = _key(schema.timetable_key(timetable_id), schema.template_part(template.template_id))
        held = encode_item({schema.TEMPLATE: zlib.compress(template.text.encode(), 9)})
        with translated(f"writing the template of timetable {timetable_id}"):
            self.clients.dynamodb.put_item(TableName=self.tables.progress, Item={**key, **held})

    def load_templates(self, timetables: Sequence[Timetable]) -> Mapping[str, Template]:
        """Returns the templates that exist, by their timetables' ids, from consistent reads of up to 100 at once."""
        wanted = {schema.timetable_key(each.timetable_id): each for each in timetables}
        keys = [_key(place, schema.template_part(each.template_id)) for place, each in wanted.items()]
        found = map(
            decode_item, DynamoBatches(self.clients).read(self.tables.progress, keys, consistent=True)
        )
        of = [(wanted[values[schema.WORKFLOW_ID]], bytes(values[schema.TEMPLATE])) for values in found]
        return {
            each.timetable_id: Template(each.template_id, zlib.decompress(packed).decode())
            for each, packed in of
        }

    def drop_template(self, timetable_id: str, template_id: str) -> None:
        """Removes a template; no error if it is gone."""
        self._delete(_key(schema.timetable_key(timetable_id), schema.template_part(template_id)))

    def note_due(self, notes: Sequence[Due]) -> None:
        """Stores notes, over earlier ones of the same timetables and times."""
        items = {(each.at_ms, each.timetable_id): due_item(each) for each in notes}
        self.clients.until_each_done("noting when timetables are due", list(items.values()), self._put)

    def _put(self, item: Item) -> None:
        with translated("noting when a timetable is due"):
            self.clients.dynamodb.put_item(TableName=self.tables.progress, Item=item)

    def drop_due(self, notes: Sequence[Due]) -> None:
        """Removes those of the notes that still stand as they were read."""
        self.clients.until_each_done("removing notes of timetables", list(notes), self._drop_due)

    def _drop_due(self, note: Due) -> None:
        stands = all_of(equals(schema.VERSION, note.version), equals(schema.NOTED_AT, note.noted_ms))
        try:
            with translated("removing the note of a timetable", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.delete_item(
                    TableName=self.tables.progress,
                    Key=_key(schema.TIMETABLES_DUE, schema.due_part(note.at_ms, note.timetable_id)),
                    **condition_arguments(stands),
                )
        except ClientError:
            return  # another process has removed it, or left another one in its place

    def due(self, now_ms: int, *, limit: int) -> Sequence[Due]:
        """Returns at most `limit` notes with a time up to `now_ms`, the earliest first. They may be a little old."""
        # A range key is longer than this beginning of one, so those of `now_ms` itself sort before the next moment.
        values = {":id": {"S": schema.TIMETABLES_DUE}, ":before": {"S": schema.due_part(now_ms + 1, "")}}
        items, _ = self._query(values, "#id = :id AND #part < :before", limit=limit)
        return [due_from(item) for item in items]

    def latest_runs(self, timetable_ids: Sequence[str], *, limit: int) -> Mapping[str, Sequence[Run]]:
        """Returns the latest `limit` runs of each timetable, the latest first, from consistent reads."""

        def of(timetable_id: str) -> Sequence[Run]:
            return self._runs(timetable_id, limit, consistent=True).runs

        wanted = list(dict.fromkeys(timetable_ids))
        return dict(zip(wanted, self.clients.fan_out.map(of, wanted), strict=True))

    def runs(self, timetable_id: str, *, limit: int, after: str | None = None) -> RunPage:
        """Returns at most `limit` runs of a timetable, the latest first, behind the place `after`."""
        return self._runs(timetable_id, limit, after=after)

    def _runs(
        self, timetable_id: str, limit: int, *, after: str | None = None, consistent: bool = False
    ) -> RunPage:
        partition = schema.timetable_key(timetable_id)
        items, more = self._query(
            {":id": {"S": partition}, ":prefix": {"S": schema.RUN_PREFIX}},
            "#id = :id AND begins_with(#part, :prefix)",
            limit=limit,
            start=None if after is None else _key(partition, schema.RUN_PREFIX + after),
            consistent=consistent,
            backwards=True,
        )
        found = tuple(run_from(item) for item in items)
        last = items[-1][schema.PART]["S"].removeprefix(schema.RUN_PREFIX) if items and more else None
        return RunPage(found, last)

    def runs_at(self, timetable_id: str, scheduled_ms: Sequence[int]) -> Mapping[int, Run]:
        """Returns the records of these scheduled times that exist, by their time, from consistent reads."""
        partition = schema.timetable_key(timetable_id)
        keys = [
            _key(partition, schema.run_part(at_ms, is_manual=False)) for at_ms in dict.fromkeys(scheduled_ms)
        ]
        items = DynamoBatches(self.clients).read(self.tables.progress, keys, consistent=True)
        return {each.scheduled_ms: each for each in map(run_from, items)}

    def record(self, runs: Sequence[Run]) -> None:
        """Writes each record unless one stands there. A run that submitted something replaces one that did not."""
        # A batch may not name an item twice.
        unique = {(each.timetable_id, each.scheduled_ms, each.cause is Cause.MANUAL): each for each in runs}
        self.clients.until_each_done("recording runs of timetables", list(unique.values()), self._record)

    def _record(self, run: Run) -> None:
        condition = absent(schema.WORKFLOW_ID)
        if run.outcome is RunOutcome.SUBMITTED:
            condition = any_of(condition, differs(schema.OUTCOME, str(RunOutcome.SUBMITTED)))
        try:
            with translated(f"recording a run of timetable {run.timetable_id}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.put_item(
                    TableName=self.tables.progress, Item=run_item(run), **condition_arguments(condition)
                )
        except ClientError:
            return  # another process, or an earlier try, has recorded the run

    def _query(
        self,
        values: Mapping[str, Any],
        condition: str,
        *,
        limit: int,
        start: Item | None = None,
        consistent: bool = False,
        backwards: bool = False,
    ) -> tuple[Sequence[Item], bool]:
        """Returns at most `limit` items, and whether there may be more behind them."""
        arguments: dict[str, Any] = {} if start is None else {"ExclusiveStartKey": start}
        names = {"#id": schema.WORKFLOW_ID, "#part": schema.PART}
        found = DynamoBatches(self.clients).query(
            self.tables.progress,
            KeyConditionExpression=condition,
            ExpressionAttributeNames={mark: name for mark, name in names.items() if mark in condition},
            ExpressionAttributeValues=values,
            ConsistentRead=consistent,
            ScanIndexForward=not backwards,
            Limit=limit,
            **arguments,
        )
        items = list(islice(found, limit))
        return items, len(items) == limit


def _key(partition: str, part: str) -> Item:
    return {schema.WORKFLOW_ID: {"S": partition}, schema.PART: {"S": part}}
