"""Waits for a service without missing a request to stop, and reads its answer."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from tidegate.domain import limits
from tidegate.domain.errors import JobError, JobTimedOut
from tidegate.domain.job import Json
from tidegate.jobs.context import JobContext
from tidegate.jobs.targets.bounds import Bounds

T = TypeVar("T")
_LOGGER = logging.getLogger("tidegate.jobs")
_LOOK_SECONDS = 0.1  # interval of the checks for a request to stop
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 15.0
_GROWTH = 1.5
_STOP_SECONDS = 2.0  # before the timeout, so that the work is stopped before the process is killed
MOST_UNTOLD = 10
"""Questions in a row about work of a service that AWS may leave unanswered; the work goes on meanwhile."""
EARLIER_ATTEMPTS = 3
"""How many earlier attempts' work a later attempt stops; an attempt that never began has none."""


def in_thread(call: Callable[[], T], bounds: Bounds) -> T:
    """Returns the value of a call that can't be interrupted; raises its error, JobCancelled or JobTimedOut.

    A call that is still under way when the attempt should stop is left to its thread. The process that ran it is then
    replaced, as for any thread that job code leaves.
    """
    values: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            values.append(call())
        except BaseException as error:  # noqa: BLE001 - it is raised in the attempt's own thread
            errors.append(error)

    thread = threading.Thread(target=run, name="target", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_LOOK_SECONDS)
        if thread.is_alive():
            bounds.check()
    if errors:
        raise errors[0]
    return values[0]


def until_ended(look: Callable[[], T | None], work: str, bounds: Bounds) -> T:
    """Asks for the state of a service's work until it has ended; returns the first value of `look` that is not None.

    Work outlives a question that AWS throttles or can't answer: only `MOST_UNTOLD` in a row end the attempt. Raises the
    JobError of `look`, JobCancelled and JobTimedOut.
    """
    wait_seconds = FIRST_WAIT_SECONDS
    untold = 0
    while True:
        try:
            found = look()
        except JobError as error:
            untold += 1
            if not error.retryable or untold >= MOST_UNTOLD:
                raise
            _LOGGER.warning("the state of %s is asked for again: %s", work, error.code)
        else:
            untold = 0
            if found is not None:
                return found
        left_seconds = bounds.remaining_seconds - _STOP_SECONDS
        if left_seconds <= 0:
            bounds.check()
            raise JobTimedOut("the time allowed for this attempt is over")
        bounds.sleep(min(wait_seconds, left_seconds))
        wait_seconds = min(wait_seconds * _GROWTH, LONGEST_WAIT_SECONDS)


def attempt_name(context: JobContext, forbidden: re.Pattern[str], attempt: int | None = None) -> str:
    """Returns the name of an attempt's work, at most 80 characters; `forbidden` ones become underscores.

    An attempt's number is never used again, so no two attempts share a name. `attempt` is this one unless given.
    """
    number = context.attempt if attempt is None else attempt
    second = "-second" if context.is_second else ""
    return f"{forbidden.sub('_', context.job_id)[:64]}-{number}{second}"[:80]


def result_from(text: bytes | str, source: str) -> Json:
    """Returns the value of an answer. Raises JobError where it is longer than a result may be, or no JSON."""
    refuse_if_too_long(text, source)
    try:
        value: Json = json.loads(text) if text else None
    except (ValueError, RecursionError) as error:
        raise JobError(
            f"the answer of {source} is no JSON", code="result-not-json", retryable=False
        ) from error
    return value


def refuse_if_too_long(text: bytes | str, source: str) -> None:
    """Raises JobError where an answer is longer than a result may be."""
    if len(text) > limits.MAX_RESULT_BYTES:
        raise JobError(
            f"the answer of {source} is longer than {limits.MAX_RESULT_BYTES:,} bytes; store it elsewhere and answer "
            "its address",
            code="result-too-large",
            retryable=False,
        )


def as_text(parameters: Mapping[str, Json]) -> str:
    """Returns parameters as the JSON that a service gets."""
    return json.dumps(parameters, default=dict)
