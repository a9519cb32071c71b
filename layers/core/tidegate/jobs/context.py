"""The interface between job code and its attempt: facts about the job, progress, and requests to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.errors import JobCancelled, JobTimedOut
from tidegate.domain.job import Json, Progress
from tidegate.domain.states import State
from tidegate.domain.texts import plain_message


@dataclass(frozen=True, slots=True)
class Upstream:
    """A job that this one depends on. `key` is its key in the workflow; `result` is None if it has none."""

    job_id: str
    key: str | None
    state: State
    result: Json

    @property
    def name(self) -> str:
        """Its key if it has one, otherwise its job id."""
        return self.key if self.key is not None else self.job_id


class Upstreams(Mapping[str, Upstream]):
    """The upstreams of a job, found by key or by job id; iterates over keys (job ids for upstreams without a key)."""

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        self._by_name = {upstream.name: upstream for upstream in upstreams}
        self._by_id = {upstream.job_id: upstream for upstream in upstreams}

    def __getitem__(self, name: str) -> Upstream:
        found = self._by_name.get(name) or self._by_id.get(name)
        if found is None:
            raise KeyError(
                f"no upstream {name!r} was loaded; name it in depends_on and register the type with "
                "reads_upstreams=True"
            )
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


def progress_from(fraction: float, message: str) -> Progress:
    """Returns progress as it can be stored.

    `fraction` is cut to 0-1, `message` to 200 characters, without control characters.
    """
    bounded = round(float(min(1.0, max(0.0, fraction))), 6)  # more digits could not be stored
    return Progress(bounded, plain_message(message)[: limits.MAX_PROGRESS_CHARACTERS])


class StopRequest:
    """A request to one attempt to stop; its executor sets it, and job code reads it through its JobContext."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._why = ""

    def ask(self, why: str) -> None:
        """Asks the attempt to stop; `why` is a reason for people."""
        self._why = why
        self._asked.set()

    @property
    def asked(self) -> bool:
        """True if the attempt should stop."""
        return self._asked.is_set()

    @property
    def why(self) -> str:
        """The reason for people; empty while the attempt may go on."""
        return self._why

    def wait(self, seconds: float) -> bool:
        """Waits at most `seconds` for the request; returns True once it has come."""
        return self._asked.wait(seconds)


class JobContext:
    """One attempt, as its job code sees it. Threads that job code starts may use it too.

    `attempt` counts from 1. `is_second` says that this is the second attempt of that number, which runs beside the
    first; only types that were registered with `second_attempt=True` have one. `finish_token` allows its holder to
    finish the job from outside, once the code has returned `HandedOver`. It is a secret, and empty where the attempt
    can't be handed over. `upstreams` is empty unless the type was registered with `reads_upstreams=True`.
    """

    def __init__(
        self,
        *,
        job_id: str,
        attempt: int,
        remaining_seconds: Callable[[], float],
        report_progress: Callable[[Progress], None],
        stop: StopRequest,
        key: str | None = None,
        upstreams: Sequence[Upstream] = (),
        is_second: bool = False,
        finish_token: str = "",
    ) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self.is_second = is_second
        self.finish_token = finish_token
        self.key = key
        self.upstreams = Upstreams(upstreams)
        self._remaining_seconds = remaining_seconds
        self._report_progress = report_progress
        self._stop = stop

    @property
    def remaining_seconds(self) -> float:
        """Seconds until this attempt times out; 0 if it should have ended already."""
        return max(0.0, self._remaining_seconds())

    @property
    def cancelled(self) -> bool:
        """True if the job should stop, because it was cancelled or its worker shuts down."""
        return self._stop.asked

    def progress(self, fraction: float, message: str = "") -> None:
        """Reports the progress of the job, which the next heartbeat stores.

        The call is cheap; make it as often as you like. `fraction` is 0-1 (cut to that range); `message` is cut to
        200 characters.
        """
        self._report_progress(progress_from(fraction, message))

    def check(self) -> None:
        """Raises JobCancelled or JobTimedOut if the job should stop; do not catch them."""
        if self._stop.asked:
            raise JobCancelled(self._stop.why)
        if self._remaining_seconds() <= 0:
            raise JobTimedOut("the time allowed for this attempt is over")

    def sleep(self, seconds: float) -> None:
        """Sleeps for `seconds`, but wakes at once to raise JobCancelled or JobTimedOut if the job should stop."""
        self.check()
        self._stop.wait(min(seconds, self.remaining_seconds))
        self.check()
