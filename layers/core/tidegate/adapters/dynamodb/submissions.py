"""The store of workflow submissions and their plans on DynamoDB."""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.calls import compact_json
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, old_item, translated, was_retried
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.codec import JobCodec, job_from_image, judgement_text, judgements_from
from tidegate.adapters.dynamodb.statements import (
    Update,
    absent,
    all_of,
    any_of,
    at_least,
    below,
    condition_arguments,
    equals,
    judged,
    update_arguments,
)
from tidegate.adapters.dynamodb.values import Attribute, Item, Plain, decode_item, encode_item
from tidegate.domain.dependency import DependencyType
from tidegate.domain.errors import NotFound, ServiceUnavailable
from tidegate.domain.job import NEVER_MS, NO_TAGS
from tidegate.domain.months import month_of
from tidegate.domain.submission import DONE_WITH, ExternalEdge, Phase, Submission, SubmissionPlan
from tidegate.domain.verdicts import Judgement
from tidegate.ports import OpenSubmission, Reminder
from tidegate.settings import Tables

_PAGE_BYTES = 300_000  # JSON of one page before compression; an item may hold 400 KB
_TRIES = 3  # writes of an item that is there at one moment and gone at the next
_REMINDER = "reminder#"
_REMINDER_KEPT_SECONDS = 30 * 86_400  # beyond its time; the reaper removes it then, once it works
_PLAN_KEPT_SECONDS = 90 * 86_400  # a committed submission is finished within minutes, once AWS works again


@dataclass(frozen=True, slots=True)
class DynamoSubmissionStore:
    """Stores submissions with their phases; the sparse index `by_open` holds those that are not COMPLETE."""

    clients: AwsClients
    tables: Tables
    codec: JobCodec

    def begin_if_absent(self, submission: Submission) -> Submission | None:
        """Writes a new submission in STAGING and returns None; if its id is in use, returns the existing submission.

        Raises ServiceUnavailable where a submission under the same id keeps appearing and disappearing.
        """
        item = _item_of(submission)
        for _ in range(_TRIES):
            standing, begun = self._put_if_absent(submission.submission_id, item)
            if begun:
                return None
            if standing is not None:
                return standing
        raise ServiceUnavailable(
            f"submission {submission.submission_id} kept appearing and disappearing; send it again"
        )

    def _put_if_absent(self, submission_id: str, item: Item) -> tuple[Submission | None, bool]:
        """Returns the existing submission (None if it is gone again), and True if this one was written."""
        try:
            with translated(f"beginning submission {submission_id}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.put_item(
                    TableName=self.tables.submissions,
                    Item=item,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition_arguments(absent(schema.SUBMISSION_ID)),
                )
        except ClientError as refused:
            standing = old_item(refused) or self._read(
                _key(submission_id), f"reading submission {submission_id}"
            )
            if standing is None:
                return None, False
            # An earlier request may have been carried out and only its answer lost.
            own = was_retried(refused.response) and decode_item(standing) == decode_item(item)
            return submission_from(standing), own
        return None, True

    def get(self, submission_id: str) -> Submission | None:
        """Returns the submission by a consistent read, or None."""
        item = self._read(_key(submission_id), f"reading submission {submission_id}")
        return submission_from(item) if item else None

    def get_many(self, submission_ids: Sequence[str]) -> dict[str, Submission]:
        """Returns the submissions that exist, by id, from consistent reads of up to 100 at once."""
        keys = [_key(submission_id) for submission_id in dict.fromkeys(submission_ids)]
        read = DynamoBatches(self.clients).read(self.tables.submissions, keys, consistent=True)
        return {found.submission_id: found for found in map(submission_from, read)}

    def _read(self, key: Item, what: str) -> Item | None:
        with translated(what):
            answer = self.clients.dynamodb.get_item(
                TableName=self.tables.submissions, Key=key, ConsistentRead=True
            )
        return dict(answer.get("Item") or {}) or None

    def set_phase_if(self, submission_id: str, expected: Phase, to: Phase) -> bool:
        """Changes the phase from `expected` to `to`; returns False if it was not `expected`.

        The phases go from STAGING to COMMITTED or ABANDONED, then to COMPLETE or REMOVED.
        """
        values: dict[str, Plain] = {schema.PHASE: str(to)}
        if to in DONE_WITH:
            values |= {schema.OPEN: None, schema.OPENED_AT: None}
        update = Update(equals(schema.PHASE, str(expected)), values)
        return self._update_if(
            _key(submission_id), update, f"changing the phase of submission {submission_id}"
        )

    def save_plan(self, submission_id: str, plan: SubmissionPlan) -> None:
        """Stores the plan, over one that an earlier request left.

        Each page is complete in itself, and two requests for the same submission divide the plan in the same way. So
        pages of both, mixed, still make one plan.
        """
        expires_at_s = self.clients.clock.now_ms() // 1_000 + _PLAN_KEPT_SECONDS
        pages = list(_pages(self._lines(plan)))
        items: list[Item] = []
        for number, lines in enumerate(pages):
            text = "\n".join(lines)
            values: dict[str, Plain] = {
                schema.PAGE: number,
                schema.PAGES: len(pages) if number == 0 else None,
                schema.PLAN: zlib.compress(text.encode()),
                schema.EXPIRES_AT: expires_at_s,
            }
            items.append({**_key(submission_id), **encode_item(values)})
        # Pages go one by one, because a batch may not exceed 16 MB, and most plans have one page.
        self.clients.until_each_done("saving a plan", items, self._put_page)

    def load_plan(self, submission_id: str) -> SubmissionPlan:
        """Returns the plan; raises NotFound if none was saved."""
        items = list(
            DynamoBatches(self.clients).query(
                self.tables.submission_plans,
                KeyConditionExpression="#id = :id",
                ExpressionAttributeNames={"#id": schema.SUBMISSION_ID},
                ExpressionAttributeValues={":id": {"S": submission_id}},
                ConsistentRead=True,
            )
        )
        pages = [decode_item(item) for item in items]
        count = pages[0].get(schema.PAGES, 0) if pages else 0
        if not pages or len(pages) < count:
            raise NotFound("plan of submission", submission_id)
        records = [
            json.loads(line)
            for page in pages[:count]
            for line in zlib.decompress(bytes(page[schema.PLAN])).decode().split("\n")
            if line
        ]
        return SubmissionPlan(
            roots=tuple(job_from_image(record["root"]) for record in records if "root" in record),
            edges=tuple(_edge_from(record["edge"]) for record in records if "edge" in record),
        )

    def list_open(
        self, *, opened_before_ms: int, limit: int, after: OpenSubmission | None = None
    ) -> tuple[OpenSubmission, ...]:
        """Returns at most `limit` open submissions, begun before `opened_before_ms`, after the submission `after`."""
        if after is not None and after.opened_at_ms >= opened_before_ms:
            return ()  # DynamoDB refuses a start key outside of the key condition
        found = self._in_open_index(
            schema.OPEN_MARK,
            opened_before_ms,
            limit,
            None if after is None else (after.opened_at_ms, after.submission_id),
        )
        return tuple(OpenSubmission(at_ms, item_id) for at_ms, item_id in found)

    def _in_open_index(
        self, mark: str, before_ms: int, limit: int, after: tuple[int, str] | None
    ) -> list[tuple[int, str]]:
        """Returns the times and ids of at most `limit` items with this mark and a time before `before_ms`."""
        start: dict[str, Any] = {}
        if after is not None:
            start["ExclusiveStartKey"] = {
                **_key(after[1]),
                schema.OPEN: {"S": mark},
                schema.OPENED_AT: {"N": str(after[0])},
            }
        found = DynamoBatches(self.clients).query(
            self.tables.submissions,
            IndexName=schema.OPEN_INDEX,
            KeyConditionExpression="#open = :open AND #opened_at < :before",
            ExpressionAttributeNames={"#open": schema.OPEN, "#opened_at": schema.OPENED_AT},
            ExpressionAttributeValues={":open": {"S": mark}, ":before": {"N": str(before_ms)}},
            Limit=limit,
            **start,
        )
        return [
            (int(item[schema.OPENED_AT]["N"]), item[schema.SUBMISSION_ID]["S"])
            for item in itertools.islice(found, limit)
        ]

    def set_finish_by_if(
        self, submission: Submission, finish_by_ms: int | None, judgements: Sequence[Judgement]
    ) -> bool:
        """Sets a workflow's time to finish by, with the judgements about it, if both are as in `submission`."""
        condition = judged(submission.finish_by_ms, judgement_text(submission.judgements))
        update = Update(
            condition, {schema.FINISH_BY: finish_by_ms, schema.JUDGEMENTS: judgement_text(judgements)}
        )
        what = f"setting the time of submission {submission.submission_id}"
        return self._update_if(_key(submission.submission_id), update, what)

    def remind(self, reminder: Reminder, now_ms: int) -> None:
        """Stores a reminder, and dates it by `now_ms`. An earlier time of the reminder that stands there stays.

        Costs a second write where there is an earlier one. Raises ServiceUnavailable where the reminder keeps appearing
        and disappearing.
        """
        what = f"storing the reminder of submission {reminder.submission_id}"
        dated: dict[str, Plain] = {
            schema.REMINDED_AT: now_ms,
            schema.EXPIRES_AT: max(now_ms, reminder.at_ms) // 1_000 + _REMINDER_KEPT_SECONDS,
        }
        # The earlier reminder is dated anew, or the reaper might remove it before the new time is written.
        keeping = Update(below(schema.OPENED_AT, reminder.at_ms), dated)
        for _ in range(_TRIES):
            if self._remind_if_earliest(reminder, dated, what):
                return
            if self._update_if(_reminder_key(reminder.submission_id), keeping, what):
                return
        raise ServiceUnavailable(
            f"the reminder of submission {reminder.submission_id} kept changing; send the request again"
        )

    def _remind_if_earliest(self, reminder: Reminder, dated: Mapping[str, Plain], what: str) -> bool:
        """Writes a reminder unless one with an earlier time stands there. A repeated write is as good as one."""
        values: dict[str, Plain] = {
            schema.OPEN: schema.REMIND_MARK,
            schema.OPENED_AT: reminder.at_ms,
            **dated,
        }
        try:
            with translated(what, passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.submissions,
                    Key=_reminder_key(reminder.submission_id),
                    **update_arguments(
                        "SET " + ", ".join(f"#{name} = ?" for name in values),
                        list(values.values()),
                        any_of(absent(schema.OPENED_AT), at_least(schema.OPENED_AT, reminder.at_ms)),
                    ),
                )
        except ClientError:
            return False
        return True

    def list_reminders(self, *, limit: int, after: Reminder | None = None) -> tuple[Reminder, ...]:
        """Returns at most `limit` reminders, the next time first, behind the reminder `after`."""
        start = None if after is None else (after.at_ms, _reminder_id(after.submission_id))
        found = self._in_open_index(schema.REMIND_MARK, NEVER_MS, limit, start)
        return tuple(Reminder(at_ms, item_id.removeprefix(_REMINDER)) for at_ms, item_id in found)

    def change_reminder_if(self, reminder: Reminder, to_ms: int | None, *, dated_before_ms: int) -> bool:
        """Gives a reminder another time, or removes it for None, if it has this time and is not dated later."""
        condition = all_of(
            equals(schema.OPENED_AT, reminder.at_ms), below(schema.REMINDED_AT, dated_before_ms)
        )
        values: dict[str, Plain] = {schema.OPENED_AT: to_ms}
        if to_ms is None:
            # Out of the index it is no reminder any more. DynamoDB removes the item at a time of its own.
            values |= {schema.OPEN: None, schema.EXPIRES_AT: dated_before_ms // 1_000}
        else:
            values[schema.EXPIRES_AT] = to_ms // 1_000 + _REMINDER_KEPT_SECONDS
        update = Update(condition, values)
        what = f"changing the reminder of submission {reminder.submission_id}"
        return self._update_if(_reminder_key(reminder.submission_id), update, what)

    def _update_if(self, key: Item, update: Update, what: str) -> bool:
        """Writes an update; returns False if its condition does not hold."""
        try:
            with translated(what, passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.submissions,
                    Key=key,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **update.render(schema.SUBMISSION_ID),
                )
        except ClientError as refused:
            if not was_retried(refused.response):
                return False
            # An earlier request may have been carried out and only its answer lost. If another actor wrote the same, it
            # does no harm, because the caller's next steps are safe to repeat.
            standing = decode_item(old_item(refused) or self._read(key, what) or {})
            return bool(standing) and all(standing.get(name) == new for name, new in update.values.items())
        return True

    def _put_page(self, item: Item) -> None:
        with translated(f"writing to {self.tables.submission_plans}"):
            self.clients.dynamodb.put_item(TableName=self.tables.submission_plans, Item=item)

    def _lines(self, plan: SubmissionPlan) -> Iterator[str]:
        for root in plan.roots:
            yield compact_json({"root": self.codec.whole_item(root)})
        for edge in plan.edges:
            yield compact_json({"edge": [edge.upstream_id, edge.downstream_id, edge.ordinal, str(edge.type)]})


def _pages(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yields the lines in pages of bounded size; at least one page."""
    page: list[str] = []
    size = 0
    for line in lines:
        if page and size + len(line) > _PAGE_BYTES:
            yield page
            page, size = [], 0
        page.append(line)
        size += len(line)
    yield page


def _edge_from(fields: Iterable[Any]) -> ExternalEdge:
    upstream_id, downstream_id, ordinal, kind = fields
    return ExternalEdge(upstream_id, downstream_id, ordinal, DependencyType(kind))


def _reminder_id(submission_id: str) -> str:
    return f"{_REMINDER}{submission_id}"


def _reminder_key(submission_id: str) -> Item:
    return _key(_reminder_id(submission_id))


def _key(submission_id: str) -> Item:
    return {schema.SUBMISSION_ID: {"S": submission_id}}


def _item_of(submission: Submission) -> Item:
    return encode_item(
        {
            schema.SUBMISSION_ID: submission.submission_id,
            schema.PHASE: str(submission.phase),
            schema.JOB_COUNT: submission.job_count,
            schema.FINGERPRINT: submission.fingerprint,
            schema.CREATED_AT: submission.created_at_ms,
            schema.NAME: submission.name,
            schema.SUBMITTED_BY: submission.submitted_by,
            schema.NAMESPACE: submission.namespace,
            schema.TAGS: dict(submission.tags) or None,
            schema.MONTH: month_of(submission.created_at_ms),
            schema.CRITICAL_PATH_SECONDS: submission.critical_path_seconds,
            schema.USUAL_ESTIMATES: dict(submission.usual_estimates) or None,
            schema.FINISH_BY: submission.finish_by_ms,
            schema.JUDGEMENTS: judgement_text(submission.judgements),
            schema.OPEN: None if submission.phase is Phase.COMPLETE else schema.OPEN_MARK,
            schema.OPENED_AT: None if submission.phase is Phase.COMPLETE else submission.created_at_ms,
            schema.EXPIRES_AT: submission.expires_at_s,
            schema.ON_HOLD: submission.on_hold or None,
        }
    )


def submission_from(item: Mapping[str, Attribute]) -> Submission:
    """Returns the submission that an item of the Submissions table holds."""
    values = decode_item(item)
    return Submission(
        submission_id=values[schema.SUBMISSION_ID],
        phase=Phase(values[schema.PHASE]),
        job_count=values[schema.JOB_COUNT],
        fingerprint=values[schema.FINGERPRINT],
        created_at_ms=values[schema.CREATED_AT],
        name=values.get(schema.NAME),
        submitted_by=values.get(schema.SUBMITTED_BY),
        namespace=values.get(schema.NAMESPACE),
        tags=values.get(schema.TAGS, NO_TAGS),
        critical_path_seconds=_float(values.get(schema.CRITICAL_PATH_SECONDS)),
        usual_estimates={
            job_type: float(seconds) for job_type, seconds in values.get(schema.USUAL_ESTIMATES, {}).items()
        },
        finish_by_ms=values.get(schema.FINISH_BY),
        judgements=judgements_from(values.get(schema.JUDGEMENTS)),
        expires_at_s=values.get(schema.EXPIRES_AT),
        on_hold=values.get(schema.ON_HOLD, False),
    )


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)
