"""Finds stale messages: messages of jobs that have ended or were claimed since the message was sent.

A claim would find them too, but a worker claims only as many jobs at once as it has free slots. One read checks ten
messages. The read may be old, so only facts that stay true are used: attempts and lives only grow, and a job that has
ended stays ended for its life.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.ports import Delivery, Message
from tidegate.usecases.services import Services


def stale_among(services: Services, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Returns the deliveries with which no worker can ever claim a job. It may miss some, because one read may be old.

    Raises ServiceUnavailable.
    """
    jobs = services.jobs.get_many([delivery.message.job_id for delivery in deliveries])
    return [
        delivery
        for delivery in deliveries
        if (job := jobs.get(delivery.message.job_id)) is not None and _is_over(job, delivery.message)
    ]


def _is_over(job: Job, message: Message) -> bool:
    if job.reopened != message.reopened:
        return job.reopened > message.reopened
    # The worker that claimed the job with this message may have been lost. The job can then be claimed with it again.
    perhaps_again = job.state is State.RUNNING and job.attempt == message.attempt + 1
    return job.is_terminal or (job.attempt > message.attempt and not perhaps_again)
