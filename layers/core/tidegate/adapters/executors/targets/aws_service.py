"""Calls of AWS by targets: clients with bounded times, and AWS's errors as errors of a job.

boto3 is imported inside the functions, because most processes for job code never call AWS.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tidegate.domain import limits
from tidegate.domain.errors import JobError
from tidegate.domain.job import Json
from tidegate.jobs.targets.bounds import Bounds

if TYPE_CHECKING:
    from botocore.client import BaseClient

T = TypeVar("T")
_CONNECT_SECONDS = 5
_LOOK_SECONDS = 0.1  # interval of the checks for a request to stop
_NOT_ALLOWED = frozenset({"AccessDenied", "AccessDeniedException"})
# Codes that say that the target itself is wrong, so that another attempt would fail in the same way.
_FOR_GOOD = frozenset(
    {
        "InvalidArn",
        "InvalidParameterValueException",
        "InvalidRequestContentException",
        "RequestTooLargeException",
        "ResourceNotFoundException",
        "StateMachineDoesNotExist",
        "StateMachineTypeNotSupported",
    }
)


def client_for(service: str, arn: str, *, read_seconds: float, tries: int) -> Any:
    """Returns a client for the region of an ARN. A call is sent at most `tries` times, and no answer is waited for
    longer than `read_seconds`.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=max(1.0, read_seconds),
        retries={"total_max_attempts": tries, "mode": "standard"},
        tcp_keepalive=True,
    )
    made: BaseClient = boto3.session.Session().client(service, region_name=arn.split(":")[3], config=config)  # type: ignore[call-overload]
    return made


@contextmanager
def refusals(arn: str) -> Iterator[None]:
    """Turns an error of botocore into a JobError, with AWS's code and without any value that was sent."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise refusal(arn, str(error.response.get("Error", {}).get("Code", "unknown"))) from error
    except BotoCoreError as error:
        raise JobError(
            f"AWS can't be reached for {arn}: {type(error).__name__}", code="unreachable"
        ) from error


def refusal(arn: str, code: str) -> JobError:
    """Returns the error of an attempt whose call AWS refused with `code`."""
    if code in _NOT_ALLOWED:
        return JobError(
            f"the worker may not call {arn}; name it in the parameter TargetArns and deploy",
            code="not-allowed",
            retryable=False,
        )
    return JobError(f"AWS refused the call of {arn}: {code}", code=code, retryable=code not in _FOR_GOOD)


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
    if len(text) > limits.MAX_RESULT_BYTES:
        raise JobError(
            f"the answer of {source} is longer than {limits.MAX_RESULT_BYTES:,} bytes; store it elsewhere and answer "
            "its address",
            code="result-too-large",
            retryable=False,
        )
    try:
        value: Json = json.loads(text) if text else None
    except (ValueError, RecursionError) as error:
        raise JobError(
            f"the answer of {source} is no JSON", code="result-not-json", retryable=False
        ) from error
    return value


def as_text(parameters: Mapping[str, Json]) -> str:
    """Returns parameters as the JSON that a service gets."""
    return json.dumps(parameters, default=dict)
