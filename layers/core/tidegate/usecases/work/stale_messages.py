"""Stale messages: what is left in a queue of jobs that ended, were cancelled, or were claimed since.

A claim tells them too, but only as many at once as a worker has slots. One plain read tells ten of them apart. It may
be old, so only what never becomes untrue again counts: attempts and lives only grow, and an end stands for its life.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.ports import Delivery, Message
from tidegate.usecases.services import Services


def stale_among(services: Services, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Picks the deliveries by which no worker can ever claim a job, as far as one read shows; it may miss some."""
    jobs = services.jobs.get_many([delivery.message.job_id for delivery in deliveries])
    return [
        delivery
        for delivery in deliveries
        if (job := jobs.get(delivery.message.job_id)) is not None and _is_over(job, delivery.message)
    ]


def _is_over(job: Job, message: Message) -> bool:
    if job.reopened != message.reopened:
        return job.reopened > message.reopened
    # The worker that claimed it by this very message may have been lost: then it can be claimed again.
    perhaps_again = job.state is State.RUNNING and job.attempt == message.attempt + 1
    return job.is_terminal or (job.attempt > message.attempt and not perhaps_again)
