"""The port for the queues between dispatcher and workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from tidegate.domain.job import Job


@dataclass(frozen=True, slots=True)
class Message:
    """A message in a pool's queue: a job, the number of claims before this dispatch, and the number of its reopenings.

    `reopened` tells the messages of an earlier life apart, because a job that no worker ever claimed may be reopened.
    `queued_at_ms` is when the job was dispatched, in milliseconds since the epoch, 0 where that is not known. No claim
    may be dated earlier. `type` lets a worker that lacks it pass the message on without a claim. It is empty in a
    message of an earlier version. `estimated_seconds` is the estimate of the job's duration, for a worker that
    may claim the job ahead.

    `second` says that the message offers a second attempt. `attempt` is then the attempt that it is to run beside.
    """

    job_id: str
    attempt: int
    reopened: int = 0
    queued_at_ms: int = field(default=0, compare=False)
    type: str = field(default="", compare=False)
    estimated_seconds: float | None = field(default=None, compare=False)
    second: bool = False


def message_of(job: Job) -> Message:
    """Returns the message to send for a QUEUED job."""
    queued_at_ms = job.queued_at_ms or 0
    return Message(
        job.job_id, job.attempt, job.reopened, queued_at_ms, job.type, job.estimated_duration_seconds
    )


def second_message_of(job: Job) -> Message:
    """Returns the message that offers the second attempt of a RUNNING job."""
    return replace(message_of(job), queued_at_ms=0, second=True)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as a worker received it, for the `receives`th time. `receipt` acknowledges this delivery."""

    message: Message
    receipt: str
    receives: int = 1


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """About how many messages a queue holds: those that wait to be received, and those that were received."""

    visible: int
    received: int

    @property
    def held(self) -> int:
        """Returns the number of all messages that the queue holds."""
        return self.visible + self.received


class Queue(Protocol):
    """The queues between dispatcher and workers, one for each pool. A message is a hint: it may be lost or doubled."""

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Sends messages in batches. Returns those that could not be sent within bounded retries."""

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        """Returns at most `limit` messages (1-10). Waits at most `wait_seconds` (0-20) for the first."""

    def delete(self, pool: str, receipts: Sequence[str]) -> None:
        """Acknowledges deliveries. A message whose acknowledgement fails comes again, and its claim is refused."""

    def receive_dead(self, pool: str, *, limit: int) -> tuple[Delivery, ...]:
        """Returns at most `limit` messages (1-10) that the queue gave up after too many deliveries. It never waits."""

    def delete_dead(self, pool: str, receipts: Sequence[str]) -> None:
        """Acknowledges deliveries of messages that the queue gave up. One that fails comes again, which is harmless."""

    def depth(self, pool: str) -> QueueDepth:
        """Returns about how many messages the queue holds."""

    def extend(self, pool: str, receipt: str, *, seconds: int) -> None:
        """Keeps a delivery invisible for `seconds` from now (0-43,200)."""
