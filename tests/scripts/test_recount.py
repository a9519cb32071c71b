"""`dev/scripts/recount.py` counts hours of a stack's pool anew, with the settings of its reaper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from dev.benchmarks.local_tables import table_definitions
from dev.scripts import recount
from dev.scripts.walks import environment_of
from tests.harness.contract.jobs import new_job
from tidegate import bootstrap
from tidegate.domain.states import State
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import DAY_MS, HOUR_MS, Counted, Reached, Span, floor_to
from tidegate.settings import read_settings, read_tables
from tidegate.usecases.services import Services

REGION = "eu-west-1"
DEFINITIONS = table_definitions()
SINCE_MS = floor_to(int(datetime.now(UTC).timestamp() * 1_000), HOUR_MS) - 5 * HOUR_MS
ENVIRONMENT = environment_of({name: f"x-{name}" for name in DEFINITIONS}, "https://queue")


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Makes the tables of a stack, in which one hour is counted with one end."""
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        dynamodb = boto3.client("dynamodb")
        for name in ("Jobs", "Control", "Progress"):
            dynamodb.create_table(TableName=f"x-{name}", **DEFINITIONS[name])
        services = bootstrap.aws_services(
            read_settings(ENVIRONMENT), read_tables(ENVIRONMENT), bootstrap.connect_system()
        )
        until_ms = SINCE_MS + HOUR_MS
        reached = Reached(SINCE_MS, until_ms, until_ms, floor_to(SINCE_MS, DAY_MS))
        services.statistics.advance("lambda", None, reached)
        hour = Counted(SINCE_MS, until_ms, Rollup({"a": Figures(succeeded=1)}))
        services.statistics.put("lambda", Span.HOUR, hour, expires_at_s=until_ms // 1_000 + 86_400)
        yield services


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers for CloudFormation and Lambda."""
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    functions = boto3.client("lambda", region_name=REGION)
    detail = {
        "LogicalResourceId": "ReaperFunction",
        "PhysicalResourceId": "x-reaper",
        "ResourceType": "AWS::Lambda::Function",
        "LastUpdatedTimestamp": datetime(2026, 12, 1, tzinfo=UTC),
        "ResourceStatus": "CREATE_COMPLETE",
    }
    asked = {"StackName": "x", "LogicalResourceId": "ReaperFunction"}
    for client, method, answer, expected in (
        (cloudformation, "describe_stack_resource", {"StackResourceDetail": detail}, asked),
        (
            functions,
            "get_function_configuration",
            {"Environment": {"Variables": ENVIRONMENT}},
            {"FunctionName": "x-reaper"},
        ),
    ):
        stubber = Stubber(client)
        stubber.add_response(method, answer, expected)
        stubber.activate()
    made: dict[str, Any] = {"cloudformation": cloudformation, "lambda": functions}
    make_client = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name: made[name] if name in made else make_client(name))


def counting(from_ms: int) -> int:
    begin, end = (
        datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat() for at_ms in (from_ms, from_ms + 1_000)
    )
    return recount.main(["--stack", "x", "--pool", "lambda", "--from", begin, "--to", end])


@pytest.mark.parametrize(("ends", "said"), [(0, "1 ends, +0, of which 0 are still there"), (3, "3 ends, +2")])
def test_an_hour_is_counted_anew(
    services: Services, capsys: pytest.CaptureFixture[str], ends: int, said: str
) -> None:
    jobs = [
        replace(new_job(f"{number:026d}", pool="lambda"), state=State.SUCCEEDED, finished_at_ms=SINCE_MS + 1)
        for number in range(ends)
    ]
    services.kept_ends.keep(jobs)
    assert counting(SINCE_MS) == 0
    assert capsys.readouterr().out.endswith(f"Z: {said}\n")
    (hour,) = services.statistics.find("lambda", Span.HOUR, SINCE_MS, SINCE_MS + 1)
    assert hour.rollup.total.ended == max(1, ends)


def test_the_settings_of_another_version_are_refused(
    services: Services, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del services
    monkeypatch.delitem(ENVIRONMENT, "TIDEGATE_POOLS")
    assert counting(SINCE_MS) == 1
    said = capsys.readouterr()
    assert "stack: has settings that this version can't read" in said.err
    assert not said.out


def test_an_hour_that_is_not_counted_yet_is_refused(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    del services
    assert counting(SINCE_MS + HOUR_MS) == 1
    assert "later hours are not counted yet" in capsys.readouterr().err
