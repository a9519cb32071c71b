"""Applies transitions to jobs on DynamoDB: one as an UpdateItem, many as batches of PartiQL statements.

A statement of a batch that its condition refused returns no item. So the jobs of all refused statements of a batch
are read by one consistent BatchGetItem, which shows why each was refused
(docs/decisions/0019-refusals-are-judged-by-one-read.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.calls import chunks
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.effort import Effort
from tidegate.adapters.aws.errors import (
    CONDITION_FAILED,
    CONDITION_FAILED_IN_STATEMENT,
    INVALID_CALL,
    INVALID_STATEMENT,
    TRANSIENT_CODES,
    Throttled,
    old_item,
    translated,
    was_retried,
)
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import STATEMENTS_PER_CALL, DynamoBatches
from tidegate.adapters.dynamodb.codec import JobCodec, job_from_image
from tidegate.adapters.dynamodb.retries import was_carried_out
from tidegate.adapters.dynamodb.statements import Update
from tidegate.adapters.dynamodb.updates import update_of
from tidegate.adapters.dynamodb.values import Item
from tidegate.domain.errors import NotFound, ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.transitions import OfKnownJob, Transition, TransitionRefused
from tidegate.ports import TransitionOutcome

_CALLS = 3  # calls for one job that keeps changing between a refusal and the read that shows why
_LOOK_SECONDS = 1.0  # granted to the read after a refusal, even when the operation's time is over


@dataclass(slots=True)
class _Write:
    """One transition of the job `job_id` on its way, open until it has an outcome.

    `resent` says that an earlier request may already have carried it out before the latest one was sent.
    """

    job_id: str
    transition: Transition
    update: Update
    statement: Mapping[str, Any] | None
    resent: bool = False
    outcome: TransitionOutcome | None = None

    @property
    def key(self) -> Item:
        """The key of the job's item."""
        return {schema.JOB_ID: {"S": self.job_id}}


@dataclass(frozen=True, slots=True)
class TransitionWriter:
    """Applies transitions to the jobs of `table`, each under the transition's own condition."""

    clients: AwsClients
    table: str
    codec: JobCodec

    def apply(self, transition: Transition) -> Job:
        """Carries out one transition as one UpdateItem; returns the job after it.

        Only the client repeats a request that AWS refuses for load, because a heartbeat may not wait longer than
        that. Raises TransitionRefused, NotFound, ServiceUnavailable or ServiceRefused.
        """
        write = self._prepared(transition, is_alone=True)
        self._call_until_settled(write, self.clients.effort())
        if not isinstance(write.outcome, Job):
            raise write.outcome or _kept_changing(write)
        return write.outcome

    def apply_all(self, transitions: Sequence[Transition]) -> list[TransitionOutcome]:
        """Carries out many transitions, 25 to a request; returns their outcomes in the same order.

        An outcome is the job after the transition, or the error. Transitions of the same job are carried out in their
        order.
        """
        writes = [self._prepared(transition, is_alone=len(transitions) == 1) for transition in transitions]
        effort = self.clients.effort()
        if len(writes) == 1:
            self._call(effort, writes[0])
        else:
            for wave in _waves(writes):
                self._carry_out_wave(effort, wave)
        return [write.outcome for write in writes if write.outcome is not None]

    def _prepared(self, transition: Transition, *, is_alone: bool) -> _Write:
        job_id, update = transition.job_id, update_of(self.codec, transition)
        # A transition that is alone becomes an UpdateItem, so it needs no statement.
        statement = None if is_alone else update.statement(self.table, schema.JOB_ID, job_id)
        return _Write(job_id, transition, update, statement)

    # --- many in a request -----------------------------------------------------------------------
    def _carry_out_wave(self, effort: Effort, wave: Sequence[_Write]) -> None:
        """Sends the statements in batches, and what can't be stated or is still open afterwards in calls of its own."""
        stated = [write for write in wave if write.statement is not None]
        called = [[write] for write in wave if write.statement is None]
        self.clients.fan_out.map(
            partial(self._carry_out, effort), [*chunks(stated, STATEMENTS_PER_CALL), *called]
        )
        # PartiQL may not support a statement, and a refused job may turn out to permit it: these go one by one.
        self.clients.fan_out.map(
            partial(self._call, effort), [write for write in wave if write.outcome is None]
        )

    def _carry_out(self, effort: Effort, writes: Sequence[_Write]) -> None:
        """Sends a batch and finds out why statements were refused.

        A write that is still open needs a call of its own.
        """
        if len(writes) == 1:
            self._call(effort, writes[0])
            return
        refused: list[_Write] = []
        left = writes

        def attempt(these: Sequence[_Write]) -> Sequence[_Write]:
            nonlocal left
            left = these
            left = self._send(these, refused)
            return left

        try:
            self.clients.until_all_done("writing transitions", writes, attempt, effort)
        except (ServiceUnavailable, ServiceRefused) as error:
            for write in left:
                write.outcome = error
        self._judge_by_one_read(refused, effort)

    def _send(self, writes: Sequence[_Write], refused: list[_Write]) -> list[_Write]:
        """Sends one batch; returns the writes that AWS refused for load.

        Adds the writes that their condition refused to `refused`.
        """
        statements: Any = [write.statement for write in writes]
        try:
            with translated(f"writing {len(writes)} jobs in {self.table}", passing=(INVALID_CALL,)):
                answer = self.clients.dynamodb.batch_execute_statement(Statements=statements)
        except Throttled:
            for write in writes:
                write.resent = True  # the latest request did nothing, but an earlier one may have
            raise
        except ClientError:
            return []  # DynamoDB did not understand the batch and wrote nothing, so its writes go one by one
        resent = was_retried(answer)
        left = []
        for write, response in zip(writes, answer["Responses"], strict=True):
            write.resent = write.resent or resent
            code = response.get("Error", {}).get("Code")
            if code == CONDITION_FAILED_IN_STATEMENT:
                refused.append(write)
            elif code in TRANSIENT_CODES:
                write.resent = True  # with some of these codes the write may have happened
                left.append(write)
            else:
                self._settle(write, response)
        return left

    def _settle(self, write: _Write, response: Mapping[str, Any]) -> None:
        """Takes a statement's answer as the write's outcome.

        Leaves the write open where a call of its own has to decide.
        """
        error = response.get("Error", {})
        code = error.get("Code")
        if code is None and "Item" in response:
            write.outcome = _job_or_refusal(response["Item"])
        elif code is None:
            write.resent = True  # carried out, but the answer has no item: its own call returns the job
        elif code != INVALID_STATEMENT:
            write.outcome = ServiceRefused(
                f"writing job {write.job_id} was refused ({code}: {error.get('Message', '')}); "
                "check the permissions, names and sizes of this deployment"
            )

    # --- one in a request ------------------------------------------------------------------------
    def _call(self, effort: Effort, write: _Write) -> None:
        """Carries out one of many writes; repeats it while AWS refuses it for load, until the effort's time is over."""

        def attempt(_: Sequence[_Write]) -> Sequence[_Write]:
            self._call_until_settled(write, effort)
            return ()

        try:
            self.clients.until_all_done(f"writing job {write.job_id}", [write], attempt, effort)
        except (ServiceUnavailable, ServiceRefused) as error:
            write.outcome = error
            return
        if write.outcome is None:
            write.outcome = _kept_changing(write)

    def _call_until_settled(self, write: _Write, effort: Effort) -> None:
        """Calls again, at most 3 times, where the job changed meanwhile; the write may still be open afterwards."""
        for _ in range(_CALLS):
            self._call_once(write, effort)
            if write.outcome is not None:
                return

    def _call_once(self, write: _Write, effort: Effort) -> None:
        try:
            with translated(f"writing job {write.job_id}", passing=(CONDITION_FAILED,)):
                answer = self.clients.dynamodb.update_item(
                    TableName=self.table,
                    Key=write.key,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **write.update.render(schema.JOB_ID),
                )
        except Throttled:
            write.resent = True  # the latest request did nothing, but an earlier one may have
            raise
        except ClientError as refused:
            write.resent = write.resent or was_retried(refused.response)
            item = old_item(refused)
            if item is None:  # a refusal may come without the item although the item exists
                self._judge_by_one_read([write], effort)
            else:
                self._judge(write, item)
            return
        write.outcome = _job_or_refusal(answer["Attributes"])

    # --- refusals --------------------------------------------------------------------------------
    def _judge_by_one_read(self, refused: Sequence[_Write], effort: Effort) -> None:
        """Finds out why writes were refused, by one consistent read of all their jobs; their refusals brought no item.

        The read has the rest of the operation's time. It uses a pace of its own, because its caller may hold the
        operation's pace and would wait for itself.
        """
        if not refused:
            return
        rest = self.clients.effort(max(_LOOK_SECONDS, effort.left_seconds()))
        try:
            items = DynamoBatches(self.clients).read(
                self.table, [write.key for write in refused], consistent=True, effort=rest
            )
        except (ServiceUnavailable, ServiceRefused) as error:
            for write in refused:
                write.outcome = error
            return
        standing = {item[schema.JOB_ID]["S"]: item for item in items}
        for write in refused:
            self._judge(write, standing.get(write.job_id))

    def _judge(self, write: _Write, item: Item | None) -> None:
        """Decides by the current item why a write was refused; `item` is None where a consistent read found none.

        The read comes after the refusal, and the job known before it may have been old. So the job may permit the
        transition after all. The write then stays open, as a transition of the job as it is now.
        """
        if item is None:
            write.outcome = NotFound("job", write.job_id)
            return
        try:
            job = job_from_image(item)
            if write.resent and was_carried_out(write.transition, write.update, item, job):
                write.outcome = job
                return
            write.transition.apply(job)  # raises with the reason
        except (TransitionRefused, ServiceRefused) as error:
            write.outcome = error
            return
        if isinstance(write.transition, OfKnownJob):
            write.transition = replace(write.transition, job=job)
            write.update = update_of(self.codec, write.transition)


def _kept_changing(write: _Write) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"job {write.job_id} kept changing while its transition was written; repeat it in a moment"
    )


def _job_or_refusal(item: Item) -> TransitionOutcome:
    try:
        return job_from_image(item)
    except ServiceRefused as error:
        return error


def _waves(writes: Iterable[_Write]) -> list[list[_Write]]:
    """Returns the writes in waves that name each job at most once, because a batch may not name an item twice."""
    waves: list[list[_Write]] = []
    earlier: Counter[str] = Counter()
    for write in writes:
        number = earlier[write.job_id]
        earlier[write.job_id] += 1
        if number == len(waves):
            waves.append([])
        waves[number].append(write)
    return waves
