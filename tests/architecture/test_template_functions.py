"""The template's functions reserve no concurrency, turn failed events into dead letters and log their metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.architecture.test_permissions import inline, listed
from tests.harness.functions.loaded import loaded_by
from tests.harness.template import PSEUDO, Resolved, Transformed
from tidegate.entry.metrics import Publisher

SMALLEST_ACCOUNT_EXECUTIONS = 10
"""Concurrent executions of a new account, all of which AWS wants to stay unreserved there."""
STREAM_SHARDS = 4
"""Shards of the stream of a new table, each of which calls one dispatcher at a time."""

EVENT_AGE_SECONDS = 300
SCHEDULED = {"DispatcherFunction", "ReaperFunction"}
LOG_LEVELS = {"DEBUG": "DEBUG", "INFO": "INFO", "WARNING": "WARN", "ERROR": "ERROR"}
"""The parameter's values, and Lambda's names for them."""


def functions(template: Resolved) -> dict[str, dict[str, Any]]:
    return {
        name: spec["Properties"]
        for name, spec in template.resources.items()
        if spec["Type"] in ("AWS::Serverless::Function", "AWS::Lambda::Function")
    }


def publishers() -> set[str]:
    """Returns the functions that load the table of metrics."""
    table = Path("layers/core/tidegate/entry/metrics.py")
    names = functions(Resolved())
    return {name for name in names if table in loaded_by(name.removesuffix("Function").lower())}


@pytest.mark.parametrize("template", [Resolved(), Transformed()], ids=["written", "transformed"])
def test_the_defaults_reserve_nothing_so_that_they_deploy_in_every_account(template: Resolved) -> None:
    assert len(functions(template)) == 5
    for name, properties in functions(template).items():
        assert "ReservedConcurrentExecutions" not in properties, name
        assert "ProvisionedConcurrencyConfig" not in properties, name


def test_the_workers_leave_room_for_the_other_functions_of_a_new_account() -> None:
    workers = int(Resolved().properties("WorkerSource")["ScalingConfig"]["MaximumConcurrency"])
    others = len(("the API", "the reaper")) + STREAM_SHARDS
    assert workers + others <= SMALLEST_ACCOUNT_EXECUTIONS


def test_dispatchers_take_turns_unless_exactly_one_is_reserved() -> None:
    def lease(concurrency: str) -> str:
        template = Resolved(DispatcherConcurrency=concurrency)
        dispatcher = template.properties("DispatcherFunction")
        variables, reserved = (
            dispatcher["Environment"]["Variables"],
            dispatcher.get("ReservedConcurrentExecutions"),
        )
        assert reserved == (None if concurrency == "0" else concurrency)
        return str(variables["TIDEGATE_DISPATCH_LEASE_SECONDS"])

    assert Resolved().parameters["DispatcherConcurrency"] == "0"
    assert [lease(concurrency) for concurrency in ("0", "1", "2")] == ["60", "0", "60"]


def test_what_fails_of_a_schedule_s_event_or_finds_no_room_becomes_a_dead_letter() -> None:
    template = Transformed()
    found = {
        spec["Properties"]["FunctionName"]: {
            key: value
            for key, value in spec["Properties"].items()
            if key not in ("FunctionName", "Qualifier")
        }
        for spec in template.resources.values()
        if spec["Type"] == "AWS::Lambda::EventInvokeConfig"
    }
    config = {
        "MaximumEventAgeInSeconds": EVENT_AGE_SECONDS,
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": "<EventDeadLetters.Arn>"}},
    }
    assert found == {f"<{name}>": config for name in SCHEDULED}
    for name in SCHEDULED:
        role = template.properties(name.replace("Function", "Role"))
        may_send = {
            resource
            for each in inline(role)
            if "sqs:SendMessage" in listed(each["Action"])
            for resource in listed(each["Resource"])
        }
        assert "<EventDeadLetters.Arn>" in may_send, name


def test_every_function_that_a_schedule_calls_says_what_becomes_of_its_events() -> None:
    called = {
        name
        for name, properties in functions(Resolved()).items()
        if any(event["Type"].startswith("Schedule") for event in properties.get("Events", {}).values())
    }
    assert called == SCHEDULED


def test_what_could_not_be_handed_over_becomes_a_dead_letter_as_well() -> None:
    for name in SCHEDULED:
        (schedule,) = Resolved().properties(name)["Events"].values()
        assert schedule["Properties"]["DeadLetterConfig"] == {"Arn": "<EventDeadLetters.Arn>"}


@pytest.mark.parametrize("alarms", ["false", "true"])
@pytest.mark.parametrize("level", LOG_LEVELS)
def test_lambda_lets_through_what_the_log_level_asks_for_and_always_metrics_and_what_jobs_print(
    level: str, alarms: str
) -> None:
    with_metrics = publishers() if alarms == "true" else {"ReaperFunction"}
    for name, properties in functions(Resolved(LogLevel=level, Alarms=alarms)).items():
        logging = properties["LoggingConfig"]
        assert logging["LogFormat"] == "JSON"
        always_info = name in with_metrics or name == "WorkerFunction"  # the lines of jobs have no level
        lowest = LOG_LEVELS[level] if level == "DEBUG" or not always_info else "INFO"
        assert logging["ApplicationLogLevel"] == lowest, name


@pytest.mark.parametrize("level", LOG_LEVELS)
def test_the_platform_says_nothing_of_calls_that_went_well_except_to_debug(level: str) -> None:
    for name, properties in functions(Resolved(LogLevel=level)).items():
        wanted = "INFO" if level == "DEBUG" else "WARN"
        assert properties["LoggingConfig"]["SystemLogLevel"] == wanted, name


def test_the_functions_that_publish_metrics_are_those_of_the_table() -> None:
    assert publishers() == {f"{each.title()}Function" for each in Publisher}


def test_the_loads_of_pools_are_published_by_the_reaper_alone() -> None:
    """The reaper shares no slot with the streams, so jobs can't hold up the metrics that ECS scales by."""
    loads = Path("layers/core/tidegate/entry/loads.py")
    names = functions(Resolved())
    assert [name for name in names if loads in loaded_by(name.removesuffix("Function").lower())] == [
        "ReaperFunction"
    ]


@pytest.mark.parametrize("alarms", ["false", "true"])
def test_a_function_publishes_every_metric_where_there_are_alarms(alarms: str) -> None:
    template = Resolved(Alarms=alarms)
    stage = template.properties("Api")["Variables"]  # the function of the API has no room for variables
    assert (stage["stack"], stage.get("metrics")) == (
        PSEUDO["AWS::StackName"],
        "all" if alarms == "true" else None,
    )
    assert Resolved(Alarms=alarms, OAuthApi="true").properties("SignInApi")["Variables"].get("metrics") == (
        stage.get("metrics")
    )
    for name in publishers() - {"ApiFunction"}:
        variables = template.properties(name)["Environment"]["Variables"]
        assert variables["TIDEGATE_ALL_METRICS"] == alarms, name
        assert variables["TIDEGATE_STACK"] == PSEUDO["AWS::StackName"], name
