from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain import limits
from tidegate.domain.retry import RetryPolicy, backoff_ms

POLICIES = st.builds(
    RetryPolicy,
    max_retries=st.integers(0, limits.MAX_RETRIES),
    backoff_seconds=st.integers(0, limits.MAX_BACKOFF_SECONDS),
    max_backoff_seconds=st.integers(0, limits.MAX_BACKOFF_SECONDS),
)
JITTER = st.floats(0, 1, exclude_max=True)


@given(POLICIES, st.integers(1, 1_000), JITTER)
def test_backoff_stays_within_its_bounds(policy: RetryPolicy, attempt: int, jitter: float) -> None:
    ceiling_seconds = min(policy.max_backoff_seconds, policy.backoff_seconds * 2 ** (attempt - 1))
    assert 0 <= backoff_ms(policy, attempt, jitter) <= ceiling_seconds * 1_000


@given(POLICIES, st.integers(1, 40), JITTER)
def test_a_later_attempt_never_waits_less_at_the_same_jitter(
    policy: RetryPolicy, attempt: int, jitter: float
) -> None:
    assert backoff_ms(policy, attempt, jitter) <= backoff_ms(policy, attempt + 1, jitter)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 5), (2, 10), (3, 20), (7, 320), (8, 600), (26, 600)])
def test_the_ceiling_doubles_up_to_the_cap(attempt: int, seconds: int) -> None:
    assert backoff_ms(RetryPolicy(), attempt, jitter=0.5) == seconds * 500


def test_full_jitter_reaches_down_to_no_wait_at_all() -> None:
    assert backoff_ms(RetryPolicy(), 5, jitter=0.0) == 0


@pytest.mark.parametrize(
    ("code", "of_use", "retried"),
    [
        ("plain", True, True),
        ("plain", False, False),
        ("hopeless", True, False),
        ("hopeless", False, False),
        ("stubborn", True, True),
        ("stubborn", False, True),
    ],
)
def test_the_policy_overrules_what_job_code_says_of_the_codes_that_it_names(
    code: str, of_use: bool, retried: bool
) -> None:
    policy = RetryPolicy(never_on={"hopeless"}, always_on={"stubborn"})
    assert policy.allows(code, retryable=of_use) is retried


def test_an_error_is_retried_where_nobody_says_otherwise() -> None:
    assert RetryPolicy().allows("plain")


@pytest.mark.parametrize(
    ("retry_after_seconds", "waited_ms"), [(None, 2_500), (0.0, 2_500), (1.5, 2_500), (2.625, 2_625)]
)
def test_the_wait_is_at_least_what_job_code_asked_for(
    retry_after_seconds: float | None, waited_ms: int
) -> None:
    assert backoff_ms(RetryPolicy(), 1, 0.5, retry_after_seconds) == waited_ms
