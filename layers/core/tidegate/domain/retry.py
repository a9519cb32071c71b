"""The rules for retrying a failed attempt: whether another one follows, and after which wait."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.backoff import doubled

WORKER_LOST = "worker-lost"
TIMED_OUT = "timed-out"
OUTSIDE_SILENT = "outside-silent"  # a job outside was not heard from within its lease
REJECTED = "rejected"  # an approver rejected it
UNDELIVERABLE = "undeliverable"
UPSTREAM_GONE = "upstream-gone"  # an upstream, or its result, has passed its retention
MARKED = "marked"  # a caller ended the job by hand
INPUT_GONE = "input-gone"
NO_CODES: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A job's retry policy: `max_retries` attempts after the first failure, with exponential backoff in seconds.

    An error whose code is in `never_on` ends the job at once. An error whose code is in `always_on` is retried even
    where job code says that a retry is of no use. `max_retries` bounds both. No code is in both sets.
    """

    max_retries: int = limits.DEFAULT_MAX_RETRIES
    backoff_seconds: int = limits.DEFAULT_BACKOFF_SECONDS
    max_backoff_seconds: int = limits.DEFAULT_MAX_BACKOFF_SECONDS
    never_on: Set[str] = NO_CODES
    always_on: Set[str] = NO_CODES

    def allows(self, code: str, *, retryable: bool = True) -> bool:
        """Tells whether an error with this code is retried.

        `retryable` is the word of job code. It counts where the policy does not name the code.
        """
        if code in self.never_on:
            return False
        return retryable or code in self.always_on


def backoff_ms(
    policy: RetryPolicy, tries: int, jitter: float, retry_after_seconds: float | None = None
) -> int:
    """Returns how many milliseconds to wait after `tries` failed attempts: exponential backoff with full jitter.

    `tries` counts from 1; `jitter` is uniform in [0, 1). The rule is "full jitter" of the AWS Architecture Blog,
    "Exponential Backoff And Jitter": sleep = random_between(0, min(cap, base * 2 ** attempt)). Where job code gave
    `retry_after_seconds` (0-86,400), the wait is at least that long.
    """
    ceiling_seconds = doubled(policy.backoff_seconds, tries, policy.max_backoff_seconds)
    return max(int(ceiling_seconds * 1_000 * jitter), int((retry_after_seconds or 0.0) * 1_000))
