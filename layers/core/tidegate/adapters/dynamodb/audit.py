"""The audit trail on DynamoDB. Its entries are only ever put.

An act has two entries, because nothing may update the first one. `<act id>#0` says what was asked for, and by whom.
`<act id>#1` says what became of it. Only the first kind is in the indexes.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.calls import compact_json
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.statements import absent, condition_arguments
from tidegate.adapters.dynamodb.values import Item, Plain, decode_item, encode_item
from tidegate.domain.audit import Act, AuditSearch, Outcome, SearchBy, day_of
from tidegate.domain.callers import Caller, CallerKind
from tidegate.domain.ids import first_ulid
from tidegate.settings import Tables

_INDEXES = {SearchBy.CALLER: schema.AUDIT_CALLER_INDEX, SearchBy.DAY: schema.AUDIT_DAY_INDEX}
_HASHES = {
    SearchBy.SUBJECT: schema.SUBJECT,
    SearchBy.CALLER: schema.AUDIT_CALLER,
    SearchBy.DAY: schema.AUDIT_DAY,
}
_ENTRIES_OF_AN_ACT = 2


@dataclass(frozen=True, slots=True)
class DynamoAuditTrail:
    """Stores acts in the Audit table for `retention_seconds`; see ports.AuditTrail."""

    clients: AwsClients
    tables: Tables
    retention_seconds: int

    def ask(self, act: Act) -> None:
        """Stores the first entry of an act."""
        self._put(
            act,
            0,
            {
                schema.AUDIT_CALLER: act.caller.subject or None,
                schema.AUDIT_DAY: day_of(act.at_ms),
                schema.AUDIT_ACT: act.act,
                schema.AUDIT_ROUTE: act.route,
                schema.AUDIT_AT: act.at_ms,
                schema.AUDIT_DISPLAY: act.caller.display,
                schema.AUDIT_KIND: str(act.caller.kind),
            },
        )

    def conclude(self, act: Act) -> None:
        """Stores the second entry of an act."""
        self._put(
            act,
            1,
            {
                schema.AUDIT_OUTCOME: str(act.outcome),
                schema.AUDIT_AT: act.ended_at_ms,
                schema.AUDIT_CODE: act.code,
                schema.AUDIT_BEFORE: compact_json(dict(act.before)) if act.before else None,
                schema.AUDIT_AFTER: compact_json(dict(act.after)) if act.after else None,
            },
        )

    def _put(self, act: Act, number: int, values: Mapping[str, Plain]) -> None:
        expires = {schema.EXPIRES_AT: act.at_ms // 1_000 + self.retention_seconds}
        try:
            with translated("writing to the audit trail", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.put_item(
                    TableName=self.tables.audit,
                    Item={**_key(act.subject, act.act_id, number), **encode_item({**values, **expires})},
                    **condition_arguments(absent(schema.SUBJECT)),
                )
        except ClientError:
            pass  # the id is new, so this very entry stands there: its first answer was lost

    def page(self, search: AuditSearch, *, limit: int, before: str | None = None) -> tuple[Act, ...]:
        """Returns acts, newest first, with their outcomes."""
        low, high = first_ulid(search.since_ms), before or first_ulid(search.until_ms)
        if low > high:
            return ()  # DynamoDB refuses such bounds
        of_subject = search.by is SearchBy.SUBJECT
        # One entry more than two for each act: it shows that the last act is whole.
        count = _ENTRIES_OF_AN_ACT * limit + 1 if of_subject else limit
        found = DynamoBatches(self.clients).query(
            self.tables.audit,
            **({"ConsistentRead": True} if of_subject else {"IndexName": _INDEXES[search.by]}),
            KeyConditionExpression="#hash = :hash AND #entry BETWEEN :low AND :high",
            ExpressionAttributeNames={"#hash": _HASHES[search.by], "#entry": schema.ENTRY},
            ExpressionAttributeValues={
                ":hash": {"S": search.value},
                ":low": {"S": low},
                ":high": {"S": high},
            },
            ScanIndexForward=False,
            Limit=count,
        )
        entries = list(itertools.islice(found, count))
        if not of_subject:
            entries += self._outcomes_of(entries)
        return _acts_from(entries)[:limit]

    def _outcomes_of(self, entries: Iterable[Item]) -> list[Item]:
        keys = [_key(entry[schema.SUBJECT]["S"], _act_id(entry), 1) for entry in entries]
        return DynamoBatches(self.clients).read(self.tables.audit, keys)


def _acts_from(entries: Iterable[Item]) -> tuple[Act, ...]:
    asked: dict[str, Act] = {}
    outcomes: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        values = decode_item(entry)
        if schema.AUDIT_ACT in values:
            asked[_act_id(entry)] = _act_from(_act_id(entry), values)
        else:
            outcomes[_act_id(entry)] = values
    return tuple(_concluded(asked[act_id], outcomes.get(act_id)) for act_id in sorted(asked, reverse=True))


def _act_from(act_id: str, values: Mapping[str, Any]) -> Act:
    return Act(
        act_id=act_id,
        at_ms=values[schema.AUDIT_AT],
        subject=values[schema.SUBJECT],
        act=values[schema.AUDIT_ACT],
        route=values[schema.AUDIT_ROUTE],
        caller=Caller(
            values.get(schema.AUDIT_CALLER, ""),
            values[schema.AUDIT_DISPLAY],
            CallerKind(values[schema.AUDIT_KIND]),
        ),
    )


def _concluded(act: Act, values: Mapping[str, Any] | None) -> Act:
    if values is None:
        return act
    return replace(
        act,
        outcome=Outcome(values[schema.AUDIT_OUTCOME]),
        ended_at_ms=values[schema.AUDIT_AT],
        code=values.get(schema.AUDIT_CODE),
        before=json.loads(values.get(schema.AUDIT_BEFORE, "{}")),
        after=json.loads(values.get(schema.AUDIT_AFTER, "{}")),
    )


def _act_id(entry: Item) -> str:
    text: str = entry[schema.ENTRY]["S"]
    return text.partition("#")[0]


def _key(subject: str, act_id: str, number: int) -> Item:
    return encode_item({schema.SUBJECT: subject, schema.ENTRY: f"{act_id}#{number}"})
