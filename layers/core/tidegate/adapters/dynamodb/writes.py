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
from tidegate.adapters.dynamodb.batches import (
    STATEMENTS_PER_CALL,
    DynamoBatches,
    chunks,
)
from tidegate.adapters.dynamodb.codec import (
    JobCodec,
    job_from_image,
)
from tidegate.adapters.dynamodb.retries import was_carried_out
from tidegate.adapters.dynamodb.statements import Change
from tidegate.adapters.dynamodb.transitions import change_of
from tidegate.adapters.dynamodb.values import Item
from tidegate.domain.errors import DependencyUnavailable, NotFound, ServiceRefused, TransitionRefused
from tidegate.domain.job import Job
from tidegate.domain.transitions import OfKnownJob, Transition
from tidegate.ports import MoveOutcome

_CALLS = 3  # calls for one job that keeps changing between a refusal and the read that shows why
_LOOK_SECONDS = 1.0  # granted to the read after a refusal, even when the operation's time is over


@dataclass(slots=True)
class _Move:
    """One transition on its way, open until it has an outcome.

    `resent` says that an earlier request may already have carried it out before the latest one was sent.
    """

    transition: Transition
    change: Change
    statement: Mapping[str, Any] | None
    resent: bool = False
    outcome: MoveOutcome | None = None

    @property
    def key(self) -> Item:
        """The key of the job's item."""
        return {schema.JOB_ID: {"S": self.transition.job_id}}


@dataclass(frozen=True, slots=True)
class DynamoMoves:
    """Applies transitions to the jobs of `table`, each under the transition's own condition."""

    clients: AwsClients
    table: str
    codec: JobCodec

    def move(self, transition: Transition) -> Job:
        """Carries out one transition as one UpdateItem; returns the job after it.

        Only the client repeats a request that AWS refuses for load, because a heartbeat may not wait longer than
        that. Raises TransitionRefused, NotFound, DependencyUnavailable or ServiceRefused.
        """
        move = self._prepared(transition, is_alone=True)
        self._call_until_settled(move, self.clients.effort())
        if not isinstance(move.outcome, Job):
            raise move.outcome or _kept_changing(move)
        return move.outcome

    def move_all(self, transitions: Sequence[Transition]) -> list[MoveOutcome]:
        """Carries out many transitions, 25 to a request; returns their outcomes in the same order.

        An outcome is the job after the transition, or the error. Transitions of the same job are carried out in their
        order.
        """
        is_alone = len(transitions) == 1
        moves = [self._prepared(transition, is_alone=is_alone) for transition in transitions]
        effort = self.clients.effort()
        for wave in _waves(moves):
            stated = [move for move in wave if move.statement is not None]
            called = [[move] for move in wave if move.statement is None]
            self.clients.fan_out.map(
                partial(self._carry_out, effort), [*chunks(stated, STATEMENTS_PER_CALL), *called]
            )
            # PartiQL may not support a statement, and a refused job may turn out to permit it: these go one by one.
            self.clients.fan_out.map(
                partial(self._call, effort), [move for move in wave if move.outcome is None]
            )
        return [move.outcome for move in moves if move.outcome is not None]

    def _prepared(self, transition: Transition, *, is_alone: bool) -> _Move:
        change = change_of(self.codec, transition)
        # A transition that is alone becomes an UpdateItem, so it needs no statement.
        statement = None if is_alone else change.statement(self.table, schema.JOB_ID, transition.job_id)
        return _Move(transition, change, statement)

    # --- many in a request -----------------------------------------------------------------------
    def _carry_out(self, effort: Effort, moves: Sequence[_Move]) -> None:
        """Sends a batch and finds out why statements were refused.

        A move that is still open needs a call of its own.
        """
        if len(moves) == 1:
            self._call(effort, moves[0])
            return
        refused: list[_Move] = []
        left = moves

        def attempt(these: Sequence[_Move]) -> Sequence[_Move]:
            nonlocal left
            left = these
            left = self._send(these, refused)
            return left

        try:
            self.clients.until_all_done("moving jobs", moves, attempt, effort)
        except (DependencyUnavailable, ServiceRefused) as error:
            for move in left:
                move.outcome = error
        self._judge_by_one_read(refused, effort)

    def _send(self, moves: Sequence[_Move], refused: list[_Move]) -> list[_Move]:
        """Sends one batch; returns the moves that AWS refused for load.

        Adds the moves that their condition refused to `refused`.
        """
        statements: Any = [move.statement for move in moves]
        try:
            with translated(f"moving {len(moves)} jobs in {self.table}", passing=(INVALID_CALL,)):
                answer = self.clients.dynamodb.batch_execute_statement(Statements=statements)
        except Throttled:
            for move in moves:
                move.resent = True  # the latest request did nothing, but an earlier one may have
            raise
        except ClientError:
            return []  # DynamoDB did not understand the batch and wrote nothing, so its moves go one by one
        resent = was_retried(answer)
        left = []
        for move, response in zip(moves, answer["Responses"], strict=True):
            move.resent = move.resent or resent
            code = response.get("Error", {}).get("Code")
            if code == CONDITION_FAILED_IN_STATEMENT:
                refused.append(move)
            elif code in TRANSIENT_CODES:
                move.resent = True  # with some of these codes the write may have happened
                left.append(move)
            else:
                self._settle(move, response)
        return left

    def _settle(self, move: _Move, response: Mapping[str, Any]) -> None:
        """Takes a statement's answer as the move's outcome.

        Leaves the move open where a call of its own has to decide.
        """
        error = response.get("Error", {})
        code = error.get("Code")
        if code is None and "Item" in response:
            move.outcome = _job_or_refusal(response["Item"])
        elif code is None:
            move.resent = True  # carried out, but the answer has no item: its own call returns the job
        elif code != INVALID_STATEMENT:
            move.outcome = ServiceRefused(
                f"moving job {move.transition.job_id} was refused ({code}: {error.get('Message', '')}); "
                "check the permissions, names and sizes of this deployment"
            )

    # --- one in a request ------------------------------------------------------------------------
    def _call(self, effort: Effort, move: _Move) -> None:
        """Carries out one of many moves; repeats it while AWS refuses it for load, until the effort's time is over."""

        def attempt(_: Sequence[_Move]) -> Sequence[_Move]:
            self._call_until_settled(move, effort)
            return ()

        try:
            self.clients.until_all_done(f"moving job {move.transition.job_id}", [move], attempt, effort)
        except (DependencyUnavailable, ServiceRefused) as error:
            move.outcome = error
            return
        if move.outcome is None:
            move.outcome = _kept_changing(move)

    def _call_until_settled(self, move: _Move, effort: Effort) -> None:
        """Calls again, at most 3 times, where the job changed meanwhile; the move may still be open afterwards."""
        for _ in range(_CALLS):
            self._call_once(move, effort)
            if move.outcome is not None:
                return

    def _call_once(self, move: _Move, effort: Effort) -> None:
        try:
            with translated(f"moving job {move.transition.job_id}", passing=(CONDITION_FAILED,)):
                answer = self.clients.dynamodb.update_item(
                    TableName=self.table,
                    Key=move.key,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **move.change.render(schema.JOB_ID),
                )
        except Throttled:
            move.resent = True  # the latest request did nothing, but an earlier one may have
            raise
        except ClientError as refused:
            move.resent = move.resent or was_retried(refused.response)
            item = old_item(refused)
            if item is None:
                self._judge_by_one_read(
                    [move], effort
                )  # a refusal may come without the item although the item exists
            else:
                self._judge(move, item)
            return
        move.outcome = _job_or_refusal(answer["Attributes"])

    # --- refusals --------------------------------------------------------------------------------
    def _judge_by_one_read(self, refused: Sequence[_Move], effort: Effort) -> None:
        """Finds out why moves were refused, by one consistent read of all their jobs; their refusals brought no item.

        The read has the rest of the operation's time. It uses a pace of its own, because its caller may hold the
        operation's pace and would wait for itself.
        """
        if not refused:
            return
        rest = self.clients.effort(max(_LOOK_SECONDS, effort.left_seconds()))
        try:
            items = DynamoBatches(self.clients).read(
                self.table, [move.key for move in refused], consistent=True, effort=rest
            )
        except (DependencyUnavailable, ServiceRefused) as error:
            for move in refused:
                move.outcome = error
            return
        standing = {item[schema.JOB_ID]["S"]: item for item in items}
        for move in refused:
            self._judge(move, standing.get(move.transition.job_id))

    def _judge(self, move: _Move, item: Item | None) -> None:
        """Decides by the current item why a move was refused; `item` is None where a consistent read found none.

        The read comes after the refusal, and the job known before it may have been old. So the job may permit the
        transition after all. The move then stays open, as a transition of the job as it is now.
        """
        if item is None:
            move.outcome = NotFound("job", move.transition.job_id)
            return
        try:
            job = job_from_image(item)
            if move.resent and was_carried_out(move.transition, move.change, item, job):
                move.outcome = job
                return
            move.transition.apply(job)  # raises with the reason
        except (TransitionRefused, ServiceRefused) as error:
            move.outcome = error
            return
        if isinstance(move.transition, OfKnownJob):
            move.transition = replace(move.transition, job=job)
            move.change = change_of(self.codec, move.transition)


def _kept_changing(move: _Move) -> DependencyUnavailable:
    return DependencyUnavailable(
        f"job {move.transition.job_id} kept changing while its transition was written; repeat it in a moment"
    )


def _job_or_refusal(item: Item) -> MoveOutcome:
    try:
        return job_from_image(item)
    except ServiceRefused as error:
        return error


def _waves(moves: Iterable[_Move]) -> list[list[_Move]]:
    """Returns the moves in waves that name each job at most once, because a batch may not name an item twice."""
    waves: list[list[_Move]] = []
    earlier: Counter[str] = Counter()
    for move in moves:
        number = earlier[move.transition.job_id]
        earlier[move.transition.job_id] += 1
        if number == len(waves):
            waves.append([])
        waves[number].append(move)
    return waves
