"""The jobs and the settings of Celery, for SQS with DynamoDB and for Redis. Runs in the peers' environment."""

from __future__ import annotations

import os
from collections.abc import Callable

from celery import Celery, chain, chord
from looking import all_exist

SLOTS = int(os.environ["BENCH_SLOTS"])
QUEUE = os.environ["BENCH_QUEUE"]
QUEUE_URL = os.environ.get("BENCH_QUEUE_URL")

app = Celery("bench", broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_BACKEND"])
app.conf.update(
    task_default_queue=QUEUE,
    # No job is lost when a worker dies: tidegate makes the same promise.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # Enough for whole batches of ten from SQS. A lower number would cost more requests.
    worker_prefetch_multiplier=max(2, -(-20 // SLOTS)),
    # Each of these features would cost requests that this benchmark does not need.
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    task_send_sent_event=False,
    task_track_started=False,
    result_extended=False,
    result_expires=3_600,
    broker_connection_retry_on_startup=True,
)
if QUEUE_URL:
    app.conf.update(
        dynamodb_endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        broker_transport_options={
            "region": os.environ["AWS_DEFAULT_REGION"],
            "wait_time_seconds": 20,
            "polling_interval": 0.01,
            "visibility_timeout": 3_600,
            # Celery then calls neither ListQueues nor GetQueueUrl.
            "predefined_queues": {
                QUEUE: {
                    "url": QUEUE_URL,
                    "access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
                    "secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
                }
            },
        },
    )


def _noop(*_ignored: object) -> None:
    """Does nothing."""


noop = app.task(_noop, name="bench.noop")


class Jobs:
    """The calls of the driver. Each enqueues and returns at once a check of whether all jobs have ended."""

    last = ""  # the key of the result that ends a chain or a join; empty for a burst

    def burst(self, count: int) -> Callable[[], bool]:
        """Enqueues jobs without dependencies, one call each: Celery has no other way."""
        return self._ended([noop.delay().id for _ in range(count)])

    def chain(self, count: int) -> Callable[[], bool]:
        """Enqueues a chain, in which each job enqueues the next."""
        return self._ended([chain(*(noop.si() for _ in range(count))).apply_async().id])

    def join(self, count: int) -> Callable[[], bool]:
        """Enqueues a chord."""
        return self._ended([chord([noop.si() for _ in range(count)])(noop.si()).id])

    def _ended(self, ids: list[str]) -> Callable[[], bool]:
        keys = [app.backend.get_key_for_task(task_id) for task_id in ids]
        self.last = str(keys[0]) if len(keys) == 1 else ""  # in the form of the DynamoDB backend
        # On DynamoDB the emulator reports the end itself: reading every result would burden it.
        if QUEUE_URL:
            return lambda: True
        look: Callable[[], bool] = all_exist(app.backend.client, keys)
        return look
