"""A byte stands for a duration to within 3.1 % of it, or to within 10 ms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain import limits
from tidegate.domain.durations import NO_TIME, UNKNOWN, byte_of, seconds_of

ERROR = 0.031
ROUNDING = 0.006  # of three digits


@given(st.floats(0.0, limits.MAX_TIMEOUT_SECONDS, allow_nan=False))
def test_a_duration_comes_back_nearly_as_it_was(seconds: float) -> None:
    kept = seconds_of(byte_of(seconds))
    assert kept is not None
    assert abs(kept - seconds) <= max(0.01, seconds * (ERROR + ROUNDING))


@given(st.floats(0.0, 1e9), st.floats(0.0, 1e9))
def test_a_longer_duration_never_has_a_lower_byte(one: float, other: float) -> None:
    assert (byte_of(min(one, other)) <= byte_of(max(one, other))) is True
    assert NO_TIME <= byte_of(max(one, other)) <= 255


def test_a_job_that_never_ran_took_no_time_and_an_unknown_duration_is_none() -> None:
    assert seconds_of(byte_of(None)) == 0.0
    assert seconds_of(UNKNOWN) is None
