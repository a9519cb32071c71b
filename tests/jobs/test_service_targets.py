"""Targets that call a service, run in a child of the executor with the worker's keys, against played services."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from tests.harness.jobs.executors import BEAT_SECONDS, CLOCK, Beats, assignment
from tests.harness.jobs.services import Services, services
from tests.harness.waiting import becomes_true
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.adapters.executors.targets import state_machine
from tidegate.adapters.executors.targets.state_machine import followed, run_machine
from tidegate.adapters.executors.targets.waiting import MOST_UNTOLD
from tidegate.domain.errors import JobError
from tidegate.domain.limits import MAX_RESULT_BYTES
from tidegate.domain.targets import StateMachine
from tidegate.jobs.context import JobContext, StopRequest
from tidegate.jobs.targets.bounds import Bounds
from tidegate.ports import OutcomeKind, Signal

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:render"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:build"
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:build:01JD.7"


@pytest.fixture
def played() -> Iterator[Services]:
    with services() as state:
        yield state


@pytest.fixture
def executor(played: Services) -> Iterator[ProcessExecutor]:
    made = ProcessExecutor(
        CLOCK,
        heartbeat_seconds=BEAT_SECONDS,
        cancel_grace_seconds=10,
        hand_back_grace_seconds=10,
        packages=("tests.harness.jobs.servicecode",),
        environment=played.environment(),
    )
    yield made
    made.close()


def test_types_that_call_services_get_the_worker_s_keys(executor: ProcessExecutor) -> None:
    assert executor.job_types().wants_keys("service.function")
    assert executor.job_types().wants_keys("service.machine")
    assert not executor.job_types().faults()


def test_a_function_gets_the_parameters_and_who_calls(played: Services, executor: ProcessExecutor) -> None:
    played.function = (200, "", '{"pages": 3}')
    outcome = executor.execute(assignment("service.function", {"report": "ä"}), Beats())
    assert (outcome.kind, outcome.result) == (OutcomeKind.SUCCEEDED, {"pages": 3})
    (called,) = played.invocations
    assert FUNCTION in called["path"]
    assert called["event"] == {"report": "ä"}
    assert called["context"]["custom"]["tidegate"] == {"job_id": "01JD.7", "attempt": 2, "key": "seven"}


@pytest.mark.parametrize(
    ("function", "code", "retryable"),
    [
        ((200, "Unhandled", '{"errorType": "KeyError", "errorMessage": "no page"}'), "KeyError", True),
        ((200, "Unhandled", "no json"), "function-error", True),
        ((200, "", "{"), "result-not-json", False),
        ((200, "", '"' + "x" * MAX_RESULT_BYTES + '"'), "result-too-large", False),
        ((429, "TooManyRequestsException", "{}"), "TooManyRequestsException", True),
        ((404, "ResourceNotFoundException", "{}"), "ResourceNotFoundException", False),
        ((403, "AccessDeniedException", "{}"), "not-allowed", False),
        ((500, "ServiceException", "{}"), "ServiceException", True),
    ],
)
def test_the_failures_of_a_function_are_errors_of_the_job(
    played: Services, executor: ProcessExecutor, function: tuple[int, str, str], code: str, retryable: bool
) -> None:
    played.function = function
    outcome = executor.execute(assignment("service.function"), Beats())
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, code, retryable)
    assert len(played.invocations) == 1, "a repeat could run the function twice"


def test_a_cancelled_job_does_not_wait_for_its_function(played: Services, executor: ProcessExecutor) -> None:
    played.hold = threading.Event()
    beats = Beats(Signal.CANCEL, when=lambda _: played.began.is_set())
    assert executor.execute(assignment("service.function"), beats).kind is OutcomeKind.CANCELLED
    played.hold.set()


def test_an_execution_is_followed_to_its_output(played: Services, executor: ProcessExecutor) -> None:
    played.ends["*"] = {"status": "RUNNING"}

    def finish() -> None:
        assert played.began.wait(30)
        played.executions[f"{EXECUTION}-2"].update(status="SUCCEEDED", output='{"built": true}')

    finisher = threading.Thread(target=finish, daemon=True)
    finisher.start()
    outcome = executor.execute(assignment("service.machine", {"tag": "v1"}), Beats())
    finisher.join(10)
    assert (outcome.kind, outcome.result) == (OutcomeKind.SUCCEEDED, {"built": True})
    assert played.executions[f"{EXECUTION}-2"]["input"] == '{"tag": "v1"}'


@pytest.mark.parametrize("ended", [True, False])
def test_a_start_that_is_sent_twice_starts_one_execution(
    played: Services, executor: ProcessExecutor, ended: bool
) -> None:
    """AWS answers the second start with the first execution while it runs, and refuses it once that has ended."""
    played.lost = 1
    if ended:
        played.ends["*"] = {"status": "SUCCEEDED", "output": "1"}
    else:
        played.began.clear()

        def finish() -> None:
            assert becomes_true(lambda: played.lost == 0)
            played.executions[f"{EXECUTION}-2"].update(status="SUCCEEDED", output="1")

        threading.Thread(target=finish, daemon=True).start()
    outcome = executor.execute(assignment("service.machine"), Beats())
    assert (outcome.kind, outcome.result) == (OutcomeKind.SUCCEEDED, 1)
    assert played.starts == 1


def test_an_execution_goes_on_while_its_state_cannot_be_read(
    played: Services, executor: ProcessExecutor
) -> None:
    played.throttled = 6  # more than one question, which the client sends four times
    played.ends["*"] = {"status": "SUCCEEDED", "output": "1"}
    outcome = executor.execute(assignment("service.machine"), Beats())
    assert (outcome.kind, outcome.result) == (OutcomeKind.SUCCEEDED, 1)
    assert played.throttled == 0


def test_questions_about_an_execution_have_a_bound() -> None:
    refused = ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeExecution")
    client = Mock()
    client.describe_execution.side_effect = refused
    bounds = Mock(remaining_seconds=3_600.0)
    with pytest.raises(JobError) as raised:
        followed(client, MACHINE, f"{EXECUTION}-2", bounds)
    assert raised.value.code == "ThrottlingException"
    assert client.describe_execution.call_count == MOST_UNTOLD


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        ({"status": "FAILED", "error": "Build.Broken", "cause": "no disk"}, "Build.Broken"),
        ({"status": "FAILED"}, "execution-failed"),
        ({"status": "TIMED_OUT"}, "execution-timed-out"),
        ({"status": "ABORTED"}, "execution-aborted"),
    ],
)
def test_an_execution_that_fails_fails_the_job(
    played: Services, executor: ProcessExecutor, ended: dict[str, str], code: str
) -> None:
    played.ends["*"] = ended
    outcome = executor.execute(assignment("service.machine"), Beats())
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, code, True)


@pytest.mark.parametrize("asked", [Signal.CANCEL, Signal.HAND_BACK])
def test_an_execution_stops_with_its_job(played: Services, executor: ProcessExecutor, asked: Signal) -> None:
    beats = Beats(asked, when=lambda _: played.began.is_set())
    outcome = executor.execute(assignment("service.machine"), beats)
    assert outcome.kind in (OutcomeKind.CANCELLED, OutcomeKind.HANDED_BACK)
    assert played.executions[f"{EXECUTION}-2"]["status"] == "ABORTED"


@pytest.mark.parametrize("timeout_ms", [3_000, 60_000])
def test_an_execution_stops_when_the_time_of_its_job_or_target_is_over(
    played: Services, executor: ProcessExecutor, timeout_ms: int
) -> None:
    target = "service.machine" if timeout_ms == 3_000 else "service.brief"
    outcome = executor.execute(assignment(target, timeout_ms=timeout_ms), Beats())
    assert outcome.kind is OutcomeKind.TIMED_OUT
    assert played.executions[f"{EXECUTION}-2"]["status"] == "ABORTED"


def test_a_later_attempt_stops_the_execution_that_a_lost_worker_left(
    played: Services, executor: ProcessExecutor
) -> None:
    left = f"{EXECUTION}-1"
    played.executions[left] = {"executionArn": left, "input": "{}", "status": "RUNNING"}
    played.ends["*"] = {"status": "SUCCEEDED", "output": "null"}
    assert executor.execute(assignment("service.machine"), Beats()).kind is OutcomeKind.SUCCEEDED
    assert played.executions[left]["status"] == "ABORTED"


def test_a_target_outside_of_the_allow_list_fails_for_good_and_names_the_parameter(
    played: Services, executor: ProcessExecutor
) -> None:
    played.denied = True
    for target in ("service.machine", "service.function"):
        outcome = executor.execute(assignment(target), Beats())
        assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "not-allowed", False)
        assert "TargetArns" in outcome.message


def test_a_refusal_names_the_arn_that_the_list_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS asks for the machine's own ARN where an alias of it is started."""
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "StartExecution")
    client = Mock(start_execution=Mock(side_effect=denied))
    monkeypatch.setattr(state_machine, "client_for", lambda *_, **__: client)
    context = JobContext(
        job_id="01JD.7",
        attempt=1,
        remaining_seconds=lambda: 30.0,
        report_progress=lambda _: None,
        stop=StopRequest(),
    )
    with pytest.raises(JobError, match=rf"may not call {MACHINE}; name it in the parameter TargetArns"):
        run_machine(StateMachine(f"{MACHINE}:live"), {}, context, Bounds(context, None))
    client.start_execution.assert_called_once()
    assert client.start_execution.call_args.kwargs["stateMachineArn"] == f"{MACHINE}:live"
    client.stop_execution.assert_called_once()
    assert client.stop_execution.call_args.kwargs["executionArn"] == f"{EXECUTION}-1"
