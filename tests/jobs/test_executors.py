"""The promises that both executors keep for job code."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.harness.jobs.executors import (
    BEAT_SECONDS,
    CLOCK,
    JOBCODE,
    Beats,
    assignment,
    has_progress,
    without_lines,
)
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.domain import limits
from tidegate.domain.job import Progress
from tidegate.domain.states import State
from tidegate.jobs.loader import load_registry
from tidegate.ports import Executor, Outcome, OutcomeKind, Signal, UpstreamResult

QUICK_GRACE_SECONDS = 0.05
LONG_GRACE_SECONDS = 600.0


@pytest.fixture(params=["inline", "process"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _make(kind: str, grace_seconds: float) -> InlineExecutor | ProcessExecutor:
    if kind == "inline":
        return InlineExecutor(
            load_registry(JOBCODE),
            CLOCK,
            heartbeat_seconds=BEAT_SECONDS,
            cancel_grace_seconds=grace_seconds,
        )
    return ProcessExecutor(
        CLOCK,
        heartbeat_seconds=BEAT_SECONDS,
        cancel_grace_seconds=grace_seconds,
        hand_back_grace_seconds=grace_seconds,
        packages=(JOBCODE,),
    )


def _made(kind: str, grace_seconds: float) -> Iterator[Executor]:
    executor = _make(kind, grace_seconds)
    yield executor
    if isinstance(executor, ProcessExecutor):
        executor.close()


@pytest.fixture
def patient(kind: str) -> Iterator[Executor]:
    """Makes an executor that lets job code take all the time it wants to stop."""
    yield from _made(kind, LONG_GRACE_SECONDS)


@pytest.fixture
def strict(kind: str) -> Iterator[Executor]:
    """Makes an executor that stops job code almost at once."""
    yield from _made(kind, QUICK_GRACE_SECONDS)


def test_a_result_is_made_of_parameters_and_upstreams(patient: Executor) -> None:
    upstreams = [
        UpstreamResult("01JD.1", "one", State.SUCCEEDED, 4),
        UpstreamResult("01JC", None, State.SUCCEEDED, 5),
    ]
    outcome = patient.execute(assignment("sample.add", {"rows": 3}, upstreams=upstreams), Beats())
    assert outcome == Outcome(OutcomeKind.SUCCEEDED, result={"total": 12, "ratio": 0.5})


def test_job_code_knows_its_attempt(patient: Executor) -> None:
    outcome = patient.execute(assignment("sample.describe"), Beats())
    assert isinstance(outcome.result, dict)
    described = {name: outcome.result[name] for name in ("job_id", "attempt", "key", "has_time")}
    assert described == {"job_id": "01JD.7", "attempt": 2, "key": "seven", "has_time": True}


def test_a_failure_on_purpose_says_whether_to_try_again(patient: Executor) -> None:
    outcome = patient.execute(assignment("sample.refuse"), Beats())
    assert without_lines(outcome) == Outcome(
        OutcomeKind.FAILED, code="job-error", message="the input is gone", retryable=False
    )


def test_an_exception_fails_the_attempt_without_a_traceback(patient: Executor) -> None:
    outcome = patient.execute(assignment("sample.crash", {"rows": 7}), Beats())
    assert without_lines(outcome) == Outcome(
        OutcomeKind.FAILED, code="SecretError", message="cannot work with 7 rows"
    )


def test_a_failure_comes_with_the_last_lines_and_the_frames_of_job_code(patient: Executor) -> None:
    outcome = patient.execute(assignment("sample.crash", {"rows": 7}), Beats())
    first, *frames = outcome.last_lines
    assert first == "ERROR tidegate.jobs job 01JD.7 attempt 2 raised SecretError"
    assert frames[0].endswith("in crash")
    assert "attempt.py" not in "".join(frames)
    assert "7 rows" not in "".join(frames)


def test_a_success_comes_without_lines(patient: Executor) -> None:
    assert patient.execute(assignment("sample.print"), Beats()).last_lines == ()


def test_the_log_of_an_exception_holds_frames_but_no_values(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="tidegate.jobs"):
        _make("inline", 1).execute(assignment("sample.crash", {"rows": 424_242}), Beats())
    assert "SecretError" in caplog.text
    assert "in crash" in caplog.text
    assert "424242" not in caplog.text


def test_leaving_the_process_fails_the_attempt_only(patient: Executor) -> None:
    outcome = patient.execute(assignment("sample.leave"), Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "SystemExit")


@pytest.mark.parametrize(
    ("job_type", "code", "message"),
    [
        ("sample.mute", "MuteError", "job code raised MuteError, whose text can't be read"),
        ("sample.cancel-itself", "CancelledError", "a secret"),
        ("sample.mistyped", "429", "try later"),
        ("sample.rude", "two lines", "?[31mred?\n\tnext ?2J ?"),
    ],
)
def test_whatever_job_code_raises_fails_the_attempt_only(
    patient: Executor, job_type: str, code: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = patient.execute(assignment(job_type), Beats())
    assert without_lines(outcome) == Outcome(OutcomeKind.FAILED, code=code, message=message)
    assert "Error: a secret" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("job_type", "code"),
    [("sample.not-a-number", "result-not-json"), ("sample.object", "result-not-json")],
)
def test_a_result_that_is_not_json_fails_for_good(patient: Executor, job_type: str, code: str) -> None:
    outcome = patient.execute(assignment(job_type), Beats())
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, code, False)


def test_the_largest_result_passes_and_one_byte_more_fails_for_good(patient: Executor) -> None:
    quotes = 2
    largest = limits.MAX_RESULT_BYTES - quotes
    passed = patient.execute(assignment("sample.large", {"size_bytes": largest}), Beats())
    assert passed.kind is OutcomeKind.SUCCEEDED
    refused = patient.execute(assignment("sample.large", {"size_bytes": largest + 1}), Beats())
    assert (refused.kind, refused.code, refused.retryable) == (OutcomeKind.FAILED, "result-too-large", False)


def test_the_deepest_result_passes_and_one_level_more_fails_for_good(patient: Executor) -> None:
    deepest = limits.MAX_RESULT_DEPTH
    passed = patient.execute(assignment("sample.deep", {"depth": deepest}), Beats())
    assert passed.kind is OutcomeKind.SUCCEEDED
    for depth in (deepest + 1, 900, 100_000):
        refused = patient.execute(assignment("sample.deep", {"depth": depth}), Beats())
        assert (refused.kind, refused.retryable) == (OutcomeKind.FAILED, False)
        assert refused.code in ("result-too-deep", "result-not-json")


def test_bad_parameters_fail_for_good_and_name_the_field(patient: Executor) -> None:
    outcome = patient.execute(assignment("sample.add", {"rows": "many"}), Beats())
    assert (outcome.kind, outcome.code, outcome.retryable) == (
        OutcomeKind.FAILED,
        "invalid-parameters",
        False,
    )
    assert outcome.message.startswith("rows: ")
    assert "many" not in outcome.message


def test_a_type_that_this_worker_lacks_may_be_tried_elsewhere(patient: Executor) -> None:
    begun: list[str] = []
    outcome = patient.execute(assignment("sample.absent"), Beats(), lambda: begun.append("sample.absent"))
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNABLE, "unknown-type")
    assert not begun  # no code of the job began, so no job that waits for its start may follow


def test_code_that_never_yields_times_out(patient: Executor) -> None:
    outcome = patient.execute(assignment("sample.spin", timeout_ms=300), Beats())
    assert outcome.kind is OutcomeKind.TIMED_OUT


@pytest.mark.parametrize(
    "job_type", ["sample.hold-interpreter", "sample.translate-interrupt", "sample.block-signals"]
)
def test_code_that_does_not_let_itself_be_interrupted_times_out(patient: Executor, job_type: str) -> None:
    """The code is in one endless call of C code, turns the interrupt into an error of its own, or blocks the signal."""
    outcome = patient.execute(assignment(job_type, timeout_ms=300), Beats())
    assert outcome.kind is OutcomeKind.TIMED_OUT


def test_heartbeats_go_on_under_cpu_bound_code_until_it_is_cancelled_by_force(strict: Executor) -> None:
    beats = Beats(*[Signal.GO_ON] * 5, Signal.CANCEL, when=has_progress)
    outcome = strict.execute(assignment("sample.spin"), beats)
    assert outcome.kind is OutcomeKind.CANCELLED
    assert beats.count >= 6
    assert beats.progress == [Progress(0.5, "spinning")]


def test_a_lost_attempt_is_stopped_without_grace(patient: Executor) -> None:
    outcome = patient.execute(assignment("sample.spin"), Beats(Signal.LOST, when=has_progress))
    assert outcome.kind is OutcomeKind.LOST


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [(Signal.CANCEL, OutcomeKind.CANCELLED), (Signal.HAND_BACK, OutcomeKind.HANDED_BACK)],
)
def test_code_that_listens_stops_by_itself(patient: Executor, asked: Signal, verdict: OutcomeKind) -> None:
    assert patient.execute(assignment("sample.wait-for-stop"), Beats(asked)).kind is verdict


def test_code_that_is_handed_back_and_does_not_listen_is_stopped(strict: Executor) -> None:
    outcome = strict.execute(assignment("sample.spin"), Beats(Signal.HAND_BACK, when=has_progress))
    assert outcome.kind is OutcomeKind.HANDED_BACK


def test_work_that_was_finished_in_spite_of_a_cancellation_counts(patient: Executor) -> None:
    outcome = patient.execute(assignment("sample.finish-when-cancelled"), Beats(Signal.CANCEL))
    assert outcome == Outcome(OutcomeKind.SUCCEEDED, result="finished")


def test_code_that_stops_though_nobody_asked_has_failed(patient: Executor) -> None:
    outcome = patient.execute(assignment("sample.stop-unasked"), Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "stopped")


def test_sleeping_job_code_wakes_at_its_deadline(patient: Executor) -> None:
    outcome = patient.execute(assignment("sample.wait-for-stop", timeout_ms=100), Beats())
    assert outcome.kind is OutcomeKind.TIMED_OUT


def test_an_interrupt_that_job_code_swallows_comes_again(kind: str) -> None:
    executor = _make(kind, QUICK_GRACE_SECONDS)
    outcome = executor.execute(assignment("sample.swallow-once", timeout_ms=300), Beats())
    assert outcome.kind is OutcomeKind.TIMED_OUT
    if isinstance(executor, ProcessExecutor):
        executor.close()


def test_job_code_says_how_long_to_wait_and_under_which_code(patient: Executor) -> None:
    assert without_lines(patient.execute(assignment("sample.throttled"), Beats())) == Outcome(
        OutcomeKind.FAILED,
        code="Throttled",
        message="the service asks for patience",
        retry_after_seconds=120,
    )
    nonsense = patient.execute(assignment("sample.impatient"), Beats())
    assert (nonsense.code, nonsense.retry_after_seconds) == ("N" * limits.MAX_ERROR_CODE_CHARACTERS, None)


def test_the_beginning_of_job_code_is_told_once_and_before_its_end(patient: Executor) -> None:
    told: list[str] = []
    outcome = patient.execute(assignment("sample.describe"), Beats(), lambda: told.append("begun"))
    assert outcome.kind is OutcomeKind.SUCCEEDED
    assert told == ["begun"]


def test_job_code_that_fails_has_begun(patient: Executor) -> None:
    told: list[str] = []
    outcome = patient.execute(assignment("sample.crash", {"rows": 1}), Beats(), lambda: told.append("begun"))
    assert outcome.kind is OutcomeKind.FAILED
    assert told == ["begun"]
