"""Waits for a service without missing a request to stop, and reads its answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from tidegate.domain import limits
from tidegate.domain.errors import JobError
from tidegate.domain.job import Json
from tidegate.jobs.targets.bounds import Bounds

T = TypeVar("T")
_LOOK_SECONDS = 0.1  # interval of the checks for a request to stop


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
