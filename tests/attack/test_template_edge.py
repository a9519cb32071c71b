"""The border between the outside and the stack: routes, throttling, logs, filters, transport, lengths of names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.architecture.test_permissions import FULL, of_type
from tests.architecture.test_template_pools import ON
from tests.harness import template as support
from tests.harness.tables import resources, routes
from tests.harness.template import PSEUDO, Resolved, Transformed, rules

LONGEST_STACK_NAME = "t" * 128
LONGEST_REGION = "ap-southeast-7"
MOST_ENVIRONMENT_BYTES = 4_096
ROOM_FOR_MORE_BYTES = 25
"""The bytes that the next parameter needs. Take from it, and say so here: the percent of second attempts took 35."""
PARAMETERS_OF_NO_VARIABLE = {"Runtime", "Architecture", "Tracing"}


@pytest.fixture(scope="module")
def plain() -> Transformed:
    """Returns the resources that are deployed when no parameter is set."""
    return Transformed()


def operations(template: Transformed) -> dict[tuple[str, str], dict[str, Any]]:
    paths = template.properties("Api")["Body"]["paths"]
    return {
        (method.upper(), path): each for path, methods in paths.items() for method, each in methods.items()
    }


# --- the API --------------------------------------------------------------------------------------
def test_health_is_answered_by_the_gateway_and_all_else_by_the_function_for_signed_calls(
    plain: Transformed,
) -> None:
    found = operations(plain)
    assert found.keys() == routes()
    health = found.pop(("GET", "/v1/health"))
    integration = health["x-amazon-apigateway-integration"]
    assert integration["type"] == "mock"
    assert json.loads(integration["requestTemplates"]["application/json"]) == {"statusCode": 200}
    (answer,) = integration["responses"].values()
    assert answer["statusCode"] in health["responses"]
    assert json.loads(answer["responseTemplates"]["application/json"]) == {"status": "ok"}
    assert health["security"] == [{"NONE": []}]
    for route, each in found.items():
        assert each["x-amazon-apigateway-integration"]["type"] == "aws_proxy", route
        assert "<ApiFunction.Arn>" in each["x-amazon-apigateway-integration"]["uri"], route
        assert each["security"] == [{"AWS_IAM": []}], route


def test_every_route_is_throttled_and_some_more_than_others(plain: Transformed) -> None:
    settings = plain.properties("ApiStage")["MethodSettings"]
    limits = {
        (each["HttpMethod"], each["ResourcePath"].replace("/~1", "/").replace("~1", "/")): (
            int(each["ThrottlingRateLimit"]),
            int(each["ThrottlingBurstLimit"]),
        )
        for each in settings
    }
    assert limits == {
        ("*", "/*"): (100, 200),
        ("GET", "/v1/health"): (10, 20),
        ("POST", "/v1/workflows"): (10, 20),
        ("POST", "/v1/timetables/{timetable_id}/backfill"): (5, 10),
        ("GET", "/v1/failures"): (10, 20),
        ("POST", "/v1/forecast"): (5, 10),
        ("POST", "/v1/webhooks/{webhook_id}/test"): (2, 4),
        ("GET", "/v1/jobs/{job_id}/forecast"): (5, 10),
        ("GET", "/v1/workflows/{workflow_id}/forecast"): (5, 10),
        ("GET", "/v1/stats"): (5, 10),
    }
    assert limits.keys() - {("*", "/*")} <= routes()
    more = Transformed(ApiRequestsPerSecond="500", ApiBurstRequests="900").properties("ApiStage")
    assert more["MethodSettings"][0]["ThrottlingRateLimit"] == "500"
    assert more["MethodSettings"][0]["ThrottlingBurstLimit"] == "900"


def test_access_logs_are_a_choice_that_never_stops_a_deployment_by_itself(plain: Transformed) -> None:
    assert "AccessLogSetting" not in plain.properties("ApiStage")
    assert not of_type(plain, "ApiGateway::Account")
    on = Transformed(ApiAccessLogs="true")
    assert on.properties("ApiStage")["AccessLogSetting"]["DestinationArn"] == "<ApiAccessLogGroup.Arn>"
    assert json.loads(on.properties("ApiStage")["AccessLogSetting"]["Format"])["caller"]
    assert "Tags" not in on.properties("ApiAccessLogGroup")
    assert not of_type(on, "ApiGateway::Account")
    with_role = Transformed(ApiAccessLogs="with-role")
    assert with_role.properties("ApiAccount") == {"CloudWatchRoleArn": "<ApiLogsRole.Arn>"}
    # The stage needs the group, and the group needs the account's setting, so CloudFormation creates that first.
    assert "<ApiAccount>" in str(with_role.properties("ApiAccessLogGroup")["Tags"])
    # An account that never had an API refuses the setting.
    assert with_role.resources["ApiAccount"]["DependsOn"] == "Api"
    for name in ("ApiAccount", "ApiLogsRole"):
        assert with_role.resources[name]["DeletionPolicy"] == "Retain", "other APIs log by it"


def test_a_web_acl_is_put_before_the_stage_where_one_is_named(plain: Transformed) -> None:
    assert not of_type(plain, "WAFv2::WebACLAssociation")
    association = Transformed(**FULL).properties("ApiFilter")
    assert association["WebACLArn"] == FULL["ApiWebAclArn"]
    assert association["ResourceArn"] == "arn:aws:apigateway:eu-central-1::/restapis/<Api>/stages/<ApiStage>"


# --- transport and encryption -----------------------------------------------------------------------
def test_every_queue_denies_calls_without_tls_and_its_policy_allows_nothing(plain: Transformed) -> None:
    queues = of_type(plain, "SQS::Queue")
    policies = of_type(plain, "SQS::QueuePolicy").values()
    assert sorted(each["Queues"] for each in policies) == sorted([f"<{name}>"] for name in queues)
    for each in policies:
        (statement,) = each["PolicyDocument"]["Statement"]
        (queue,) = each["Queues"]
        assert statement == {
            "Sid": "OnlyByTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": f"{queue.rstrip('>')}.Arn>",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }


@pytest.mark.parametrize(
    ("key", "specification"),
    [
        ("owned", None),
        ("managed", {"SSEEnabled": True, "SSEType": "KMS"}),
        (
            "arn:aws:kms:eu-central-1:123456789012:key/0a1b",
            {
                "SSEEnabled": True,
                "SSEType": "KMS",
                "KMSMasterKeyId": "arn:aws:kms:eu-central-1:123456789012:key/0a1b",
            },
        ),
    ],
)
def test_tables_have_the_free_key_unless_another_is_asked_for(
    key: str, specification: dict[str, Any] | None
) -> None:
    tables = of_type(Transformed(TableKey=key), "DynamoDB::Table")
    assert len(tables) == 10
    assert {name: each.get("SSESpecification") for name, each in tables.items()} == dict.fromkeys(
        tables, specification
    )
    assert of_type(Transformed(), "DynamoDB::Table") == of_type(
        Transformed(TableKey="owned"), "DynamoDB::Table"
    )


@pytest.mark.parametrize("recovery", ["true", "false"])
def test_point_in_time_recovery_is_on_unless_it_is_switched_off(recovery: str) -> None:
    assert Resolved().parameters["PointInTimeRecovery"] == "true"
    for table in of_type(Transformed(PointInTimeRecovery=recovery), "DynamoDB::Table").values():
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": recovery}


def test_nothing_is_traced_unless_it_is_asked_for(plain: Transformed) -> None:
    for template, mode, is_on in (
        (plain, "PassThrough", False),
        (Transformed(Tracing="true"), "Active", True),
    ):
        assert template.properties("ApiStage")["TracingEnabled"] is is_on
        for function in of_type(template, "Lambda::Function").values():
            assert function["TracingConfig"] == {"Mode": mode}
        assert (json.dumps(template.resources).count('"xray:PutTraceSegments"') > 0) is is_on


# --- names and sizes ----------------------------------------------------------------------------------
def strings(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from strings(value, (*path, str(name)))
    elif isinstance(node, list):
        for value in node:
            yield from strings(value, path)
    else:
        yield path, str(node)


def test_every_name_made_of_the_longest_stack_name_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PSEUDO, "AWS::StackName", LONGEST_STACK_NAME)
    longest = {  # according to AWS's pages; CloudFormation makes fitting names for the others
        ("AWS::ApplicationAutoScaling::ScalingPolicy", "PolicyName"): 256,
        ("AWS::ApiGateway::RestApi", "title"): 1_024,
        ("AWS::ApiGateway::Stage", "stack"): 512,
        ("AWS::CloudWatch::Alarm", "Value"): 1_024,
        ("AWS::CloudWatch::Dashboard", "DashboardBody"): 1_048_576,
        ("AWS::SNS::TopicPolicy", "aws:SourceArn"): 2_048,
        ("AWS::ApplicationAutoScaling::ScalingPolicy", "Value"): 1_024,
        ("AWS::ECS::TaskDefinition", "Value"): 65_536,
        ("AWS::Events::EventBus", "Name"): 256,
        ("AWS::IAM::ManagedPolicy", "Resource"): 2_048,
        ("AWS::Logs::LogGroup", "LogGroupName"): 512,
        ("AWS::Lambda::Function", "TIDEGATE_STACK"): MOST_ENVIRONMENT_BYTES,
    }
    met = set()
    for spec in Transformed(**FULL).resources.values():
        for path, text in strings(spec.get("Properties", {})):
            if LONGEST_STACK_NAME in text:
                place = (spec["Type"], path[-1])
                assert len(text) <= longest[place], (place, len(text))
                met.add(place)
    assert met == longest.keys()


def longest_values() -> dict[str, str]:
    """Returns every parameter with its longest value."""
    given = {
        "WorkerImage": ON["WorkerImage"],
        "Window": "99.999",
        "AgingPointsPerMinute": "9999.999",
        "RetryPenaltyPoints": "9999.999",
        "CriticalPathWeight": "999.999",
        "SecondAttemptPercent": "50",
        "FinishByHeadStartMinutes": "1440",
        "DispatcherConcurrency": "100",
    }
    for name, spec in support._document()["Parameters"].items():
        if name in given:
            continue
        if "AllowedValues" in spec:
            given[name] = max(map(str, spec["AllowedValues"]), key=len)
        elif spec["Type"] == "Number":
            given[name] = str(spec["MaxValue"])
        elif "MaxLength" in spec:
            given[name] = "c" * int(spec["MaxLength"])
    return given


def made_name(reference: re.Match[str]) -> str:
    """Returns the longest name or address that CloudFormation can give the resource with that logical id."""
    name = reference[1]
    match resources()[name]["Type"]:
        case "AWS::DynamoDB::Table" | "AWS::Logs::LogGroup":
            return f"{LONGEST_STACK_NAME}-{name}-{'X' * 13}"
        case "AWS::SQS::Queue":
            return f"https://sqs.{LONGEST_REGION}.amazonaws.com.cn/123456789012/{'q' * 80}"
    raise AssertionError(f"{name} has no place in a function's environment that this test knows")


@pytest.mark.parametrize(
    "function",
    ["ApiFunction", "DispatcherFunction", "ReaperFunction", "RecorderFunction", "WorkerFunction"],
)
def test_the_environment_of_a_function_fits_whatever_the_parameters_say(
    function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PSEUDO, "AWS::StackName", LONGEST_STACK_NAME)
    document, longest = support._document(), longest_values()
    stated = json.dumps(
        [document["Globals"]["Function"], document["Resources"][function]["Properties"].get("Environment")]
    )
    used = {name for name in document["Parameters"] if re.search(rf'"{name}"|\$\{{{name}\}}', stated)}
    used -= PARAMETERS_OF_NO_VARIABLE
    assert len(used) > 10
    assert used <= longest.keys(), "a parameter that has no bound makes a text that has none"
    found = Transformed(**longest).properties(function)["Environment"]["Variables"]
    variables = {name: re.sub(r"<([A-Za-z]+)>", made_name, str(value)) for name, value in found.items()}
    # Lambda measures the variables as the JSON text in which they are sent, with every quote escaped.
    measured = len(json.dumps(variables, separators=(",", ":")).encode())
    assert measured + ROOM_FOR_MORE_BYTES <= MOST_ENVIRONMENT_BYTES


@pytest.mark.parametrize("parameter", ["LambdaCapabilities", "EcsCapabilities"])
def test_capabilities_are_bounded_in_number_and_in_all(parameter: str) -> None:
    spec = support._document()["Parameters"][parameter]
    assert int(spec["MaxLength"]) == 400
    assert "400 characters" in spec["ConstraintDescription"]
    allowed = re.compile(spec["AllowedPattern"])
    assert allowed.fullmatch(",".join(["gpu"] * 20))
    assert not allowed.fullmatch(",".join(["gpu"] * 21))
    assert not allowed.fullmatch("gpu, large")


# --- rules --------------------------------------------------------------------------------------------
def functions_of(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "Ref" or str(name).startswith("Fn::"):
                yield str(name), value
            yield from functions_of(value)
    elif isinstance(node, list):
        for each in node:
            yield from functions_of(each)


def test_rules_compare_text_with_text_as_the_documents_show_it() -> None:
    """The page on rule functions shows Fn::Contains with a literal list, never with a Ref to a list."""
    types = {name: spec["Type"] for name, spec in support._document()["Parameters"].items()}
    used = list(functions_of(rules()))
    assert {name for name, _ in used} == {"Fn::Equals", "Fn::Not", "Ref"}
    assert {types[value] for name, value in used if name == "Ref"} == {"String"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, True),
        (ON, True),
        (ON | {"EcsSubnets": ""}, False),
        (ON | {"EcsSecurityGroups": ""}, False),
        ({"EcsSubnets": "subnet-0a1b2c3d"}, True),
    ],
)
def test_tasks_without_a_network_are_refused(given: dict[str, str], kept: bool) -> None:
    template = Resolved(**given)
    rule = rules()["EcsTasksHaveANetwork"]
    applies = template.resolve(rule["RuleCondition"])
    assert (not applies or all(template.resolve(each["Assert"]) for each in rule["Assertions"])) is kept


@pytest.mark.parametrize(
    ("cluster", "roles", "kept"),
    [
        ("", "", True),
        ("arn:aws:ecs:eu-west-1:123456789012:cluster/batch", "", False),
        (
            "arn:aws:ecs:eu-west-1:123456789012:cluster/batch",
            "arn:aws:iam::123456789012:role/fetch",
            True,
        ),
    ],
)
def test_a_cluster_for_containers_without_roles_is_refused(cluster: str, roles: str, kept: bool) -> None:
    template = Resolved(ContainerCluster=cluster, ContainerRoles=roles)
    rule = rules()["ContainersHaveRoles"]
    applies = template.resolve(rule["RuleCondition"])
    assert (not applies or all(template.resolve(each["Assert"]) for each in rule["Assertions"])) is kept
