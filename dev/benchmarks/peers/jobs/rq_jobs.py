"""The jobs and the settings of RQ. Runs in the peers' environment."""

from __future__ import annotations

import os
from collections.abc import Callable

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.registry import FinishedJobRegistry

connection = Redis.from_url(os.environ["BENCH_BROKER"])
queue = Queue("bench", connection=connection)
finished = FinishedJobRegistry(queue=queue)
KEPT_SECONDS = 3_600


def noop(*_ignored: object) -> None:
    """Does nothing."""


class Jobs:
    """The calls of the driver. Each enqueues and returns at once a check of whether all jobs have ended."""

    last = ""

    def burst(self, count: int) -> Callable[[], bool]:
        """Enqueues jobs without dependencies, one call each."""

        def enqueue() -> None:
            for _ in range(count):
                queue.enqueue(noop, result_ttl=KEPT_SECONDS)

        return self._ended(count, enqueue)

    def chain(self, count: int) -> Callable[[], bool]:
        """Enqueues a chain: each job depends on the one before (`depends_on`)."""

        def enqueue() -> None:
            before: Job | None = None
            for _ in range(count):
                before = queue.enqueue(noop, depends_on=before, result_ttl=KEPT_SECONDS)

        return self._ended(count, enqueue)

    def join(self, count: int) -> Callable[[], bool]:
        """Enqueues one job that depends on all the others (`depends_on`)."""

        def enqueue() -> None:
            jobs = [queue.enqueue(noop, result_ttl=KEPT_SECONDS) for _ in range(count)]
            queue.enqueue(noop, depends_on=jobs, result_ttl=KEPT_SECONDS)

        return self._ended(count + 1, enqueue)

    def _ended(self, count: int, enqueue: Callable[[], object]) -> Callable[[], bool]:
        before = connection.zcard(finished.key)
        enqueue()
        return lambda: connection.zcard(finished.key) >= before + count
