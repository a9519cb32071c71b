"""The deployed roles and policies: no wildcards, and no permission that this file does not compare.

The tests in tests/harness/e2e/permissions show on the local AWS that each permission is needed. Permissions that they
can't reach are compared to the letter here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.architecture.test_template_pools import ON
from tests.harness.template import PSEUDO, Resolved, Transformed, parameters
from tests.harness.unasked import UNASKED
from tidegate.adapters.dynamodb import schema
from tidegate.domain.targets import LambdaFunction, StateMachine, Target

PROBED_ROLES = {"ApiRole", "DispatcherRole", "ReaperRole", "RecorderRole", "WebhooksRole", "WorkerRole"}
# They may write logs and traces, which is compared to the letter.
UNPROBED_ROLES = {"AuthorizerRole", "ConsoleRole"}
PROBED_POLICIES = {"ViewerPolicy", "ClientPolicy", "OperatorPolicy", "WorkerProcessPolicy"}
# The local AWS runs no task, so this one is compared to the letter.
UNPROBED_POLICIES = {"ContainerPolicy"}
SCHEDULE_ROLES = {"DispatcherScheduleRole": "DispatcherFunction", "ReaperScheduleRole": "ReaperFunction"}
FULL = {
    **ON,
    "Tracing": "true",
    "ApiAccessLogs": "with-role",
    "ApiWebAclArn": "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/tidegate/0a1b2c3d",
    "OAuthApi": "true",
    "OAuthIssuer": "https://issuer.example.com",
    "OAuthAudience": "tidegate",
    "OAuthClientId": "tidegate-people",
    "SecondAttemptPercent": "5",
    "Alarms": "true",
    "AlarmEmail": "ann@example.com",
    "GradualDeployment": "Canary10Percent5Minutes",
    "PublishEvents": "true",
    "Webhooks": "true",
    "TargetArns": "arn:aws:lambda:eu-central-1:123456789012:function:render",
    "ContainerCluster": "arn:aws:ecs:eu-central-1:123456789012:cluster/batch",
    "ContainerRoles": "arn:aws:iam::123456789012:role/fetch",
}
"""The parameters under which all of the template's roles and statements are there."""
TRUSTED = {
    **dict.fromkeys(PROBED_ROLES | UNPROBED_ROLES, "lambda.amazonaws.com"),
    **dict.fromkeys(SCHEDULE_ROLES, "scheduler.amazonaws.com"),
    "ApiDeploymentRole": "codedeploy.amazonaws.com",
    "ApiLogsRole": "apigateway.amazonaws.com",
    "EcsExecutionRole": "ecs-tasks.amazonaws.com",
    "EcsTaskRole": "ecs-tasks.amazonaws.com",
}
KNOW_NO_RESOURCES = {
    "ecs:ListTasks": "tasks of Fargate have no container instance; the condition names the cluster",
    "ecr:GetAuthorizationToken": "the token is the registry's, not a repository's",
    "xray:PutTelemetryRecords": "X-Ray knows no resource that traces are written to",
    "xray:PutTraceSegments": "X-Ray knows no resource that traces are written to",
}
"""Actions for which AWS takes no resource but `*`, and why."""
TASKS = f"arn:aws:ecs:{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}:task/<EcsCluster>/"
_FAMILIES = f"{PSEUDO['AWS::StackName']}-target-*"
_HERE = f"{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}"
CONTAINERS = {
    f"arn:aws:ecs:{_HERE}:task-definition/{_FAMILIES}": "task definitions of this stack's targets",
    f"arn:aws:ecs:{_HERE}:task/batch/*": "tasks of `ContainerCluster`",
    f"arn:aws:logs:{_HERE}:log-group:<JobLogGroup>:log-stream:container/*": "streams `container/*` of JobLogGroup",
}
"""Resources of targets whose names end with a digest or with a task's id, and the words of the document for them."""


@pytest.fixture(scope="module")
def deployed() -> Transformed:
    """Returns every resource that the template can hold.

    It has the ecs pool's tasks, and dispatchers that take turns (the default).
    """
    return Transformed(**FULL)


def of_type(template: Resolved, kind: str) -> dict[str, Any]:
    return {
        name: spec["Properties"]
        for name, spec in template.resources.items()
        if spec["Type"] == f"AWS::{kind}"
    }


def inline(role: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns all statements of a role's own policies."""
    policies = role.get("Policies", ())
    return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]


def listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def statements(template: Transformed) -> Iterator[tuple[str, dict[str, Any]]]:
    """Returns every statement of every role and policy, with the name of its owner."""
    for name, role in of_type(template, "IAM::Role").items():
        yield from ((name, each) for each in inline(role))
    for name, policy in of_type(template, "IAM::ManagedPolicy").items():
        yield from ((name, each) for each in policy["PolicyDocument"]["Statement"])


def test_every_role_and_policy_is_looked_at(deployed: Transformed) -> None:
    roles, policies = of_type(deployed, "IAM::Role"), of_type(deployed, "IAM::ManagedPolicy")
    assert roles.keys() == TRUSTED.keys()
    assert policies.keys() == PROBED_POLICIES | UNPROBED_POLICIES
    types = {spec["Type"] for spec in deployed.resources.values()}
    assert {kind for kind in types if kind.startswith("AWS::IAM::") or kind.endswith("Policy")} == {
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Role",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
    }


def test_no_role_has_a_policy_that_is_not_the_template_s_own(deployed: Transformed) -> None:
    attached = {
        name: role["ManagedPolicyArns"]
        for name, role in of_type(deployed, "IAM::Role").items()
        if "ManagedPolicyArns" in role
    }
    assert attached == {
        "EcsTaskRole": ["<WorkerProcessPolicy>", "<ContainerPolicy>"],
        # The gateway uses it to write the logs of every API of the account. AWS documents which policy that needs.
        "ApiLogsRole": ["arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"],
        # So it is with the role by which CodeDeploy changes an alias.
        "ApiDeploymentRole": ["arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"],
    }
    assert [each["Sid"] for each in inline(of_type(deployed, "IAM::Role")["EcsTaskRole"])] == ["Protection"]


def test_each_role_is_for_one_service(deployed: Transformed) -> None:
    for name, role in of_type(deployed, "IAM::Role").items():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert (trust["Effect"], listed(trust["Action"])) == ("Allow", ["sts:AssumeRole"])
        assert trust["Principal"] == {"Service": [TRUSTED[name]]}


def test_each_service_takes_its_role_for_this_account_only(deployed: Transformed) -> None:
    account = {"aws:SourceAccount": PSEUDO["AWS::AccountId"]}
    for name, role in of_type(deployed, "IAM::Role").items():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        match TRUSTED[name]:
            case "ecs-tasks.amazonaws.com":
                assert trust["Condition"] == {"StringEquals": account}, name
            case "scheduler.amazonaws.com":
                # AWS sends only the ARN of the schedule's group, never the schedule's own.
                group = {"aws:SourceArn": "<Schedules.Arn>"}
                assert trust["Condition"] == {"StringEquals": account | group}, name
            case _:
                # No page of AWS says that these always name the account. Where they do, it must be this account.
                assert trust["Condition"] == {"StringEqualsIfExists": account}, name


def test_each_function_has_a_role_of_its_own(deployed: Transformed) -> None:
    functions = of_type(deployed, "Lambda::Function")
    assert {name: function["Role"] for name, function in functions.items()} == {
        name: f"<{name.removesuffix('Function')}Role.Arn>" for name in functions
    }
    assert {name.replace("Function", "Role") for name in functions} == PROBED_ROLES | UNPROBED_ROLES


def test_statements_say_what_they_allow_and_no_action_by_wildcard(deployed: Transformed) -> None:
    for name, each in statements(deployed):
        assert each["Effect"] == "Allow", (name, each)
        assert each.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}, (name, each)
        assert not [action for action in listed(each["Action"]) if "*" in action or "?" in action], (
            name,
            each,
        )


def test_every_resource_is_named_that_has_a_name(deployed: Transformed) -> None:
    by_wildcard = {
        action
        for _, each in statements(deployed)
        for resource in listed(each["Resource"])
        if resource == "*"
        for action in listed(each["Action"])
    }
    assert by_wildcard == KNOW_NO_RESOURCES.keys()
    for name, each in statements(deployed):
        partly = [resource for resource in listed(each["Resource"]) if "*" in resource and resource != "*"]
        # Ids are part of the API's paths, so the paths can't be named. The API and its stage can.
        api = f"arn:aws:execute-api:{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}:<Api>/live/"
        routes = all(resource.startswith(api) and "/v1/" in resource for resource in partly)
        # A task gets its id when it starts, so only the cluster can be named.
        assert routes or partly == [f"{TASKS}*"] or partly[0] in CONTAINERS, (name, each)


def test_what_the_local_aws_never_asks_for_is_no_more_than_is_said(deployed: Transformed) -> None:
    for role, expected in UNASKED.items():
        found = {each["Sid"]: each for each in inline(of_type(deployed, "IAM::Role")[role])}
        if role not in PROBED_ROLES:
            assert found.keys() == {each.sid for each in expected}
        for unasked in expected:
            statement = found[unasked.sid]
            assert set(listed(statement["Action"])) == set(unasked.actions), unasked
            assert set(listed(statement["Resource"])) == set(unasked.resources), unasked
            assert "Condition" not in statement


def test_a_schedule_may_call_its_function_and_say_that_it_failed(deployed: Transformed) -> None:
    for role, function in SCHEDULE_ROLES.items():
        found = {
            (*listed(each["Action"]), each["Resource"]): each.get("Condition")
            for each in inline(of_type(deployed, "IAM::Role")[role])
        }
        assert found == {
            ("lambda:InvokeFunction", f"<{function}.Arn>"): None,
            ("sqs:SendMessage", "<EventDeadLetters.Arn>"): None,
        }


def test_only_the_api_s_own_routes_may_call_a_function(deployed: Transformed) -> None:
    permissions = of_type(deployed, "Lambda::Permission").values()
    assert {each["Principal"] for each in permissions} == {"apigateway.amazonaws.com"}
    assert {each["Action"] for each in permissions} == {"lambda:InvokeFunction"}
    account = f":{PSEUDO['AWS::AccountId']}:"
    # Any stage of these APIs, so that a deployment can be tried before it is live.
    assert {(each["SourceArn"].partition(account)[2], each["FunctionName"]) for each in permissions} == {
        ("<Api>/*/*/v1/*", "<ApiFunction>"),
        ("<SignInApi>/*/*/v1/*", "<ApiFunction>"),
        ("<Api>/*/*/v1/*", "<ApiAlias>"),
        ("<SignInApi>/*/*/v1/*", "<ApiAlias>"),
        ("<SignInApi>/*/GET/console*", "<ConsoleFunction>"),
        ("<SignInApi>/authorizers/*", "<AuthorizerFunction>"),
    }


def test_only_dispatchers_that_take_turns_may_touch_leases(deployed: Transformed) -> None:
    one = Transformed(**FULL, DispatcherConcurrency="1")
    alone = {each["Sid"] for each in inline(of_type(one, "IAM::Role")["DispatcherRole"])}
    in_turns = {each["Sid"] for each in inline(of_type(deployed, "IAM::Role")["DispatcherRole"])}
    assert in_turns - alone == {"Leases"}


def test_who_writes_by_statements_may_read_what_refused_them(deployed: Transformed) -> None:
    """A refused statement of a batch returns no item: without the read, every refusal would stay unexplained."""
    writers = set()
    for name, statement in statements(deployed):
        actions = set(listed(statement["Action"]))
        if actions & {"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"}:
            writers.add(name)
            assert "dynamodb:BatchGetItem" in actions, (name, statement["Sid"])
    assert {"ApiRole", "DispatcherRole", "ReaperRole", "WorkerProcessPolicy"} <= writers


def test_only_worker_processes_may_write_announced_types(deployed: Transformed) -> None:
    """Job types are announced in a partition of the table of lanes, which other roles write too."""
    writers: dict[str, Any] = {}
    for name, statement in statements(deployed):
        writes = set(listed(statement["Action"])) - {"dynamodb:Query"}
        if "<Lanes.Arn>" in listed(statement["Resource"]) and writes:
            writers[name] = statement["Condition"]
    assert schema.ANNOUNCED_TYPES == "types#announced"
    other = {"ForAllValues:StringNotEquals": {"dynamodb:LeadingKeys": [schema.ANNOUNCED_TYPES]}}
    assert writers == {
        "ApiRole": other,
        "DispatcherRole": other,
        "ReaperRole": other,
        "WorkerProcessPolicy": {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [schema.ANNOUNCED_TYPES]}
        },
    }


def test_a_worker_process_may_call_the_named_targets_and_no_other(deployed: Transformed) -> None:
    def targets(template: Transformed) -> list[dict[str, Any]]:
        policy = of_type(template, "IAM::ManagedPolicy")["WorkerProcessPolicy"]
        return [each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == "Targets"]

    (statement,) = targets(deployed)
    assert statement["Action"] == [
        "lambda:InvokeFunction",
        "states:DescribeExecution",
        "states:StartExecution",
        "states:StopExecution",
    ]
    assert statement["Resource"] == [FULL["TargetArns"]]
    machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:build"
    execution = "arn:aws:states:eu-central-1:123456789012:execution:build:*"
    (statement,) = targets(Transformed(**{**FULL, "TargetArns": f"{machine},{execution}"}))
    assert statement["Resource"] == [machine, execution]
    assert not targets(Transformed(**{**FULL, "TargetArns": ""}))


def test_a_worker_process_may_run_containers_only_with_a_cluster_and_pass_only_the_named_roles(
    deployed: Transformed,
) -> None:
    definitions, tasks, streams = CONTAINERS
    on_cluster = {"ArnEquals": {"ecs:cluster": FULL["ContainerCluster"]}}
    policy = of_type(deployed, "IAM::ManagedPolicy")["ContainerPolicy"]
    said = {
        each["Sid"]: {name: value for name, value in each.items() if name not in ("Sid", "Effect")}
        for each in policy["PolicyDocument"]["Statement"]
    }
    assert said == {
        "Containers": {"Action": ["ecs:RunTask"], "Resource": definitions, "Condition": on_cluster},
        "ContainerTasks": {"Action": ["ecs:DescribeTasks", "ecs:StopTask"], "Resource": tasks},
        "ContainerList": {"Action": ["ecs:ListTasks"], "Resource": "*", "Condition": on_cluster},
        "ContainerRoles": {
            "Action": ["iam:PassRole"],
            "Resource": [FULL["ContainerRoles"]],
            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        },
        "ContainerLogs": {"Action": ["logs:GetLogEvents"], "Resource": streams},
    }
    without = Transformed(**{**FULL, "ContainerCluster": "", "ContainerRoles": ""})
    assert "ContainerPolicy" not in without.resources
    assert of_type(without, "IAM::Role")["EcsTaskRole"]["ManagedPolicyArns"] == ["<WorkerProcessPolicy>"]


@pytest.mark.parametrize(
    ("parameter", "value", "fits"),
    [
        ("ContainerCluster", "arn:aws:ecs:eu-west-1:123456789012:cluster/batch", True),
        ("ContainerCluster", "arn:aws:ecs:eu-west-1:123456789012:cluster/*", False),
        ("ContainerCluster", "batch", False),
        ("ContainerRoles", "arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789012:role/x/b", True),
        ("ContainerRoles", "arn:aws:iam::123456789012:role/*", False),
        ("ContainerRoles", "arn:aws:iam::123456789012:user/ann", False),
    ],
)
def test_a_cluster_and_roles_are_named_without_wildcards(parameter: str, value: str, fits: bool) -> None:
    assert bool(re.fullmatch(parameters()[parameter]["AllowedPattern"], value)) is fits


@pytest.mark.parametrize(
    "arns",
    [
        "*",
        "arn:aws:s3:::bucket",
        "arn:aws:lambda:eu-central-1:123456789012:function:*",
        "arn:aws:lambda:*:123456789012:function:render",
        "arn:aws:lambda:eu-central-1:123456789012:function:render:$LATEST",
        "arn:aws:lambda:eu-central-1:123456789012:function:render:",
        "arn:aws:states:eu-west-1:123456789012:stateMachine:a:live",
        "arn:aws:states:eu-west-1:123456789012:stateMachine:a:*",
        "arn:aws:states:eu-west-1:123456789012:execution:a",
        "arn:aws:states:eu-west-1:123456789012:execution:*:*",
        "arn:aws:states:eu-west-1:123456789012:stateMachine:a, arn:aws:states:eu-west-1:123456789012:stateMachine:b",
    ],
)
def test_the_allow_list_takes_no_wildcard_but_for_the_executions_of_a_machine(arns: str) -> None:
    assert not re.fullmatch(parameters()["TargetArns"]["AllowedPattern"], arns)


@pytest.mark.parametrize(
    "work",
    [
        LambdaFunction("arn:aws:lambda:eu-west-1:123456789012:function:render"),
        LambdaFunction("arn:aws:lambda:eu-west-1:123456789012:function:render:live"),
        LambdaFunction("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:render:7"),
        StateMachine("arn:aws:states:eu-west-1:123456789012:stateMachine:build"),
        StateMachine("arn:aws:states:eu-west-1:123456789012:stateMachine:build:live"),
    ],
)
def test_the_allow_list_takes_what_targets_need(work: LambdaFunction | StateMachine) -> None:
    arns = ",".join(Target("a.b", work).arns)
    pattern = parameters()["TargetArns"]["AllowedPattern"]
    assert re.fullmatch(pattern, arns)
    assert re.fullmatch(pattern, f"{arns},{arns}")
    (policy,) = (
        each["PolicyDocument"]["Statement"][-1]["Resource"]
        for name, each in of_type(Resolved(**{**FULL, "TargetArns": arns}), "IAM::ManagedPolicy").items()
        if name == "WorkerProcessPolicy"
    )
    assert policy == arns.split(",")


def test_the_longest_policy_for_containers_fits_into_a_managed_policy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PSEUDO, "AWS::StackName", "s" * 128)
    cluster = f"arn:aws:ecs:ap-southeast-1:123456789012:cluster/{'c' * 255}"
    roles = "a" * parameters()["ContainerRoles"]["MaxLength"]
    template = Transformed(**{**FULL, "ContainerRoles": roles, "ContainerCluster": cluster})
    document = of_type(template, "IAM::ManagedPolicy")["ContainerPolicy"]["PolicyDocument"]
    text = json.dumps(document, separators=(",", ":")).replace("<JobLogGroup>", "g" * 142)
    assert len(text) <= 6_144  # IAM's quota, which counts no white space
