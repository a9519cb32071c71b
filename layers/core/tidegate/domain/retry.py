"""When a failed attempt is tried again, and how long it waits first."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain import limits


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`max_retries` further attempts after the first; exponential backoff between them, in seconds."""

    max_retries: int = limits.DEFAULT_MAX_RETRIES
    backoff_seconds: int = limits.DEFAULT_BACKOFF_SECONDS
    max_backoff_seconds: int = limits.DEFAULT_MAX_BACKOFF_SECONDS

    @property
    def max_attempts(self) -> int:
        """The first attempt and every retry."""
        return self.max_retries + 1


def backoff_ms(policy: RetryPolicy, attempt: int, jitter: float) -> int:
    """Milliseconds to wait after `attempt` failed: exponential with full jitter.

    `attempt` counts from 1; `jitter` is uniform in [0, 1). The rule is "full jitter" of the AWS Architecture Blog,
    "Exponential Backoff And Jitter": sleep = random_between(0, min(cap, base * 2 ** attempt)).
    """
    exponent = min(attempt - 1, 30)  # beyond this any base exceeds every allowed cap
    ceiling_seconds = min(policy.max_backoff_seconds, policy.backoff_seconds * 2**exponent)
    return int(ceiling_seconds * 1_000 * jitter)
