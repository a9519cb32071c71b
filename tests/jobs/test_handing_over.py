"""Job code hands its attempt over in the executors that workers use, with its token."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.domain.outside import FinishToken, HandedOver
from tidegate.domain.states import State
from tidegate.jobs.attempt import AttemptReport, ReportKind, report_from, run_attempt
from tidegate.jobs.builtin import ApprovalParameters
from tidegate.jobs.context import JobContext, StopRequest
from tidegate.jobs.registry import Parameters, Registry
from tidegate.jobs.testing import TEST_TOKEN, run_job

REGISTRY = Registry()


class Frames(Parameters):
    """The parameters of a test."""

    seconds: float = 60.0


@REGISTRY.job("test.hands_over")
def hands_over(parameters: Frames, context: JobContext) -> HandedOver:
    """Hands the job over, and shows the token."""
    return HandedOver(parameters.seconds, message=context.finish_token)


@REGISTRY.job("test.hands_over_later")
async def hands_over_later(parameters: Frames, context: JobContext) -> HandedOver:
    """Hands the job over from a coroutine."""
    return hands_over(parameters, context)


@REGISTRY.job("test.may_run_twice", second_attempt=True)
def may_run_twice(parameters: Frames, context: JobContext) -> HandedOver:
    """Tries to hand over what may run twice."""
    return hands_over(parameters, context)


@pytest.mark.parametrize("job_type", ["test.hands_over", "test.hands_over_later"])
def test_a_job_is_handed_over_in_a_test_of_its_author(job_type: str) -> None:
    outcome = run_job(job_type, registry=REGISTRY)
    assert (outcome.state, outcome.handed_over) == (State.RUNNING, HandedOver(60.0, message=TEST_TOKEN))


def test_a_type_that_may_run_twice_is_refused() -> None:
    outcome = run_job("test.may_run_twice", registry=REGISTRY)
    assert (outcome.state, outcome.code, outcome.retryable) == (State.FAILED, "not-handed-over", False)
    assert "leave out second_attempt" in outcome.message


@pytest.mark.parametrize("seconds", [0, 0.5, -1, 2_592_001, float("inf"), float("nan")])
def test_a_time_out_of_range_fails_the_job_and_says_the_range(seconds: float) -> None:
    for name in ("timeout_seconds", "lease_seconds"):
        with pytest.raises(ValueError, match="give 1 to 2592000 seconds, or leave it out"):
            HandedOver(**{name: seconds})  # type: ignore[arg-type]  # the names are of numbers


def test_a_message_is_cut_and_made_plain() -> None:
    assert (
        HandedOver(message="a\x00b" + "x" * 500).message == HandedOver(message="a\x00b" + "x" * 300).message
    )
    assert len(HandedOver(message="x" * 500).message) == 200


def _message(**handed_over: Any) -> dict[str, Any]:
    return {"report": "HANDED_OVER", "handed_over": handed_over}


def test_the_message_of_a_job_process_is_read_and_checked() -> None:
    told = _message(timeout_seconds=5, lease_seconds=None, message="waits")
    assert report_from(told) == AttemptReport(
        ReportKind.HANDED_OVER, handed_over=HandedOver(5, message="waits")
    )
    for wrong in (
        _message(timeout_seconds=0),
        _message(timeout_seconds="5"),
        _message(forged=1),
        _message(message=5),
    ):
        with pytest.raises((TypeError, ValueError)):
            report_from(wrong)


def test_an_approval_hands_over_at_once_with_its_title() -> None:
    outcome = run_job("tidegate.approval", {"title": "Publish?", "timeout_seconds": 86_400})
    assert outcome.handed_over == HandedOver(86_400, message="Publish?")
    assert ApprovalParameters(title="x").timeout_seconds == 604_800


def test_a_token_is_a_text_for_a_url_and_nothing_else_is_one() -> None:
    token = FinishToken("01KATDPGZ8M5B6W2Y3Q7RVXN4C.9999", 26, "f" * 32)
    assert FinishToken.read(token.text) == token
    assert token.text.isascii()
    assert not {"=", "+", "/"} & set(token.text)
    for wrong in (token.text[:-1], token.text + "A", token.text + "=", token.text[1:], "", "ä", "Zg"):
        assert FinishToken.read(wrong) != token
    assert token.secret not in repr(token)


def test_job_code_without_a_token_can_not_hand_over() -> None:
    found = REGISTRY.find("test.hands_over")
    assert found is not None
    context = JobContext(
        job_id="S.0",
        attempt=1,
        remaining_seconds=lambda: 60.0,
        report_progress=lambda _: None,
        stop=StopRequest(),
    )
    assert run_attempt(found, {}, context).code == "not-handed-over"
