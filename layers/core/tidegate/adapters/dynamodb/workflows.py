"""Workflows by the time of their creation, on the Submissions table."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.statements import Update, absent, any_of, below, present
from tidegate.adapters.dynamodb.submissions import submission_from
from tidegate.adapters.dynamodb.values import Attribute, Plain, decode_item
from tidegate.domain.progress import Summary, WorkflowState
from tidegate.domain.states import State
from tidegate.ports import WorkflowEntry, WorkflowRecord
from tidegate.settings import Tables


@dataclass(frozen=True, slots=True)
class DynamoWorkflowStore:
    """Reads submissions through the index `by_month`, and notes summaries; see ports.WorkflowStore."""

    clients: AwsClients
    tables: Tables

    def page(
        self, month: str, *, limit: int, from_ms: int, to_ms: int, after: WorkflowEntry | None = None
    ) -> tuple[WorkflowEntry, ...]:
        """Returns at most `limit` workflows of a month, newest first, created from `from_ms` to `to_ms`."""
        start: dict[str, Any] = {}
        if after is not None:
            if not from_ms <= after.created_at_ms <= to_ms:
                return ()  # DynamoDB refuses a start key outside of the key condition
            start["ExclusiveStartKey"] = {
                schema.SUBMISSION_ID: {"S": after.workflow_id},
                schema.MONTH: {"S": month},
                schema.CREATED_AT: {"N": str(after.created_at_ms)},
            }
        found = DynamoBatches(self.clients).query(
            self.tables.submissions,
            IndexName=schema.MONTH_INDEX,
            KeyConditionExpression="#month = :month AND #created_at <= :to",
            ExpressionAttributeNames={"#month": schema.MONTH, "#created_at": schema.CREATED_AT},
            ExpressionAttributeValues={
                ":month": {"S": month},
                ":to": {"N": str(to_ms)},
            },
            ScanIndexForward=False,
            Limit=limit,
            **start,
        )
        entries = (
            WorkflowEntry(int(item[schema.CREATED_AT]["N"]), item[schema.SUBMISSION_ID]["S"])
            for item in itertools.islice(found, limit)
        )
        return tuple(itertools.takewhile(lambda entry: entry.created_at_ms >= from_ms, entries))

    def get_many(self, workflow_ids: Sequence[str], *, consistent: bool = False) -> dict[str, WorkflowRecord]:
        """Returns the workflows that exist, by id."""
        keys = [{schema.SUBMISSION_ID: {"S": workflow_id}} for workflow_id in workflow_ids]
        items = DynamoBatches(self.clients).read(self.tables.submissions, keys, consistent=consistent)
        return {item[schema.SUBMISSION_ID]["S"]: workflow_from(item) for item in items}

    def note_if_newer(self, workflow_id: str, summary: Summary) -> bool:
        """Stores the summary, unless one of the same or a later version is stored. Returns whether it did.

        The summary of a workflow that has ended also takes the mark of `mark_hold_if_present` away.
        """
        noted: dict[str, Plain] = {
            "state": str(summary.state),
            "counts": {str(state): count for state, count in summary.counts.items()},
            **({} if summary.started_at_ms is None else {"started_at": summary.started_at_ms}),
            **({} if summary.ended_at_ms is None else {"ended_at": summary.ended_at_ms}),
        }
        is_newer = any_of(absent(schema.SUMMARY_VERSION), below(schema.SUMMARY_VERSION, summary.version))
        values: dict[str, Plain] = {schema.SUMMARY: noted, schema.SUMMARY_VERSION: summary.version}
        if summary.state is not WorkflowState.RUNNING:
            values[schema.ON_HOLD] = None
        return self._write(workflow_id, Update(is_newer, values))

    def mark_hold_if_present(self, workflow_id: str, *, on_hold: bool) -> bool:
        """Marks that the whole workflow is on hold, or no longer. Returns False if the workflow is gone."""
        return self._write(workflow_id, Update(present(schema.PHASE), {schema.ON_HOLD: on_hold or None}))

    def _write(self, workflow_id: str, update: Update) -> bool:
        """Writes to the record of a workflow; returns False where the condition does not hold."""
        try:
            with translated(f"noting how {workflow_id} stands", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.submissions,
                    Key={schema.SUBMISSION_ID: {"S": workflow_id}},
                    **update.render(schema.SUBMISSION_ID),
                )
        except ClientError:
            return False
        return True


def workflow_from(item: Mapping[str, Attribute]) -> WorkflowRecord:
    """Returns the workflow that an item of Submissions holds. Raises KeyError for an item that holds none."""
    return WorkflowRecord(submission_from(item), _summary_from(decode_item(item)))


def _summary_from(values: Mapping[str, Any]) -> Summary | None:
    noted = values.get(schema.SUMMARY)
    if noted is None:
        return None
    return Summary(
        WorkflowState(noted["state"]),
        values[schema.SUMMARY_VERSION],
        {State(state): count for state, count in noted["counts"].items()},
        noted.get("started_at"),
        noted.get("ended_at"),
    )
