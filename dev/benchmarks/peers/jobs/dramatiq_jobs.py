"""The jobs and the settings of Dramatiq. Runs in the peers' environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import dramatiq
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import GroupCallbacks
from dramatiq.rate_limits.backends import RedisBackend as GroupBackend
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from looking import all_exist

URL = os.environ["BENCH_BROKER"]
results = RedisBackend(url=URL)
broker = RedisBroker(url=URL)
broker.add_middleware(Results(backend=results, store_results=True))
broker.add_middleware(GroupCallbacks(GroupBackend(url=URL)))
dramatiq.set_broker(broker)


def _noop(*_ignored: object) -> int:
    """Does nothing."""
    return 0


noop = dramatiq.actor(_noop, actor_name="noop")


class Jobs:
    """The calls of the driver. Each enqueues and returns at once a check of whether all jobs have ended."""

    last = ""

    def burst(self, count: int) -> Callable[[], bool]:
        """Enqueues jobs without dependencies, one call each."""
        return self._ended([noop.send() for _ in range(count)])

    def chain(self, count: int) -> Callable[[], bool]:
        """Enqueues a pipeline, in which each job enqueues the next."""
        pipe = dramatiq.pipeline([noop.message() for _ in range(count)]).run()
        return self._ended([pipe.messages[-1]])

    def join(self, count: int) -> Callable[[], bool]:
        """Enqueues a group with a completion callback."""
        last = noop.message()
        group = dramatiq.group([noop.message() for _ in range(count)])
        group.add_completion_callback(last)
        group.run()
        return self._ended([last])

    def _ended(self, messages: Sequence[Message]) -> Callable[[], bool]:
        keys = [results.build_message_key(message) for message in messages]
        look: Callable[[], bool] = all_exist(results.client, keys)
        return look
