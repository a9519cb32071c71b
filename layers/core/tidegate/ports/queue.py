"""The queues between dispatcher and workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tidegate.domain.job import Job


@dataclass(frozen=True, slots=True)
class Message:
    """What goes through a pool's queue: a job, the number of claims before this dispatch, and the job's life.

    A job that nobody ever claimed may be reopened: what is left of its earlier messages says so by `reopened`.
    `queued_at_ms` is when the job was dispatched, 0 where that is not known: no claim is earlier. `type` lets a worker
    that lacks it pass the message on without a claim; it is empty in a message of an earlier version.
    `estimated_seconds` is how long the job is said to take, for a worker that may claim it ahead.
    """

    job_id: str
    attempt: int
    reopened: int = 0
    queued_at_ms: int = field(default=0, compare=False)
    type: str = field(default="", compare=False)
    estimated_seconds: float | None = field(default=None, compare=False)


def message_of(job: Job) -> Message:
    """What is sent for a QUEUED job."""
    queued_at_ms = job.queued_at_ms or 0
    return Message(
        job.job_id, job.attempt, job.reopened, queued_at_ms, job.type, job.estimated_duration_seconds
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as a worker received it, for the `receives`th time; `receipt` acknowledges this delivery."""

    message: Message
    receipt: str
    receives: int = 1


class Queue(Protocol):
    """The queues between dispatcher and workers, one per pool. A message is a hint: it may be lost or doubled."""

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Sends in batches; returns what could not be sent after bounded retries."""

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        """At most `limit` messages (1-10), waiting at most `wait_seconds` (0-20) for the first."""

    def delete(self, pool: str, receipts: Sequence[str]) -> None:
        """Acknowledges deliveries; one that fails comes again and loses its claim."""

    def receive_dead(self, pool: str, *, limit: int) -> tuple[Delivery, ...]:
        """At most `limit` messages (1-10) that the queue gave up after too many deliveries; never waits."""

    def delete_dead(self, pool: str, receipts: Sequence[str]) -> None:
        """Acknowledges deliveries of given-up messages; one that fails comes again, which is harmless."""

    def depth(self, pool: str) -> int:
        """Counts, about, the messages that the queue holds, with those that workers have received."""

    def extend(self, pool: str, receipt: str, *, seconds: int) -> None:
        """Keeps a delivery invisible for `seconds` from now (0-43,200)."""
