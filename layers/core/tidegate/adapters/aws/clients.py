"""The AWS clients with their limits: retries, timeouts, connections and threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import boto3
from botocore.config import Config

from tidegate.adapters.aws.effort import Allowance, Effort, Pace, Timer
from tidegate.adapters.aws.errors import THROTTLE_CODES, Throttled
from tidegate.adapters.aws.meter import Meter
from tidegate.adapters.aws.time import AwsTime
from tidegate.adapters.system import SystemTimer
from tidegate.domain.errors import ServiceUnavailable
from tidegate.ports import Clock, Entropy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

T = TypeVar("T")
R = TypeVar("R")

DEFAULT_THREADS = 16
_CALL_ATTEMPTS = 5
_CONNECT_TIMEOUT_SECONDS = 2
_READ_TIMEOUT_SECONDS = 6
_LONG_POLL_SECONDS = 20
LONGEST_EFFORT_SECONDS = 20.0  # below the 29 s limit of API Gateway


class _OfThread(threading.local):
    """State of the current thread.

    `is_in_effort` is True while an effort repeats the requests that AWS refuses for load.
    """

    is_in_effort = False


_here = _OfThread()


@dataclass(frozen=True, slots=True)
class FanOut:
    """Runs independent calls in parallel on a pool of at most `threads` threads (1 or more)."""

    threads: int = DEFAULT_THREADS
    _pool: ThreadPoolExecutor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="tidegate-aws")
        object.__setattr__(self, "_pool", pool)

    def map(self, call: Callable[[T], R], arguments: Iterable[T]) -> list[R]:
        """Returns the results in the order of the arguments. All calls are made before the first error is raised."""
        given = list(arguments)
        if len(given) == 1:
            return [call(given[0])]
        futures = [self._pool.submit(call, argument) for argument in given]
        errors = [error for error in (future.exception() for future in futures) if error is not None]
        if errors:
            raise errors[0]
        return [future.result() for future in futures]


class EventBridgeClient(Protocol):
    """The part of EventBridge's client that tidegate uses; its stubs are not installed."""

    @property
    def meta(self) -> Any:
        """The client's description of itself, with its hooks."""

    def put_events(self, *, Entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:  # noqa: N803  # AWS names it
        """Puts up to ten events on their buses; the answer says of each whether it was taken."""


def _no_logs() -> CloudWatchLogsClient:
    raise ServiceUnavailable("this process has no client of CloudWatch Logs")


def _no_eventbridge() -> EventBridgeClient:
    raise ServiceUnavailable("this process has no client of EventBridge")


@dataclass(frozen=True, slots=True)
class AwsClients:
    """The dependencies of every AWS adapter. `effort_seconds` bounds how long one operation may take.

    `make_logs` makes the client of CloudWatch Logs when it is first needed, because most processes never need it. So
    does `make_eventbridge` with that of EventBridge.
    """

    dynamodb: DynamoDBClient
    sqs: SQSClient
    meter: Meter
    clock: Clock
    entropy: Entropy
    fan_out: FanOut = field(default_factory=FanOut)
    timer: Timer = field(default_factory=SystemTimer)
    effort_seconds: float = LONGEST_EFFORT_SECONDS
    make_logs: Callable[[], CloudWatchLogsClient] = field(default=_no_logs, repr=False)
    make_eventbridge: Callable[[], EventBridgeClient] = field(default=_no_eventbridge, repr=False)
    allowance: Allowance = field(init=False)
    _logs: list[CloudWatchLogsClient] = field(init=False, repr=False, default_factory=list)
    _eventbridge: list[EventBridgeClient] = field(init=False, repr=False, default_factory=list)
    _making: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowance", Allowance(self.timer))

    @property
    def logs(self) -> CloudWatchLogsClient:
        """The client of CloudWatch Logs."""
        with self._making:
            if not self._logs:
                self._logs.append(self.make_logs())
            return self._logs[0]

    @property
    def eventbridge(self) -> EventBridgeClient:
        """The client of EventBridge."""
        with self._making:
            if not self._eventbridge:
                self._eventbridge.append(self.make_eventbridge())
            return self._eventbridge[0]

    def attach(self, time_of_aws: AwsTime) -> None:
        """Lets `time_of_aws` read the Date header of every answer from now on."""
        for client in (self.dynamodb, self.sqs):
            time_of_aws.attach(client)

    def effort(self, at_most_seconds: float = LONGEST_EFFORT_SECONDS) -> Effort:
        """Begins an operation that threads may share.

        It ends after `at_most_seconds`, or with the invocation if that is sooner.
        """
        seconds = self.allowance.bounded(min(at_most_seconds, self.effort_seconds))
        return Effort(self.timer, seconds, Pace(self.fan_out.threads))

    def until_all_done(
        self,
        action: str,
        items: Sequence[T],
        attempt: Callable[[Sequence[T]], Sequence[T]],
        effort: Effort | None = None,
    ) -> None:
        """Repeats `attempt` on the items that it returns as left, until none is left or the effort's time is over.

        Rounds are separated by backoff with jitter. Every operation that AWS may answer in part goes through here.
        Batches of one operation share its `effort`; without one, this batch is an operation of its own.

        `attempt` may get the same items again if AWS refused the whole call for load. It is never called after the
        effort is over: a batch that has waited for its start until then is not sent at all. Raises
        ServiceUnavailable if items are left at the end.
        """
        effort = effort or self.effort()
        left = items
        round_number = 0
        while True:
            left = _attempted(effort, attempt, left)
            if not left:
                return
            if effort.is_over():
                break
            effort.back_off(round_number, self.entropy.jitter())
            round_number += 1
        raise ServiceUnavailable(
            f"{action}: {len(left)} of {len(items)} were refused for load until its {effort.seconds:.0f} s were over; "
            "repeat it in a moment"
        )

    def until_each_done(self, action: str, items: Sequence[T], call: Callable[[T], object]) -> None:
        """Makes one call for each item, in parallel, as one operation; repeats the calls that AWS refuses for load.

        `call` may be made again for the same item. Raises ServiceUnavailable as `until_all_done` does.
        """
        effort = self.effort()

        def attempt(left: Sequence[T]) -> Sequence[T]:
            for item in left:
                call(item)
            return ()

        self.fan_out.map(lambda item: self.until_all_done(action, [item], attempt, effort), items)


def _attempted(
    effort: Effort, attempt: Callable[[Sequence[T]], Sequence[T]], items: Sequence[T]
) -> Sequence[T]:
    with effort.pace.turn() as turn:
        if effort.is_over():
            return items
        was_in_effort, _here.is_in_effort = _here.is_in_effort, True
        try:
            left = attempt(items)
        except Throttled:
            left = items
        finally:
            _here.is_in_effort = was_in_effort
        turn.was_refused = bool(left)
    return left


def connect(
    clock: Clock,
    entropy: Entropy,
    *,
    session: boto3.Session | None = None,
    endpoint_url: str | None = None,
    threads: int = DEFAULT_THREADS,
    timer: Timer | None = None,
    effort_seconds: float = LONGEST_EFFORT_SECONDS,
) -> AwsClients:
    """Makes clients from the credentials, region and endpoint of the environment.

    `endpoint_url` overrides AWS_ENDPOINT_URL. `threads` is the number of calls that may run in parallel,
    `effort_seconds` the longest time of one operation. Tests pass their own `timer`.
    """
    session = session or boto3.Session()
    meter = Meter()
    dynamodb = session.client(
        "dynamodb", endpoint_url=endpoint_url, config=_config(threads, _READ_TIMEOUT_SECONDS)
    )
    sqs_timeout_seconds = _READ_TIMEOUT_SECONDS + _LONG_POLL_SECONDS
    sqs = session.client("sqs", endpoint_url=endpoint_url, config=_config(threads, sqs_timeout_seconds))
    for client in (dynamodb, sqs):
        meter.attach(client)
        _leave_throttles_to_efforts(client)

    def make_eventbridge() -> EventBridgeClient:
        client: EventBridgeClient = session.client(
            "events", endpoint_url=endpoint_url, config=_config(threads, _READ_TIMEOUT_SECONDS)
        )
        meter.attach(client)
        _leave_throttles_to_efforts(client)
        return client

    return AwsClients(
        dynamodb,
        sqs,
        meter,
        clock,
        entropy,
        FanOut(threads),
        timer or SystemTimer(),
        effort_seconds,
        lambda: session.client("logs", endpoint_url=endpoint_url, config=_config(1, _READ_TIMEOUT_SECONDS)),
        make_eventbridge,
    )


def _leave_throttles_to_efforts(client: Any) -> None:
    """Stops the client from repeating requests that an effort repeats.

    The client's own waits, up to 15 s a call, would ignore the end of the effort.
    """

    def answer(response: tuple[Any, Mapping[str, Any]] | None, **_: Any) -> bool | None:
        if response is None or not _here.is_in_effort:
            return None
        is_throttled = response[1].get("Error", {}).get("Code") in THROTTLE_CODES
        # False tells botocore not to retry; None leaves the decision to the client.
        return False if is_throttled else None

    client.meta.events.register_first(f"needs-retry.{client.meta.service_model.service_name}", answer)


def _config(threads: int, read_timeout_seconds: int) -> Config:
    return Config(
        retries={"mode": "standard", "total_max_attempts": _CALL_ATTEMPTS},
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout_seconds,
        max_pool_connections=threads + 4,  # 4 for threads that call without fanning out
        tcp_keepalive=True,
    )
