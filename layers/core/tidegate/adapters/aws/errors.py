"""Translates botocore's errors into tidegate's; no other file needs to know what botocore raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tidegate.domain.errors import ServiceRefused, ServiceUnavailable

CONDITION_FAILED = "ConditionalCheckFailedException"
CONDITION_FAILED_IN_STATEMENT = "ConditionalCheckFailed"
DUPLICATE_IN_STATEMENT = "DuplicateItem"
INVALID_STATEMENT = "ValidationError"
INVALID_CALL = "ValidationException"

# Codes of calls that AWS refused for load. Such a call has done nothing.
THROTTLE_CODES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

# Codes of calls, and of single entries of a batch, that may succeed when they are repeated.
TRANSIENT_CODES = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


class Throttled(ServiceUnavailable):
    """The error for a call that AWS refused for load, also after the client's retries.

    The latest request did nothing.
    """


def error_code(error: ClientError) -> str:
    """Returns the service's own code of the error."""
    return error.response.get("Error", {}).get("Code", "Unknown")


def was_retried(response: Any) -> bool:
    """Returns True if the call went out more than once, so that an earlier request may have been carried out unseen."""
    return bool(response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0)


def old_item(error: ClientError) -> dict[str, Any] | None:
    """Returns the item that failed a condition, as ReturnValuesOnConditionCheckFailure returns it, or None.

    None does not mean that there is no item, because not every refusal brings the item.
    """
    response: Any = error.response
    item: dict[str, Any] | None = response.get("Item")
    return item or None


@contextmanager
def translated(action: str, *, passing: tuple[str, ...] = ()) -> Iterator[None]:
    """Turns errors that botocore raises in the block into tidegate's.

    `action` names the operation in their messages. An error that may go away when the call is repeated becomes
    ServiceUnavailable, any other ServiceRefused. An error whose code is in `passing` is raised unchanged.
    """
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code in passing:
            raise
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in TRANSIENT_CODES or status >= 500:
            kind = Throttled if code in THROTTLE_CODES else ServiceUnavailable
            raise kind(
                f"{action} did not succeed within its retries ({code}); repeat it in a moment"
            ) from error
        message = error.response.get("Error", {}).get("Message", "")
        raise ServiceRefused(
            f"{action} was refused ({code}: {message}); "
            "check the permissions, names and sizes of this deployment"
        ) from error
    except BotoCoreError as error:
        raise ServiceUnavailable(
            f"{action} got no answer within its retries ({type(error).__name__}); "
            "check the region and the endpoint, and repeat it in a moment"
        ) from error
