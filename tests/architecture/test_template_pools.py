"""The template's pools: the environment that names them, and the ecs pool's tasks, which are off by default."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.tables import resources
from tests.harness.template import PSEUDO, Resolved
from tests.harness.tracked import ROOT
from tidegate.domain.pools import PoolKind
from tidegate.settings import read_settings, read_tables
from tidegate_worker.process import HAND_BACK_SECONDS
from tidegate_worker.protection import PROTECT_AFTER_SECONDS

ON = {
    "WorkerImage": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/tidegate-worker:1",
    "WorkerRepositoryArn": "arn:aws:ecr:eu-central-1:123456789012:repository/tidegate-worker",
    "EcsSubnets": "subnet-0a1b2c3d,subnet-4e5f6a7b",
    "EcsSecurityGroups": "sg-0a1b2c3d",
    "EcsCapabilities": "large,gpu",
    "EcsSlots": "6",
    "EcsMaxTasks": "20",
}
FARGATE_STOP_SECONDS = 120
"""The longest that Fargate waits between the signal to stop and the kill."""
SLOWEST_START_SECONDS = 400
"""How long a task may take from being asked for to its registration: placement, a large image, the process."""
ALARM_LOOKS_AT_SECOND = 59
"""Of each minute; the latest moment is the worst, for the alarm goes on for so much longer."""
ECS = {name for name, spec in resources().items() if spec.get("Condition") == "RunsEcs"}
POOL_METRIC = [{"Name": "Stack", "Value": PSEUDO["AWS::StackName"]}, {"Name": "Pool", "Value": "ecs"}]


@pytest.fixture(scope="module")
def on() -> Resolved:
    return Resolved(**ON)


def environment(template: Resolved) -> dict[str, str]:
    """Returns the variables of the worker's function that a worker process needs as well."""
    own = template.properties("WorkerFunction")["Environment"]["Variables"]
    variables = {**template.globals["Function"]["Environment"]["Variables"], **own}
    return {name: str(value) for name, value in variables.items() if name != "TIDEGATE_SAMPLE_ROOT"}


def publishes_pools(template: Resolved) -> str:
    return str(template.properties("ReaperFunction")["Environment"]["Variables"]["TIDEGATE_POOL_METRICS"])


def container(template: Resolved) -> dict[str, Any]:
    (only,) = template.properties("EcsTaskDefinition")["ContainerDefinitions"]
    return dict(only)


def statements(document: dict[str, Any]) -> dict[str, Any]:
    return {each["Sid"]: each for each in document["Statement"]}


def test_without_an_image_there_is_nothing_of_ecs_and_nothing_refers_to_it() -> None:
    off = Resolved()
    assert len(ECS) >= 10
    assert not ECS & off.resources.keys()
    types = {spec["Type"] for spec in off.resources.values()}
    assert not {kind for kind in types if "::ECS::" in kind or "AutoScaling" in kind or "Alarm" in kind}
    assert publishes_pools(off) == "false"
    assert publishes_pools(Resolved(PoolMetrics="true")) == "true"


def test_with_an_image_every_part_is_there(on: Resolved) -> None:
    assert on.resources.keys() - Resolved().resources.keys() == ECS
    assert (on.outputs["EcsClusterName"]["Value"], on.outputs["EcsServiceName"]["Value"]) == (
        "<EcsCluster>",
        "<EcsService.Name>",
    )
    assert publishes_pools(on) == "true"


def test_the_settings_name_both_pools_with_what_the_parameters_say() -> None:
    given = environment(Resolved(LambdaCapabilities="cheap", EcsCapabilities="gpu,large"))
    settings = read_settings(given)
    read_tables(given)
    assert settings.stack == PSEUDO["AWS::StackName"]
    function, process = settings.pools["lambda"], settings.pools["ecs"]
    assert (function.kind, process.kind) == (PoolKind.FUNCTION, PoolKind.PROCESS)
    assert (sorted(function.capabilities), sorted(process.capabilities)) == (["cheap"], ["gpu", "large"])
    assert (function.tags, process.tags) == ({"compute": "lambda"}, {"compute": "fargate"})
    for pool, name in ((function, "LambdaPool"), (process, "EcsPool")):
        assert (pool.queue_url, pool.dead_letters_url) == (f"<{name}Queue>", f"<{name}DeadLetters>")
    plain = read_settings(environment(Resolved()))
    assert all(pool.capabilities == frozenset() for pool in plain.pools.values())


def test_the_task_has_the_environment_of_the_functions(on: Resolved) -> None:
    given = {each["Name"]: str(each["Value"]) for each in container(on)["Environment"]}
    wanted = {name: value for name, value in environment(on).items() if name.startswith("TIDEGATE_")}
    # An image of an earlier release refuses to start without the name of the default pool.
    assert given == {**wanted, "AWS_DEFAULT_REGION": PSEUDO["AWS::Region"], "TIDEGATE_DEFAULT_POOL": "lambda"}
    settings = read_settings(given)
    assert "ecs" in settings.pools
    assert settings.default_pool == read_settings(wanted).default_pool == "lambda"


def test_the_task_runs_the_image_for_its_pool_and_may_take_its_time_to_stop(on: Resolved) -> None:
    worker, task = container(on), on.properties("EcsTaskDefinition")
    assert worker["Image"] == ON["WorkerImage"]
    assert worker["Command"][:4] == ["--pool", "ecs", "--slots", "6"]
    assert worker["LogConfiguration"]["Options"]["awslogs-group"] == "<EcsLogGroup>"
    assert (task["TaskRoleArn"], task["ExecutionRoleArn"]) == ("<EcsTaskRole.Arn>", "<EcsExecutionRole.Arn>")
    assert task["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    intel = Resolved(**ON, Architecture="x86_64").properties("EcsTaskDefinition")
    assert intel["RuntimePlatform"]["CpuArchitecture"] == "X86_64"


def test_a_task_has_time_to_drain_and_to_hand_back_before_it_is_killed(on: Resolved) -> None:
    worker = container(on)
    option, drain_seconds = worker["Command"][4:]
    assert option == "--drain-seconds"
    assert worker["StopTimeout"] == FARGATE_STOP_SECONDS
    # The process also needs time for its last request to the agent and for the writes that hand its jobs back.
    assert float(drain_seconds) + HAND_BACK_SECONDS + 15 <= FARGATE_STOP_SECONDS
    # A job that is not protected yet when the stop comes can run for as long again as it has run, and longer.
    assert float(drain_seconds) >= 2 * PROTECT_AFTER_SECONDS


def test_a_task_has_no_public_address_and_writes_into_its_temporary_folder_alone(on: Resolved) -> None:
    network = on.properties("EcsService")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "DISABLED"
    worker, task = container(on), on.properties("EcsTaskDefinition")
    assert worker["ReadonlyRootFilesystem"] is True
    (mounted,) = worker["MountPoints"]
    assert "ReadOnly" not in mounted
    assert task["Volumes"] == [{"Name": mounted["SourceVolume"]}]
    # A volume belongs to root unless the image declares it. It then has the rights that the image gives it.
    assert f'VOLUME ["{mounted["ContainerPath"]}"]' in (ROOT / "worker" / "Dockerfile").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(("spot", "provider"), [("false", "FARGATE"), ("true", "FARGATE_SPOT")])
def test_tasks_run_on_spot_capacity_only_if_asked(spot: str, provider: str) -> None:
    template = Resolved(**ON, EcsSpot=spot)
    (strategy,) = template.properties("EcsService")["CapacityProviderStrategy"]
    assert strategy == {"CapacityProvider": provider, "Weight": 1}
    assert provider in template.properties("EcsCapacity")["CapacityProviders"]


def test_a_task_may_protect_the_tasks_of_its_cluster_and_nothing_else(on: Resolved) -> None:
    (policy,) = on.properties("EcsTaskRole")["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    # The agent's PUT makes this one call. Its GET makes another, and is not used.
    assert statement["Action"] == ["ecs:UpdateTaskProtection"]
    assert statement["Resource"] == "arn:aws:ecs:eu-central-1:123456789012:task/<EcsCluster>/*"


def test_its_roles_may_do_no_more_than_they_must(on: Resolved) -> None:
    task, execution = on.properties("EcsTaskRole"), on.properties("EcsExecutionRole")
    assert task["ManagedPolicyArns"] == ["<WorkerProcessPolicy>"]
    assert "ManagedPolicyArns" not in execution
    (policy,) = execution["Policies"]
    allowed = statements(policy["PolicyDocument"])
    assert allowed["Logs"]["Resource"] == "<EcsLogGroup.Arn>"
    assert [name for name, each in allowed.items() if each["Resource"] == "*"] == ["Login"]
    assert allowed["Login"]["Action"] == ["ecr:GetAuthorizationToken"]
    assert allowed["Image"]["Resource"] == ON["WorkerRepositoryArn"]
    (policy,) = Resolved(**ON | {"WorkerRepositoryArn": ""}).properties("EcsExecutionRole")["Policies"]
    assert list(statements(policy["PolicyDocument"])) == ["Logs"], "an image open to everybody needs no more"
    for role in (task, execution):
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": ["ecs-tasks.amazonaws.com"]}


def test_the_service_runs_the_task_where_the_parameters_say(on: Resolved) -> None:
    service = on.properties("EcsService")
    assert (service["Cluster"], service["TaskDefinition"]) == ("<EcsCluster>", "<EcsTaskDefinition>")
    assert service["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {
        "Enable": True,
        "Rollback": True,
    }
    # Protected tasks run on beside their successors, so there must be capacity for both.
    assert service["DeploymentConfiguration"]["MinimumHealthyPercent"] == 100
    assert service["DeploymentConfiguration"]["MaximumPercent"] == 200
    assert "DesiredCount" not in service, "it would undo what the scaling decided"
    network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["Subnets"] == ON["EcsSubnets"].split(",")
    assert network["SecurityGroups"] == [ON["EcsSecurityGroups"]]


def test_the_service_is_scaled_by_jobs_to_do_for_each_task(on: Resolved) -> None:
    target = on.properties("EcsScaling")
    assert target["ResourceId"] == "service/<EcsCluster>/<EcsService.Name>"
    assert (target["MinCapacity"], target["MaxCapacity"]) == ("0", "20")
    policy = on.properties("EcsBacklogPolicy")
    assert policy["ScalingTargetId"] == "<EcsScaling>"
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == ON["EcsSlots"]
    queries = tracking["CustomizedMetricSpecification"]["Metrics"]
    _check_queries(queries, {"ready": "ReadyJobs", "active": "ActiveJobs", "workers": "Workers"})
    assert queries[-1]["Expression"] == "(ready + active) / IF(workers > 0, workers, 1)"


def test_the_first_task_is_started_by_an_alarm_of_its_own(on: Resolved) -> None:
    alarm, policy = on.properties("EcsFirstTaskAlarm"), on.properties("EcsFirstTaskPolicy")
    assert alarm["AlarmActions"] == ["<EcsFirstTaskPolicy>"]
    _check_queries(alarm["Metrics"], {"ready": "ReadyJobs", "active": "ActiveJobs", "workers": "Workers"})
    assert alarm["Metrics"][-1]["Expression"] == "IF(workers < 1, ready + active, 0)"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    assert policy["ScalingTargetId"] == "<EcsScaling>"
    (step,) = policy["StepScalingPolicyConfiguration"]["StepAdjustments"]
    assert step == {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}


@pytest.mark.parametrize("begins_s", range(0, 60, 7))
@pytest.mark.parametrize("starts_within_s", [20, 120, SLOWEST_START_SECONDS])
def test_no_second_task_is_started_while_the_first_one_is_on_its_way(
    on: Resolved, begins_s: int, starts_within_s: int
) -> None:
    policy = on.properties("EcsFirstTaskPolicy")["StepScalingPolicyConfiguration"]
    assert policy["AdjustmentType"] == "ChangeInCapacity", (
        "an exact number would take away what tracking added"
    )
    alarm = on.properties("EcsFirstTaskAlarm")
    assert (alarm["EvaluationPeriods"], alarm["Metrics"][0]["MetricStat"]["Period"]) == (1, 60)
    assert first_tasks(policy["Cooldown"], begins_s=begins_s, starts_within_s=starts_within_s) == 1


def first_tasks(cooldown_s: int, *, begins_s: int, starts_within_s: int) -> int:
    """Returns how many tasks the alarm has started by each second after a job waits in a pool without workers.

    The metrics are published once a minute and take up to a minute to arrive. The alarm looks once a minute at the last
    whole minute, and asks for a task each time it finds jobs and no worker. The policy ignores this while it cools
    down. A task becomes a worker `starts_within_s` after the alarm asked for it.
    """
    published: dict[int, bool] = {}  # no worker was there, by the minute of its publication
    asked_at: list[int] = []
    for now in range(begins_s, begins_s + 3_600):
        if now % 60 == 0:
            published[now // 60] = not asked_at or now < asked_at[0] + starts_within_s
        if now % 60 == ALARM_LOOKS_AT_SECOND:
            late_s = 60
            seen = [minute for minute in published if minute * 60 + late_s <= now]
            in_alarm = bool(seen) and published[max(seen)]
            if in_alarm and (not asked_at or now >= asked_at[-1] + cooldown_s):
                asked_at.append(now)
    return len(asked_at)


def _check_queries(queries: list[dict[str, Any]], metrics: dict[str, str]) -> None:
    """Checks that each id is the metric that the dispatcher publishes under that name.

    Only the expression may differ.
    """
    *read, expression = queries
    assert {each["Id"]: each["MetricStat"]["Metric"]["MetricName"] for each in read} == metrics
    for each in read:
        metric = each["MetricStat"]["Metric"]
        assert (metric["Namespace"], metric["Dimensions"]) == ("Tidegate", POOL_METRIC)
    assert [each["ReturnData"] for each in queries] == [False] * len(read) + [True]
    assert all(name in expression["Expression"] for name in metrics)
