"""When a failed run is tried again, and how long it waits first."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from tidegate.domain import limits

WORKER_LOST = "worker-lost"
TIMED_OUT = "timed-out"
UNDELIVERABLE = "undeliverable"
UPSTREAM_GONE = "upstream-gone"  # an upstream, or its result, has passed its retention
INPUT_GONE = "input-gone"
NO_CODES: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`max_retries` further runs after the first that failed; exponential backoff between them, in seconds.

    Errors whose code is in `never_on` end the job at once. Those in `always_on` are retried even where job code says
    that this is of no use. Both within `max_retries`; no code is in both.
    """

    max_retries: int = limits.DEFAULT_MAX_RETRIES
    backoff_seconds: int = limits.DEFAULT_BACKOFF_SECONDS
    max_backoff_seconds: int = limits.DEFAULT_MAX_BACKOFF_SECONDS
    never_on: Set[str] = NO_CODES
    always_on: Set[str] = NO_CODES

    def allows(self, code: str, *, retryable: bool = True) -> bool:
        """Whether an error with this code is retried; `retryable` is what job code says where the policy does not."""
        if code in self.never_on:
            return False
        return retryable or code in self.always_on


def backoff_ms(
    policy: RetryPolicy, tries: int, jitter: float, retry_after_seconds: float | None = None
) -> int:
    """Milliseconds to wait after `tries` runs have failed: exponential with full jitter.

    `tries` counts from 1; `jitter` is uniform in [0, 1). The rule is "full jitter" of the AWS Architecture Blog,
    "Exponential Backoff And Jitter": sleep = random_between(0, min(cap, base * 2 ** attempt)). Where job code gave
    `retry_after_seconds` (0-86,400), the wait is at least that.
    """
    exponent = min(tries - 1, 30)  # beyond this any base exceeds every allowed cap
    ceiling_seconds = min(policy.max_backoff_seconds, policy.backoff_seconds * 2**exponent)
    return max(int(ceiling_seconds * 1_000 * jitter), int((retry_after_seconds or 0.0) * 1_000))
