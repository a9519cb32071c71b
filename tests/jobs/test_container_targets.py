"""Targets that are container images, run in a child of the executor with the worker's keys, against a played ECS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.jobs.containers import CLUSTER, Containers, exited, failed_to_start
from tests.harness.jobs.executors import BEAT_SECONDS, CLOCK, Beats, assignment
from tests.harness.jobs.services import Services, services
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.adapters.executors.targets.container import MAX_OVERRIDES_CHARACTERS
from tidegate.adapters.executors.targets.container_ends import failure_of_task
from tidegate.domain.containers import Container
from tidegate.domain.logs import LogLine
from tidegate.domain.meanings import Meaning
from tidegate.ports import Outcome, OutcomeKind, Signal

NAME = "01JD_7-2"  # the job and the attempt, in the characters that ECS allows

WORK = Container(
    "service.container",
    "registry.example.com/render:3",
    256,
    512,
    CLUSTER,
    ("subnet-0a1b2c3d",),
    "arn:aws:iam::123456789012:role/fetch",
    exit_codes={75: Meaning("given-up", retryable=False)},
)


@pytest.fixture
def played() -> Iterator[Services]:
    with services() as state:
        yield state


@pytest.fixture
def ecs(played: Services) -> Containers:
    return played.containers


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


def run(executor: ProcessExecutor, **parameters: Any) -> Outcome:
    return executor.execute(assignment("service.container", parameters), Beats())


class Sink:
    """Keeps what jobs print."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, line: LogLine) -> None:
        if not line.text.startswith("INFO botocore."):  # the SDK tells where it found its keys
            self.texts.append(line.text)


@pytest.fixture
def printed(executor: ProcessExecutor) -> list[str]:
    sink = Sink()
    executor.print_to(sink)
    return sink.texts


def test_a_task_gets_the_parameters_and_its_last_line_is_the_result(
    ecs: Containers, executor: ProcessExecutor
) -> None:
    ecs.end, ecs.printed = exited(0), ["rendering ä", "page 2", "page 3", '{"pages": 3}']
    outcome = run(executor, report="ä")
    assert (outcome.kind, outcome.result) == (OutcomeKind.SUCCEEDED, {"pages": 3})
    (start,) = ecs.starts
    assert start["cluster"] == CLUSTER
    assert start["taskDefinition"].startswith("tidegate-test-target-service_container-")
    assert (start["launchType"], start["count"]) == ("FARGATE", 1)
    assert (start["clientToken"], start["startedBy"]) == (NAME, NAME)
    assert start["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-0a1b2c3d"],
        "securityGroups": ["sg-0a1b2c3d"],
        "assignPublicIp": "DISABLED",
    }
    (override,) = start["overrides"]["containerOverrides"]
    assert {each["name"]: each["value"] for each in override["environment"]} == {
        "TIDEGATE_JOB_ID": "01JD.7",
        "TIDEGATE_ATTEMPT": "2",
        "TIDEGATE_JOB_KEY": "seven",
        "TIDEGATE_PARAMETERS": '{"report": "\\u00e4"}',
    }


def test_the_output_of_a_task_is_the_log_of_its_job_each_line_once(
    ecs: Containers, executor: ProcessExecutor, printed: list[str]
) -> None:
    ecs.printed = ["one", "two", "three"]

    def finish() -> None:
        assert ecs.began.wait(30)
        ecs.printed += ["four", "the end"]
        next(iter(ecs.tasks.values())).update(exited(0))

    finisher = threading.Thread(target=finish, daemon=True)
    finisher.start()
    outcome = run(executor)
    finisher.join(10)
    assert outcome.kind is OutcomeKind.SUCCEEDED
    assert outcome.result is None, "the last line is no JSON"
    assert printed == ["one", "two", "three", "four", "the end"]


def test_a_task_that_prints_nothing_has_no_result(
    ecs: Containers, executor: ProcessExecutor, printed: list[str]
) -> None:
    ecs.end = exited(0)
    outcome = run(executor)
    assert (outcome.kind, outcome.result, printed) == (OutcomeKind.SUCCEEDED, None, [])


def test_a_result_that_cannot_be_read_is_not_passed_over(ecs: Containers, executor: ProcessExecutor) -> None:
    ecs.end, ecs.printed, ecs.denied = exited(0), ["1"], "GetLogEvents"
    outcome = run(executor)
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "not-allowed", False)
    ecs.tasks.clear()
    ecs.end = exited(3)
    assert run(executor).code == "exit-code-3", "the program's own end says more"


@pytest.mark.parametrize(
    ("end", "code", "retryable"),
    [
        (exited(1), "exit-code-1", True),
        (exited(75), "given-up", False),
        (exited(137, reason="OutOfMemoryError: Container killed due to memory usage"), "out-of-memory", False),
        (exited(137), "exit-code-137", True),
        (failed_to_start("CannotPullContainerError: image render:3: not found"), "image-not-pulled", False),
        (failed_to_start("CannotPullContainerError: toomanyrequests: rate limit"), "image-not-pulled", True),
        (failed_to_start("CannotStartContainerError: no such file"), "container-not-started", False),
        (failed_to_start("ResourceInitializationError: no route"), "task-not-prepared", True),
        (failed_to_start("something new"), "task-lost", True),
        ({**exited(143), "stopCode": "SpotInterruption"}, "spot-interruption", True),
        ({**exited(143), "stopCode": "TerminationNotice"}, "task-retired", True),
        ({**exited(0), "stopCode": "UserInitiated"}, "task-stopped", True),
        ({"lastStatus": "STOPPED", "containers": []}, "task-lost", True),
    ],
)  # fmt: skip
def test_the_end_of_a_task_is_an_error_by_its_kind(end: dict[str, Any], code: str, retryable: bool) -> None:
    error = failure_of_task(WORK, end)
    assert error is not None
    assert (error.code, error.retryable) == (code, retryable)


def test_an_exit_code_fails_the_job_with_its_log(
    ecs: Containers, executor: ProcessExecutor, printed: list[str]
) -> None:
    ecs.end, ecs.printed = exited(2), ["no such report"]
    outcome = run(executor)
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "exit-code-2", True)
    assert printed == ["no such report"]


def test_a_start_without_room_is_tried_again(ecs: Containers, executor: ProcessExecutor) -> None:
    ecs.failures = [{"reason": "Capacity is unavailable at this time"}]
    outcome = run(executor)
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "task-not-started", True)
    assert "Capacity is unavailable" in outcome.message


def test_a_target_that_is_not_registered_names_the_command(
    ecs: Containers, executor: ProcessExecutor
) -> None:
    ecs.families = set()
    outcome = run(executor)
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "not-registered", False)
    assert "tidegate types register" in outcome.message


def test_a_worker_without_the_right_fails_for_good_and_names_the_parameters(
    ecs: Containers, executor: ProcessExecutor
) -> None:
    ecs.denied = "RunTask"
    outcome = run(executor)
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "not-allowed", False)
    assert "ContainerCluster and ContainerRoles" in outcome.message


def test_parameters_that_a_task_cannot_be_given_are_refused_before_it_starts(
    ecs: Containers, executor: ProcessExecutor
) -> None:
    ecs.end = exited(0)
    frame = 300  # more than the other variables and the brackets have
    assert run(executor, text="x" * (MAX_OVERRIDES_CHARACTERS - frame)).kind is OutcomeKind.SUCCEEDED
    outcome = run(executor, text="x" * MAX_OVERRIDES_CHARACTERS)
    assert (outcome.kind, outcome.code, outcome.retryable) == (
        OutcomeKind.FAILED,
        "parameters-too-large",
        False,
    )
    assert len(ecs.starts) == 1


def test_a_start_that_is_sent_twice_starts_one_task(ecs: Containers, executor: ProcessExecutor) -> None:
    ecs.lost, ecs.end, ecs.printed = 1, exited(0), ["1"]
    assert run(executor).result == 1
    assert len(ecs.starts) == 1


def test_a_task_whose_start_was_never_answered_is_stopped(ecs: Containers, executor: ProcessExecutor) -> None:
    ecs.lost = 100
    outcome = run(executor)
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "unreachable", True)
    assert [task["stopCode"] for task in ecs.tasks.values()] == ["UserInitiated"]


def test_a_task_that_ecs_does_not_show_yet_is_asked_for_again(
    ecs: Containers, executor: ProcessExecutor
) -> None:
    ecs.unseen, ecs.end, ecs.printed = 2, exited(0), ["1"]
    assert run(executor).result == 1
    assert ecs.unseen == 0


@pytest.mark.parametrize("asked", [Signal.CANCEL, Signal.HAND_BACK])
def test_a_task_stops_with_its_job(ecs: Containers, executor: ProcessExecutor, asked: Signal) -> None:
    beats = Beats(asked, when=lambda _: ecs.began.is_set())
    outcome = executor.execute(assignment("service.container"), beats)
    assert outcome.kind in (OutcomeKind.CANCELLED, OutcomeKind.HANDED_BACK)
    assert [task["stopCode"] for task in ecs.tasks.values()] == ["UserInitiated"]


@pytest.mark.parametrize(("target", "timeout_ms"), [("container", 3_000), ("brief-container", 60_000)])
def test_a_task_stops_when_the_time_of_its_job_or_target_is_over(
    ecs: Containers, executor: ProcessExecutor, target: str, timeout_ms: int
) -> None:
    outcome = executor.execute(assignment(f"service.{target}", timeout_ms=timeout_ms), Beats())
    assert outcome.kind is OutcomeKind.TIMED_OUT
    assert [task["stopCode"] for task in ecs.tasks.values()] == ["UserInitiated"]


def test_a_later_attempt_stops_the_task_that_a_lost_worker_left_and_no_other(
    ecs: Containers, executor: ProcessExecutor
) -> None:
    left, other = ecs.leave("01JD_7-1"), ecs.leave("01JD_8-1")
    ecs.end = exited(0)
    assert run(executor).kind is OutcomeKind.SUCCEEDED
    assert left["stopCode"] == "UserInitiated"
    assert other["lastStatus"] == "RUNNING"


def test_earlier_tasks_that_cannot_be_listed_do_not_end_the_attempt(
    ecs: Containers, executor: ProcessExecutor
) -> None:
    ecs.denied, ecs.end = "ListTasks", exited(0)
    assert run(executor).kind is OutcomeKind.SUCCEEDED


def test_a_worker_that_does_not_know_its_stack_says_so(played: Services) -> None:
    known = played.environment()
    plain = {name: value for name, value in known.plain.items() if name != "TIDEGATE_STACK"}
    made = ProcessExecutor(
        CLOCK,
        heartbeat_seconds=BEAT_SECONDS,
        cancel_grace_seconds=1,
        hand_back_grace_seconds=1,
        packages=("tests.harness.jobs.servicecode",),
        environment=type(known)(plain, known.keys),
    )
    try:
        outcome = run(made)
    finally:
        made.close()
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, "variable-missing", False)
    assert not played.containers.starts
