"""A healthy deployment behind boto3's own clients: what they send is checked by botocore, and so is what they get."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
import yaml
from botocore.validate import ParamValidator

from tests.harness.tables import TEMPLATE
from tidegate_cli.doctor.facts import (
    DEAD_LETTERS,
    EVENT_STREAMS,
    FUNCTIONS,
    OUTPUTS,
    QUEUES,
    SOURCES,
    STREAMS,
    TABLES,
    WEBHOOKS,
    WEBHOOKS_DEAD_LETTERS,
    WEBHOOKS_OUTPUTS,
    WEBHOOKS_QUEUES,
)
from tidegate_cli.doctor.judge import PARAMETER_OF

API_URL = "https://abc123.execute-api.eu-west-1.amazonaws.com/live"
API_ID = "abc123"
REGION = "eu-west-1"
_ARN = "arn:aws:lambda:eu-west-1:123456789012"
_DEFAULTS = {
    name: str(stated["Default"])
    for name, stated in yaml.safe_load(TEMPLATE.read_text(encoding="utf-8").partition("Mappings:")[0])[
        "Parameters"
    ].items()
}
"""The parameters of the template by name. Only this part of it is read, because the rest takes seconds."""
_SESSION = boto3.Session("AKIDEXAMPLE", "secret", region_name=REGION)


class FakeAws:
    """The parts of a deployment as plain values, which a test breaks. `denied` names operations that AWS denies.

    Each part is what the operation answers. `asked` are the names of the operations that were called, in order.
    """

    def __init__(self) -> None:
        self.denied: set[str] = set()
        self.asked: list[str] = []
        self.stack: dict[str, Any] = {
            "StackName": "prod",
            "StackStatus": "UPDATE_COMPLETE",
            "CreationTime": datetime(2026, 11, 1, tzinfo=UTC),
            "Outputs": [
                {"OutputKey": name, "OutputValue": API_ID if name == "ApiId" else f"prod-{name}"}
                for name in OUTPUTS
            ],
            "Parameters": [
                {"ParameterKey": name, "ParameterValue": value} for name, value in _DEFAULTS.items()
            ],
        }
        self.functions = {name: _function(name) for name in FUNCTIONS}
        self.aliases: dict[str, dict[str, Any]] = {}
        self.tables = {name: _table(name) for name in STREAMS}
        self.sources = {name: _sources(name) for name in SOURCES}
        self.schedules: dict[str, dict[str, Any]] = {
            name: {
                "State": "ENABLED",
                "ScheduleExpression": "rate(1 minute)",
                "CreationDate": datetime(2026, 11, 1, tzinfo=UTC),
            }
            for name in ("dispatcher", "reaper")
        }
        self.letters = dict.fromkeys(DEAD_LETTERS, 0)
        self.queues = {name: {"QueueArn": _queue_arn(name), "Policy": _policy(name)} for name in QUEUES}
        self.expiries = {
            name: {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"} for name in TABLES
        }
        self.lags_ms: dict[str, list[float]] = {"dispatcher": [200.0], "recorder": []}
        self.account = {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
        self.reserved: dict[str, int] = {}

    def publish_events(self) -> None:
        """Makes the stack one that publishes events, with all that belongs to that."""
        self.stack["Parameters"].append({"ParameterKey": "PublishEvents", "ParameterValue": "true"})
        for number, (name, (view, _)) in enumerate(EVENT_STREAMS.items(), 1):
            self.tables[name] = _table(name, view)
            self.sources["recorder"].append(_source("recorder", number, self.tables[name]["LatestStreamArn"]))

    def send_webhooks(self) -> None:
        """Makes the stack one that sends to webhooks, with all that belongs to that."""
        self.publish_events()
        self.stack["Parameters"] = [
            each for each in self.stack["Parameters"] if each["ParameterKey"] != "Webhooks"
        ]
        self.stack["Parameters"].append({"ParameterKey": "Webhooks", "ParameterValue": "true"})
        self.stack["Outputs"] += [
            {"OutputKey": name, "OutputValue": f"prod-{name}"} for name in WEBHOOKS_OUTPUTS
        ]
        self.functions[WEBHOOKS] = _function(WEBHOOKS)
        # Of the tables that it does not use it gets an empty name.
        self.functions[WEBHOOKS]["Environment"]["Variables"].update(
            {"TIDEGATE_TABLE_JOBS": "", "TIDEGATE_TABLE_SUBMISSION_PLANS": ""}
        )
        self.sources[WEBHOOKS] = [_source(WEBHOOKS, 0, _queue_arn(WEBHOOKS_QUEUES[0]))]
        self.letters[WEBHOOKS_DEAD_LETTERS] = 0
        for name in WEBHOOKS_QUEUES:
            self.queues[name] = {"QueueArn": _queue_arn(name), "Policy": _policy(name)}

    def client(self, service: str) -> Any:
        """Returns boto3's client of a service, which asks the FakeAws that gave it last. It sends nothing."""
        _WIRE.aws = self
        return _client(service)

    def answer(self, model: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Answers a call of the operation `model` with the arguments `given`."""
        self.asked.append(model.name)
        if model.name in self.denied:
            return _refusal("AccessDeniedException")
        answer = getattr(self, f"_{model.name}")(**given)
        if isinstance(answer, str):
            return _refusal(answer)
        report = ParamValidator().validate(answer, model.output_shape)
        assert not report.has_errors(), report.generate_report()
        return SimpleNamespace(status_code=200), answer

    def _DescribeStackResources(self, PhysicalResourceId: str) -> Any:  # noqa: N802, N803 - AWS's own names
        if PhysicalResourceId != API_ID:
            return "ValidationError"
        resource = {
            "StackName": "prod",
            "LogicalResourceId": "Api",
            "ResourceType": "AWS::ApiGateway::RestApi",
            "Timestamp": 1_800_000_000,
            "ResourceStatus": "CREATE_COMPLETE",
        }
        return {"StackResources": [resource]}

    def _DescribeStacks(self, StackName: str) -> Any:  # noqa: N802, N803
        return {"Stacks": [self.stack]} if StackName == "prod" else "ValidationError"

    def _GetFunctionConfiguration(self, FunctionName: str, Qualifier: str = "") -> Any:  # noqa: N802, N803
        if Qualifier:
            return self.aliases.get(f"{_part(FunctionName)}:{Qualifier}", "ResourceNotFoundException")
        return self.functions.get(_part(FunctionName), "ResourceNotFoundException")

    def _GetFunctionConcurrency(self, FunctionName: str) -> Any:  # noqa: N802, N803
        if _part(FunctionName) not in self.functions:
            return "ResourceNotFoundException"
        reserved = self.reserved.get(_part(FunctionName))
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    def _GetAccountSettings(self) -> Any:  # noqa: N802
        return {"AccountLimit": self.account}

    def _ListEventSourceMappings(self, FunctionName: str, Marker: str = "0") -> Any:  # noqa: N802, N803
        if _part(FunctionName) not in self.functions:
            return "ResourceNotFoundException"
        found, place = self.sources[_part(FunctionName)], int(Marker)
        more = {"NextMarker": str(place + 2)} if place + 2 < len(found) else {}
        return {"EventSourceMappings": found[place : place + 2], **more}

    def _GetSchedule(self, GroupName: str, Name: str) -> Any:  # noqa: N802, N803
        assert GroupName == "prod-ScheduleGroupName"
        return self.schedules.get(Name, "ResourceNotFoundException")

    def _GetQueueAttributes(self, QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N802, N803
        queue = QueueUrl.removeprefix("prod-").removesuffix("Url")
        if queue not in self.queues:
            return "AWS.SimpleQueueService.NonExistentQueue"
        if "Policy" in AttributeNames:
            return {"Attributes": self.queues[queue]}
        count = self.letters[queue]
        return {"Attributes": {AttributeNames[0]: str(count), AttributeNames[1]: "0"}}

    def _DescribeTable(self, TableName: str) -> Any:  # noqa: N802, N803 - AWS's own names
        found = self.tables.get(TableName.removeprefix("prod-").removesuffix("Table"))
        return {"Table": found} if found else "ResourceNotFoundException"

    def _DescribeTimeToLive(self, TableName: str) -> Any:  # noqa: N802, N803
        table = TableName.removeprefix("prod-").removesuffix("Table")
        found = self.expiries.get(table)
        return {"TimeToLiveDescription": found} if found else "ResourceNotFoundException"

    def _GetMetricStatistics(self, Dimensions: list[dict[str, str]], **_: Any) -> Any:  # noqa: N802, N803
        return {"Datapoints": [{"Maximum": age} for age in self.lags_ms[_part(Dimensions[0]["Value"])]]}


class _Wire:
    """The wire from the clients to a FakeAws. Clients are shared, because to make one takes longer than its calls."""

    aws: FakeAws
    given: dict[str, Any]

    def note(self, params: dict[str, Any], **_: Any) -> None:
        self.given = params

    def answer(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        return self.aws.answer(model, self.given)


_WIRE = _Wire()


@cache
def _client(service: str) -> Any:
    client = _SESSION.client(service)  # type: ignore[call-overload]  # any service
    client.meta.events.register("before-parameter-build", _WIRE.note)
    client.meta.events.register("before-call", _WIRE.answer)
    return client


def _refusal(code: str) -> tuple[Any, dict[str, Any]]:
    return SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": f"says {code}"}}


def _part(function_name: str) -> str:
    return function_name.removeprefix("prod-").removesuffix("FunctionName").lower()


def _function(name: str) -> dict[str, Any]:
    return {
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Runtime": _DEFAULTS["Runtime"],
        "Architectures": [_DEFAULTS["Architecture"]],
        "MemorySize": int(_DEFAULTS["WorkerMemoryMegabytes"]) if name == "worker" else 512,
        "Environment": {
            "Variables": {
                "TIDEGATE_TABLE_JOBS": "prod-JobsTable",
                "TIDEGATE_TABLE_SUBMISSION_PLANS": "prod-SubmissionPlansTable",
                **{variable: _DEFAULTS[parameter] for variable, parameter in PARAMETER_OF.items()},
            }
        },
        "Layers": [{"Arn": f"{_ARN}:layer:core:7", "CodeSize": 1}],
    }


def _table(name: str, view: str | None = None) -> dict[str, Any]:
    arn = f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name}"
    return {
        "TableArn": arn,
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": view or STREAMS[name][0]},
        "LatestStreamArn": f"{arn}/stream/2026-11-01T00:00:00.000",
    }


def _queue_arn(name: str) -> str:
    return f"arn:aws:sqs:eu-west-1:123456789012:{name}"


def _policy(name: str) -> str:
    """Returns the policy that the template gives to every queue."""
    statement = {
        "Sid": "OnlyByTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": _queue_arn(name),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _sources(function: str) -> list[dict[str, Any]]:
    arns = [_table(name)["LatestStreamArn"] for name, (_, readers) in STREAMS.items() if function in readers]
    return [_source(function, *each) for each in enumerate(arns or [_queue_arn("LambdaPoolQueue")])]


def _source(function: str, number: int, arn: str) -> dict[str, Any]:
    bound = {"ScalingConfig": {"MaximumConcurrency": 4}} if function == "worker" else {}
    return {
        "UUID": f"{function}-{number}".ljust(36, "-"),
        "EventSourceArn": arn,
        "State": "Enabled",
        "LastProcessingResult": "No records processed",
        **bound,
    }
