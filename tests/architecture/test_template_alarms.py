"""Alarms and dashboard of the template: off by default, about things that exist, each with an entry in the runbook."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.architecture.test_links import DOCS, _anchors
from tests.architecture.test_permissions import of_type
from tests.architecture.test_template_pools import ON
from tests.harness.template import PSEUDO, Resolved, Transformed, rules
from tidegate.adapters.dynamodb import schema
from tidegate.entry.metrics import METRICS, NAMESPACE

RUNBOOK = DOCS / "guides" / "runbook.md"
NAMED_ENTRY = re.compile(r"^([A-Z][^.]+\.) docs/guides/runbook\.md#([a-z-]+)$")
GENERAL = {"how-an-entry-is-read", "once-for-every-alarm"}
"""The headings of the runbook that are about no alarm."""
WEBHOOKS = {"PublishEvents": "true", "Webhooks": "true"}
EVERY_PART = {"OAuthApi": "true", **WEBHOOKS}
"""The parameters that bring every part that has alarms of its own."""
OWN_TOPIC = "arn:aws:sns:eu-central-1:123456789012:pager"
POOLS = {"lambda", "ecs"}
# What an alarm may read, with the resource behind each dimension of AWS's.
NAMESPACES = {
    "AWS/Lambda": {"FunctionName"},
    "AWS/SQS": {"QueueName"},
    "AWS/DynamoDB": {"TableName", "GlobalSecondaryIndexName"},
    "AWS/ApiGateway": {"ApiName", "Stage"},
}


@pytest.fixture(scope="module")
def on() -> Resolved:
    return Resolved(Alarms="true", **EVERY_PART)


def alarms(template: Resolved) -> dict[str, dict[str, Any]]:
    """Returns the alarms that the runbook is about. The ecs pool's own alarm starts tasks, and tells nobody."""
    found = of_type(template, "CloudWatch::Alarm")
    return {name: each for name, each in found.items() if name != "EcsFirstTaskAlarm"}


def watched(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the metrics that an alarm reads, each with its namespace, name and dimensions."""
    stats = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
    return stats or [alarm]


def entry(alarm: dict[str, Any]) -> str:
    named = NAMED_ENTRY.match(alarm["AlarmDescription"])
    assert named, alarm["AlarmDescription"]
    return named[2]


# --- off by default ---------------------------------------------------------------------------------------
def test_without_alarms_nothing_of_them_exists_and_no_metric_is_published() -> None:
    off, everything = Resolved(), Resolved(Alarms="true", AlarmEmail="ann@example.com")
    added = everything.resources.keys() - off.resources.keys()
    kinds = {everything.resources[name]["Type"] for name in added}
    assert kinds == {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SNS::Subscription",
    }
    assert not {spec["Type"] for spec in off.resources.values()} & kinds
    assert off.outputs.keys() & {"AlarmTopicArn", "DashboardName"} == set()
    assert everything.outputs["AlarmTopicArn"]["Value"] == "<AlarmTopic>"
    assert not alarms(Resolved(**ON)), "tasks on ECS bring none of these alarms"


def test_alarms_bring_the_metrics_that_they_read() -> None:
    for alarms_wanted in ("false", "true"):
        variables = Resolved(Alarms=alarms_wanted).properties("ReaperFunction")["Environment"]["Variables"]
        assert variables["TIDEGATE_POOL_METRICS"] == alarms_wanted
        assert variables["TIDEGATE_ALL_METRICS"] == alarms_wanted


def test_a_topic_or_an_address_without_alarms_is_refused() -> None:
    asked = {
        name: rule["Assertions"][0]["Assert"]
        for name, rule in rules().items()
        if name in ("ATopicHasAlarms", "AnAddressHasAlarms")
    }
    assert len(asked) == 2
    assert all(each == {"Fn::Equals": [{"Ref": "Alarms"}, "true"]} for each in asked.values())


# --- the topic -----------------------------------------------------------------------------------------------
def test_every_alarm_tells_the_topic_of_its_start_and_its_end(on: Resolved) -> None:
    for template, topic in (
        (on, "<AlarmTopic>"),
        (Resolved(Alarms="true", AlarmTopicArn=OWN_TOPIC), OWN_TOPIC),
    ):
        for name, alarm in alarms(template).items():
            assert (alarm["AlarmActions"], alarm["OKActions"]) == ([topic], [topic]), name


def test_a_topic_of_the_operators_own_is_left_as_it_is() -> None:
    template = Resolved(Alarms="true", AlarmTopicArn=OWN_TOPIC, AlarmEmail="ann@example.com")
    assert not of_type(template, "SNS::Topic") | of_type(template, "SNS::TopicPolicy")
    (subscription,) = of_type(template, "SNS::Subscription").values()
    assert subscription == {"TopicArn": OWN_TOPIC, "Protocol": "email", "Endpoint": "ann@example.com"}


def test_only_this_stack_s_alarms_may_publish_and_only_by_tls(on: Resolved) -> None:
    policy = on.properties("AlarmTopicPolicy")
    assert policy["Topics"] == ["<AlarmTopic>"]
    allow, deny = policy["PolicyDocument"]["Statement"]
    assert allow == {
        "Sid": "AlarmsOfThisStack",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": "<AlarmTopic>",
        "Condition": {
            "ArnLike": {
                "aws:SourceArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:tidegate-test-*"
            },
            "StringEquals": {"aws:SourceAccount": PSEUDO["AWS::AccountId"]},
        },
    }
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    # CloudFormation names an alarm after the stack, which the condition relies on.
    assert not [name for name, alarm in alarms(on).items() if "AlarmName" in alarm]


# --- what they read ------------------------------------------------------------------------------------------
def test_every_alarm_reads_a_metric_that_is_published(on: Resolved) -> None:
    own = {metric.name: metric for metric in METRICS}
    for name, alarm in alarms(on).items():
        for read in watched(alarm):
            dimensions = {each["Name"]: each["Value"] for each in read["Dimensions"]}
            if read["Namespace"] == NAMESPACE:
                metric = own[read["MetricName"]]
                assert tuple(dimensions) == metric.dimensions, name
                assert dimensions["Stack"] == PSEUDO["AWS::StackName"], name
                assert dimensions.get("Pool", "ecs") in POOLS, name
            else:
                assert dimensions.keys() <= NAMESPACES[read["Namespace"]], name


def test_the_alarms_watch_every_function_queue_and_pool(on: Resolved) -> None:
    def of(metric: str) -> set[str]:
        return {
            each["Value"]
            for alarm in alarms(on).values()
            for read in watched(alarm)
            if read["MetricName"] == metric
            for each in read["Dimensions"]
        } - {PSEUDO["AWS::StackName"], "live"}

    functions = {f"<{name}>" for name in of_type(Transformed(**WEBHOOKS), "Lambda::Function")}
    assert of("Errors") == functions
    assert of("Invocations") == {"<DispatcherFunction>", "<ReaperFunction>"}
    assert of("Throttles") == {"<ApiFunction>", "<DispatcherFunction>", "<ReaperFunction>"}
    assert of("IteratorAge") == {"<DispatcherFunction>", "<RecorderFunction>"}
    letters = {name for name in of_type(on, "SQS::Queue") if name.endswith("DeadLetters")}
    assert of("ApproximateNumberOfMessagesVisible") == {f"<{name}.QueueName>" for name in letters}
    assert of("WriteThrottleEvents") == {"<Jobs>", schema.GROUP_INDEX}
    for metric in ("OldestReadySeconds", "JobsFailed", "JobsSucceeded"):
        assert of(metric) == POOLS


def test_the_apis_are_named_as_api_gateway_names_them(on: Resolved) -> None:
    """API Gateway's metrics name an API by its title."""
    titles = {each["DefinitionBody"]["info"]["title"] for each in of_type(on, "Serverless::Api").values()}
    named = {
        each["Value"]
        for alarm in alarms(on).values()
        if alarm.get("Namespace") == "AWS/ApiGateway"
        for each in alarm["Dimensions"]
        if each["Name"] == "ApiName"
    }
    assert named == titles
    assert len(titles) == 2
    without = Resolved(Alarms="true")
    assert "SignInApiServerErrorsAlarm" not in without.resources


def test_only_a_part_that_does_not_run_is_told_by_missing_data(on: Resolved) -> None:
    breaching = {name for name, alarm in alarms(on).items() if alarm["TreatMissingData"] == "breaching"}
    assert breaching == {"DispatcherNotRunningAlarm", "ReaperNotRunningAlarm"}
    others = {alarm["TreatMissingData"] for name, alarm in alarms(on).items() if name not in breaching}
    assert others == {"notBreaching"}
    for name in breaching:
        alarm = on.properties(name)
        assert (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == (
            "Sum",
            "LessThanThreshold",
            1,
        )


def test_the_wait_of_jobs_has_a_parameter() -> None:
    alarm = Resolved(Alarms="true", AlarmReadySeconds="600").properties("EcsPoolWaitsAlarm")
    assert (alarm["Threshold"], alarm["Statistic"]) == ("600", "Maximum")


def test_the_failing_share_has_both_its_parts_from_one_line_of_the_dispatcher(on: Resolved) -> None:
    for pool in ("Lambda", "Ecs"):
        *read, share = on.properties(f"{pool}PoolFailuresAlarm")["Metrics"]
        assert {each["Id"] for each in read} == {"failed", "succeeded"}
        assert {(each["MetricStat"]["Stat"], each["MetricStat"]["Period"]) for each in read} == {("Sum", 900)}
        assert share["Expression"] == "IF(failed + succeeded >= 10, 100 * failed / (failed + succeeded), 0)"
        assert [each["ReturnData"] for each in (*read, share)] == [False, False, True]


# --- the runbook ---------------------------------------------------------------------------------------------
def test_every_alarm_has_an_entry_and_every_entry_an_alarm(on: Resolved) -> None:
    entries = {entry(alarm) for alarm in alarms(on).values()}
    text = RUNBOOK.read_text(encoding="utf-8")
    level_two = re.findall(r"^## (.+)$", text, re.MULTILINE)
    headings = {heading.lower().replace(" ", "-") for heading in level_two}
    assert headings <= _anchors(RUNBOOK)
    assert entries == headings - GENERAL


def test_an_entry_names_its_alarms_and_says_what_they_mean_how_to_look_and_what_to_do(on: Resolved) -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    parts = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    for heading, part in parts.items():
        anchor = heading.lower().replace(" ", "-")
        if anchor in GENERAL:
            continue
        named = set(re.findall(r"`(\w+Alarm)`", part.split("\n\n")[0]))
        assert named == {name for name, alarm in alarms(on).items() if entry(alarm) == anchor}, heading
        for step in ("**It means**", "**Look**", "**Do**"):
            assert part.count(step) == 1, (heading, step)
        assert "```sh" in part, heading


# --- the dashboard -------------------------------------------------------------------------------------------
def test_the_dashboard_shows_every_alarm_and_every_metric_of_the_table(on: Resolved) -> None:
    body = json.loads(on.properties("Dashboard")["DashboardBody"])
    first, *graphs = body["widgets"]
    assert set(first["properties"]["alarms"]) == {f"<{name}.Arn>" for name in alarms(on)}
    shown: dict[str, set[tuple[str, ...]]] = {}
    for graph in graphs:
        assert graph["type"] == "metric"
        assert graph["properties"]["region"] == PSEUDO["AWS::Region"]
        for row in graph["properties"]["metrics"]:
            namespace, name, *dimensions = [each for each in row if isinstance(each, str)]
            if namespace == NAMESPACE:
                shown.setdefault(name, set()).add(tuple(dimensions[::2]))
            else:
                assert set(dimensions[::2]) <= NAMESPACES[namespace]
    assert shown == {metric.name: {metric.dimensions} for metric in METRICS}


def test_no_two_widgets_of_the_dashboard_overlap(on: Resolved) -> None:
    widgets = json.loads(on.properties("Dashboard")["DashboardBody"])["widgets"]
    taken = [
        (x, y)
        for each in widgets
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


@pytest.mark.parametrize("kind", [Resolved, Transformed])
@pytest.mark.parametrize("left_out", ["", *EVERY_PART])
def test_the_dashboard_shows_only_parts_that_exist(kind: type[Resolved], left_out: str) -> None:
    """A reference to a part that does not exist fails in `Resolved`, and a comma too many in `json`."""
    given = {name: value for name, value in EVERY_PART.items() if name != left_out}
    if left_out == "PublishEvents":
        del given["Webhooks"]
    template = kind(Alarms="true", **given)
    first, *graphs = json.loads(template.properties("Dashboard")["DashboardBody"])["widgets"]
    assert set(first["properties"]["alarms"]) == {f"<{name}.Arn>" for name in alarms(template)}
    assert ("Webhooks" in {each["properties"]["title"] for each in graphs}) is ("Webhooks" in given)


def test_the_alarms_of_webhooks_need_both_alarms_and_webhooks() -> None:
    own = {"WebhooksDeadLettersAlarm", "WebhooksErrorsAlarm"}
    assert own <= alarms(Resolved(Alarms="true", **WEBHOOKS)).keys()
    assert not own & alarms(Resolved(Alarms="true", PublishEvents="true")).keys()
    assert not own & Resolved(**WEBHOOKS).resources.keys()
