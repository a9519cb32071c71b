"""Calls of AWS by targets: clients with bounded times, and AWS's errors as errors of a job.

boto3 is imported inside the functions, because most processes for job code never call AWS.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tidegate.domain.errors import JobError

if TYPE_CHECKING:
    from botocore.client import BaseClient

_CONNECT_SECONDS = 5
_NOT_ALLOWED = frozenset({"AccessDenied", "AccessDeniedException"})
# Codes that say that the target itself is wrong, so that another attempt would fail in the same way.
_FOR_GOOD = frozenset(
    {
        "ClientException",
        "ClusterNotFoundException",
        "InvalidArn",
        "InvalidParameterException",
        "InvalidParameterValueException",
        "InvalidRequestContentException",
        "PlatformUnknownException",
        "RequestTooLargeException",
        "ResourceNotFoundException",
        "StateMachineDoesNotExist",
        "StateMachineTypeNotSupported",
        "UnsupportedFeatureException",
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
def refusals(arn: str, *, parameter: str = "TargetArns") -> Iterator[None]:
    """Turns an error of botocore into a JobError, with AWS's code and without any value that was sent.

    `parameter` is the parameter of the stack that allows the call.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        raise refusal(arn, code, parameter=parameter) from error
    except BotoCoreError as error:
        raise JobError(
            f"AWS can't be reached for {arn}: {type(error).__name__}", code="unreachable"
        ) from error


def refusal(arn: str, code: str, *, parameter: str = "TargetArns") -> JobError:
    """Returns the error of an attempt whose call AWS refused with `code`."""
    if code in _NOT_ALLOWED:
        return JobError(
            f"the worker may not call {arn}; name it in the parameter {parameter} and deploy",
            code="not-allowed",
            retryable=False,
        )
    return JobError(f"AWS refused the call of {arn}: {code}", code=code, retryable=code not in _FOR_GOOD)
