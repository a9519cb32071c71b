"""The jobs and the settings of Huey. Runs in the peers' environment."""

from __future__ import annotations

import os
from collections.abc import Callable

from huey import RedisHuey, chord

huey = RedisHuey("bench", url=os.environ["BENCH_BROKER"], results=True, store_none=True)


def _noop(*_ignored: object) -> int:
    """Does nothing."""
    return 0


noop = huey.task(name="noop")(_noop)


class Jobs:
    """The calls of the driver. Each enqueues and returns at once a check of whether all jobs have ended."""

    last = ""

    def burst(self, count: int) -> Callable[[], bool]:
        """Enqueues jobs without dependencies, one call each."""
        return self._ended(count, lambda: [noop() for _ in range(count)])

    def chain(self, count: int) -> Callable[[], bool]:
        """Enqueues a pipeline, in which each job enqueues the next."""

        def enqueue() -> None:
            pipeline = noop.s()
            for _ in range(count - 1):
                pipeline = pipeline.then(noop)
            huey.enqueue(pipeline)

        return self._ended(count, enqueue)

    def join(self, count: int) -> Callable[[], bool]:
        """Enqueues a chord. Its callback removes the results of its members, so only the callback is waited for."""
        handle = huey.enqueue(chord([noop.s() for _ in range(count)], noop.s()))
        task_id = handle.callback.id
        return lambda: huey.get(task_id, peek=True) is not None

    def _ended(self, count: int, enqueue: Callable[[], object]) -> Callable[[], bool]:
        before = huey.result_count()
        enqueue()
        return lambda: huey.result_count() >= before + count
