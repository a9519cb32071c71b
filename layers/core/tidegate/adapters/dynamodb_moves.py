"""Transitions carried out on DynamoDB: one as an UpdateItem, many as batches of statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters import dynamodb_schema as schema
from tidegate.adapters.aws_clients import AwsClients
from tidegate.adapters.aws_effort import Effort
from tidegate.adapters.aws_errors import (
    CONDITION_FAILED,
    CONDITION_FAILED_IN_STATEMENT,
    INVALID_STATEMENT,
    TRANSIENT_CODES,
    Throttled,
    old_item,
    translated,
    was_retried,
)
from tidegate.adapters.dynamodb_batches import STATEMENTS_PER_CALL, chunks
from tidegate.adapters.dynamodb_conditions import Change
from tidegate.adapters.dynamodb_items import JobCodec, job_from_image
from tidegate.adapters.dynamodb_transitions import change_of
from tidegate.adapters.dynamodb_values import Item, encode
from tidegate.domain.errors import DependencyUnavailable, NotFound, ServiceRefused, TransitionRefused
from tidegate.domain.job import Job
from tidegate.domain.transitions import ReadyIfDue, ReadyIfWaitingOnlyOn, Transition
from tidegate.ports import MoveOutcome

_STALE_TRIES = 3


@dataclass(slots=True)
class _Move:
    """One transition on its way. `resent` says that it may have been carried out before it was sent last."""

    transition: Transition
    change: Change
    statement: Mapping[str, Any] | None
    resent: bool = False
    outcome: MoveOutcome | None = None


@dataclass(frozen=True, slots=True)
class DynamoMoves:
    """Moves jobs in `table`, each under its transition's own condition."""

    clients: AwsClients
    table: str
    codec: JobCodec

    def move(self, transition: Transition) -> Job:
        """Carries out one transition as one UpdateItem; returns the job after it.

        Raises TransitionRefused, NotFound, DependencyUnavailable or ServiceRefused.
        """
        return self._call(transition, change_of(self.codec, transition), _STALE_TRIES)

    def move_all(self, transitions: Sequence[Transition]) -> list[MoveOutcome]:
        """Carries out many transitions, 25 to a request; outcomes in the same order.

        Those of one job are carried out in their order.
        """
        moves = [self._prepared(transition) for transition in transitions]
        effort = self.clients.effort()
        for wave in _waves(moves):
            stated = [move for move in wave if move.statement is not None]
            called = [[move] for move in wave if move.statement is None]
            self.clients.fan_out.map(
                partial(self._carry_out, effort), [*chunks(stated, STATEMENTS_PER_CALL), *called]
            )
        return [move.outcome for move in moves if move.outcome is not None]

    def _prepared(self, transition: Transition) -> _Move:
        change = change_of(self.codec, transition)
        return _Move(transition, change, change.statement(self.table, schema.JOB_ID, transition.job_id))

    def _carry_out(self, effort: Effort, moves: Sequence[_Move]) -> None:
        if len(moves) == 1:
            self._call_in_place(moves[0])
            return
        try:
            self.clients.until_all_done("moving jobs", moves, self._send, effort)
        except (DependencyUnavailable, ServiceRefused) as error:
            for move in moves:
                move.outcome = move.outcome or error

    # --- many in a request -----------------------------------------------------------------------
    def _send(self, moves: Sequence[_Move]) -> list[_Move]:
        """Sends one batch; returns the moves that were refused for load."""
        statements: Any = [move.statement for move in moves]
        try:
            with translated(f"moving {len(moves)} jobs in {self.table}"):
                answer = self.clients.dynamodb.batch_execute_statement(Statements=statements)
        except Throttled:
            for move in moves:
                move.resent = True  # the latest try did nothing, but the client may have tried more than once
            raise
        resent = was_retried(answer)
        left = []
        for move, response in zip(moves, answer["Responses"], strict=True):
            move.resent = move.resent or resent
            if not self._settle(move, response):
                move.resent = True  # some of these codes don't say that nothing was written
                left.append(move)
        return left

    def _settle(self, move: _Move, response: Mapping[str, Any]) -> bool:
        """Takes a statement's answer for the move's outcome; False where it must be sent again."""
        error = response.get("Error", {})
        code = error.get("Code")
        if code is None and "Item" in response:
            move.outcome = _job_or_refusal(response["Item"])
        elif code is None:
            move.resent = True  # carried out, but how the job stands now is left for the call to tell
            self._call_in_place(move)
        elif code in TRANSIENT_CODES:
            return False
        elif code == INVALID_STATEMENT:
            self._call_in_place(move)  # PartiQL may know less than is documented
        elif code == CONDITION_FAILED_IN_STATEMENT:
            move.outcome = self._refused_outcome(move, error.get("Item"))
        else:
            move.outcome = ServiceRefused(
                f"moving job {move.transition.job_id} was refused ({code}: {error.get('Message', '')}); "
                "check the permissions, names and sizes of this deployment"
            )
        return True

    def _refused_outcome(self, move: _Move, item: Item | None) -> MoveOutcome:
        try:
            return self._judge(move.transition, move.change, item, _STALE_TRIES, resent=move.resent)
        except (TransitionRefused, NotFound, DependencyUnavailable, ServiceRefused) as error:
            return error

    # --- one in a request ------------------------------------------------------------------------
    def _call_in_place(self, move: _Move) -> None:
        try:
            move.outcome = self._call(move.transition, move.change, _STALE_TRIES, resent=move.resent)
        except (TransitionRefused, NotFound, DependencyUnavailable, ServiceRefused) as error:
            move.outcome = error

    def _call(self, transition: Transition, change: Change, tries: int, *, resent: bool = False) -> Job:
        try:
            with translated(f"moving job {transition.job_id}", passing=(CONDITION_FAILED,)):
                answer = self.clients.dynamodb.update_item(
                    TableName=self.table,
                    Key={schema.JOB_ID: {"S": transition.job_id}},
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **change.render(schema.JOB_ID),
                )
        except ClientError as refused:
            resent = resent or was_retried(refused.response)
            return self._judge(transition, change, old_item(refused), tries, resent=resent)
        return job_from_image(answer["Attributes"])

    # --- what they share -------------------------------------------------------------------------
    def _judge(
        self, transition: Transition, change: Change, item: Item | None, tries: int, *, resent: bool
    ) -> Job:
        """What it means that `item` refused the condition: the job where it moved after all, else an error."""
        if not item:
            raise NotFound("job", transition.job_id)
        job = job_from_image(item)
        if resent and _is_written(change, item):
            return job
        transition.apply(job)  # raises with the reason
        # It may move after all: only what had been read of it before was old.
        if tries > 1 and isinstance(transition, ReadyIfDue | ReadyIfWaitingOnlyOn):
            fresh = replace(transition, job=job)
            return self._call(fresh, change_of(self.codec, fresh), tries - 1)
        raise TransitionRefused(transition.name, job, "it changed while it was being moved")


def _job_or_refusal(item: Item) -> MoveOutcome:
    try:
        return job_from_image(item)
    except ServiceRefused as error:
        return error


def _waves(moves: Iterable[_Move]) -> list[list[_Move]]:
    """The moves in waves that hold each job once at most: a batch may not name an item twice."""
    waves: list[list[_Move]] = []
    earlier: Counter[str] = Counter()
    for move in moves:
        number = earlier[move.transition.job_id]
        earlier[move.transition.job_id] += 1
        if number == len(waves):
            waves.append([])
        waves[number].append(move)
    return waves


def _is_written(change: Change, item: Item) -> bool:
    """Whether the item shows this very change: an earlier try got through and its answer was lost."""
    if change.append is not None:
        return bool(item[schema.HISTORY]["L"][-1:] == [encode(change.append)])
    sent_at_ms = change.values.get(schema.SENT_AT)
    return sent_at_ms is not None and item.get(schema.SENT_AT) == encode(sent_at_ms)
