"""The checks of `tidegate doctor`: they find nothing on a healthy deployment, and each thing that is broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.architecture.test_links import _anchors
from tests.harness.cli.broken import BROKEN, change_function, change_variable, old_job, stuck_submission
from tests.harness.cli.deployment import NOW_MS, World
from tests.harness.cli.fake_aws import API_URL, FakeAws
from tests.harness.domain.job_samples import PENDING
from tidegate.domain.errors import ServiceRefused
from tidegate.domain.job import HistoryEntry
from tidegate.domain.states import State
from tidegate_cli.doctor import findings
from tidegate_cli.doctor.clock import clock_ahead_seconds
from tidegate_cli.doctor.examine import CHECKS, Sight, examine, is_healthy
from tidegate_cli.doctor.findings import NotMade, Outcome
from tidegate_cli.doctor.queue_policies import refuses_plain_http
from tidegate_cli.doctor.reads import Deployment
from tidegate_cli.errors import ApiUnreachable

ROOT = Path(__file__).parents[2]


def found(results: Mapping[str, findings.Result]) -> list[tuple[str, str]]:
    """Returns each finding as its check and its severity."""
    return [(name, str(each.severity)) for name, result in results.items() for each in result.findings]


def test_a_healthy_deployment_has_no_finding() -> None:
    world = World()
    world.run_job()
    world.stores.write(replace(PENDING, job_id="S.2"))
    results = world.results()
    assert {name: each.outcome for name, each in results.items()} == dict.fromkeys(results, Outcome.HEALTHY)
    assert len(results) == len(CHECKS) + 1
    assert is_healthy(results.values())


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_found_and_nothing_else(case: str) -> None:
    world = World()
    break_it, check, severity, said = BROKEN[case]
    break_it(world)
    results = world.results()
    assert found(results) == [(check, severity)]
    (finding,) = results[check].findings
    assert said in finding.what
    page, _, anchor = finding.see.partition("#")
    assert anchor in _anchors(ROOT / page), finding.see
    assert finding.do


def test_the_streams_of_a_stack_that_publishes_events_are_looked_at_too() -> None:
    world = World()
    world.aws.publish_events()
    assert found(world.results()) == []
    read = world.aws.sources["recorder"].pop()
    (source,) = world.results()["sources"].findings
    assert "the recorder has 2 event sources instead of 3" in source.what
    world.aws.sources["recorder"].append({**read, "EventSourceArn": "arn:aws:dynamodb:other/stream/1"})
    (stream,) = world.results()["streams"].findings
    assert "the recorder reads no stream of the table Submissions" in stream.what


WEBHOOKS_BROKEN: dict[str, tuple[Callable[[FakeAws], object], str, str, str]] = {
    "letters": (
        lambda aws: aws.letters.update(WebhooksDeadLetters=2),
        *("dead-letters", "error", "WebhooksDeadLetters holds 2 messages"),
    ),
    "no letters": (
        lambda aws: aws.queues.pop("WebhooksDeadLetters"),
        *("dead-letters", "error", "the queue WebhooksDeadLetters is MISSING"),
    ),
    "no queue": (
        lambda aws: aws.queues.pop("WebhooksQueue"),
        *("queues", "error", "the queue WebhooksQueue is MISSING"),
    ),
    "policy": (
        lambda aws: aws.queues["WebhooksDeadLetters"].pop("Policy"),
        *("queues", "warning", "the queue WebhooksDeadLetters has no policy"),
    ),
    "source": (
        lambda aws: aws.sources["webhooks"].pop(),
        *("sources", "error", "the webhooks has 0 event sources instead of 1"),
    ),
    "source off": (
        lambda aws: aws.sources["webhooks"][0].update(State="Disabled"),
        *("sources", "error", "of the webhooks is Disabled"),
    ),
    "function": (
        lambda aws: aws.functions["webhooks"].update(State="Failed"),
        *("functions", "error", "the function webhooks is Failed"),
    ),
    "stopped": (
        lambda aws: aws.reserved.update(webhooks=0),
        *("concurrency", "error", "the function webhooks may not run"),
    ),
    "another version": (
        lambda aws: aws.functions["webhooks"].update(Layers=[{"Arn": "arn:core:6"}]),
        *("configuration", "error", "webhooks arn:core:6"),
    ),
    "another table": (
        lambda aws: aws.functions["webhooks"]["Environment"]["Variables"].update(
            TIDEGATE_TABLE_AUDIT="other"
        ),
        *("configuration", "warning", "TIDEGATE_TABLE_AUDIT names another table"),
    ),
    "empty table elsewhere": (
        lambda aws: aws.functions["api"]["Environment"]["Variables"].update(TIDEGATE_TABLE_JOBS=""),
        *("configuration", "warning", "TIDEGATE_TABLE_JOBS names another table"),
    ),
    "output": (
        lambda aws: aws.stack.update(
            Outputs=[each for each in aws.stack["Outputs"] if each["OutputKey"] != "WebhooksQueueUrl"]
        ),
        *("stack", "error", "lacks outputs: WebhooksQueueUrl"),
    ),
}


@pytest.mark.parametrize("case", WEBHOOKS_BROKEN)
def test_the_parts_of_webhooks_are_looked_at_where_the_stack_has_them(case: str) -> None:
    world = World()
    world.aws.send_webhooks()
    assert found(world.results()) == []
    break_it, check, severity, said = WEBHOOKS_BROKEN[case]
    break_it(world.aws)
    results = world.results()
    assert found(results) == [(check, severity)]
    (finding,) = results[check].findings
    assert said in finding.what
    page, _, anchor = finding.see.partition("#")
    assert anchor in _anchors(ROOT / page), finding.see


def test_dead_letters_of_webhooks_lead_to_their_own_entry() -> None:
    world = World()
    world.aws.send_webhooks()
    world.aws.letters.update(WebhooksDeadLetters=1, EventDeadLetters=1)
    events, webhooks = world.results()["dead-letters"].findings
    assert events.see == "docs/guides/runbook.md#dead-letters"
    assert webhooks.see == "docs/guides/runbook.md#webhook-deliveries-given-up"
    assert "`tidegate webhooks list`" in webhooks.do


@pytest.mark.parametrize(
    ("ready", "said"),
    [
        ({"count": 0, "more": False}, []),
        ({"count": 3, "more": False}, ["hint: the pool p is paused, and 3 jobs wait in it"]),
        ({"count": 1_000, "more": True}, ["hint: the pool p is paused, and at least 1,000 jobs wait in it"]),
    ],
)
def test_jobs_in_a_paused_pool_are_a_hint_and_no_fault(ready: dict[str, Any], said: list[str]) -> None:
    world = World()
    world.pools[0].update(ready=ready)
    assert found(world.results()) == []
    world.pools[0].update(paused=True)
    results = world.results()
    assert [f"{each.severity}: {each.what}" for each in results["pools"].findings] == said
    assert results["pools"].outcome is Outcome.HEALTHY
    assert is_healthy(results.values())
    assert {each.see for each in results["pools"].findings} <= {"docs/guides/doctor.md#pools"}
    assert "pools" in _anchors(ROOT / "docs/guides/doctor.md")


def test_counts_are_not_judged_without_a_reaper_or_before_its_first_hour() -> None:
    world = World()
    world.stores.reached.clear()
    world.aws.schedules["reaper"]["CreationDate"] = datetime.fromtimestamp(NOW_MS / 1_000 - 3_500, UTC)
    assert found(world.results()) == []
    world.count_until(NOW_MS - 90_000_000)
    world.status["schedules"][1].update(alive=False, last_at="2027-01-15T07:00:00Z")
    assert found(world.results()) == [("pulses", "error")]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, True),
        ({"Principal": {"AWS": ["*"]}, "Action": ["SQS:*"], "Resource": ["*"]}, True),
        ({"Condition": {"Bool": {"aws:securetransport": [False]}}}, True),
        ({"Effect": "Allow"}, False),
        ({"Principal": {"AWS": "123456789012"}}, False),
        ({"Action": "sqs:SendMessage"}, False),
        ({"Resource": "arn:aws:sqs:eu-west-1:123456789012:other"}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "true"}}}, False),
        (
            {
                "Condition": {
                    "Bool": {"aws:SecureTransport": "false"},
                    "StringEquals": {"aws:PrincipalAccount": "123456789012"},
                }
            },
            False,
        ),
        ({"Condition": None}, False),
    ],
)
def test_a_policy_refuses_plain_http_only_by_a_statement_for_everybody(
    changes: dict[str, Any], wanted: bool
) -> None:
    stated = FakeAws().queues["EcsPoolQueue"]
    policy = json.loads(stated["Policy"])
    policy["Statement"][0].update(changes)
    assert refuses_plain_http(json.dumps(policy), stated["QueueArn"]) is wanted
    alone = {**policy, "Statement": policy["Statement"][0]}
    assert refuses_plain_http(json.dumps(alone), stated["QueueArn"]) is wanted


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"Statement": ["Deny"]}', '{"Statement": null}'])
def test_a_text_that_is_no_policy_refuses_nothing(text: str) -> None:
    assert not refuses_plain_http(text, "arn:aws:sqs:eu-west-1:123456789012:EcsPoolQueue")


@pytest.mark.parametrize(
    ("age_seconds", "last_at", "wanted"),
    [
        (299, None, "warning: the schedule reaper has not run yet: it was made 299 s ago"),
        (301, None, "error: the schedule reaper is dead: its last pulse was never"),
        (
            299,
            "2027-01-15T07:00:00Z",
            "error: the schedule reaper is dead: its last pulse was 2027-01-15T07:00:00Z",
        ),
    ],
)
def test_a_schedule_that_was_just_made_is_not_called_dead(
    age_seconds: int, last_at: str | None, wanted: str
) -> None:
    world = World()
    assert NOW_MS / 1_000 - world.aws.stack["CreationTime"].timestamp() > 86_400, "a deployment may take long"
    made_at = datetime.fromtimestamp(NOW_MS / 1_000 - age_seconds, UTC)
    world.aws.schedules["reaper"]["CreationDate"] = made_at
    world.status["schedules"][1].update(alive=False, last_at=last_at)
    (finding,) = world.results()["pulses"].findings
    assert f"{finding.severity}: {finding.what}" == wanted
    assert world.aws.asked.count("GetSchedule") == 2, "two checks share what was read once"


def test_a_schedule_of_unknown_age_is_called_dead() -> None:
    world = World()
    world.aws.denied.add("GetSchedule")
    world.status["schedules"][1].update(alive=False, last_at=None)
    assert found(world.results()) == [("pulses", "error"), ("permissions", "warning")]


@pytest.mark.parametrize(
    ("stuck", "said"), [(19, "19 submissions"), (20, "at least 20"), (300, "at least 20")]
)
def test_a_list_that_may_be_cut_says_at_least(stuck: int, said: str) -> None:
    world = World()
    for number in range(stuck):
        stuck_submission(world, f"01S{number:03}")
    (finding,) = world.results()["submissions"].findings
    assert finding.what.startswith(said)


def test_a_late_entry_and_a_lease_just_ended_are_no_findings() -> None:
    world = World()
    old_job(world)
    job = world.stores.jobs["S.2"]
    claimed = HistoryEntry(NOW_MS - 59_000, State.RUNNING, 1, "w")
    world.stores.jobs["S.2"] = replace(job, history=(*job.history, claimed))
    world.run_job(lease_expires_at_ms=NOW_MS - 299_000)
    assert found(world.results()) == []


def test_a_missing_function_hides_nothing_of_the_others() -> None:
    world = World()
    for name in ("reaper", "dispatcher"):
        del world.aws.functions[name]
    change_function(world, "worker", MemorySize=256)
    world.aws.reserved.update(worker=0)
    world.run_job(lease_expires_at_ms=NOW_MS - 300_001)
    results = world.results()
    assert [name for name, each in results.items() if each.outcome is Outcome.NOT_MADE] == []
    assert found(results) == [
        *(("functions", "error"), ("functions", "error"), ("configuration", "warning")),
        *(("sources", "error"), ("concurrency", "error"), ("leases", "error")),
    ]


def test_a_missing_output_is_no_fault_of_the_functions() -> None:
    world = World()
    world.aws.stack["Outputs"] = [
        each for each in world.aws.stack["Outputs"] if each["OutputKey"] != "WorkersTable"
    ]
    change_variable(world, "reaper", "TIDEGATE_TABLE_WORKERS", "somewhere")
    results = world.results()
    assert found(results) == [("stack", "error")]
    assert results["expiry"].why == results["streams"].why == "the stack has no output WorkersTable"


def test_without_any_function_the_stores_have_no_names() -> None:
    world = World()
    world.aws.functions.clear()
    results = world.results()
    unmade = {name: each.why for name, each in results.items() if each.outcome is Outcome.NOT_MADE}
    why = "every function is missing, and so are the names of the tables"
    assert unmade == dict.fromkeys(("leases", "index", "submissions", "counts"), why)
    assert found(results).count(("functions", "error")) == 5


def test_a_denied_call_is_said_twice_and_hides_no_other_check() -> None:
    world = World()
    world.aws.denied = {"GetFunctionConcurrency", "GetSchedule"}
    world.aws.letters["LambdaPoolDeadLetters"] = 1
    results = world.results()
    assert results["schedules"].outcome is Outcome.NOT_MADE
    assert results["schedules"].why == "scheduler:GetSchedule was denied"
    assert results["concurrency"].outcome is Outcome.NOT_MADE
    assert results["dead-letters"].outcome is Outcome.FINDINGS
    assert [each.what for each in results["permissions"].findings] == [
        "scheduler:GetSchedule was denied",
        "lambda:GetFunctionConcurrency was denied",
    ]
    assert not is_healthy(results.values())


def test_a_denied_read_of_the_stores_is_said_too() -> None:
    world = World()

    def deny(_request: str) -> None:
        cause = ClientError({"Error": {"Code": "AccessDeniedException"}}, "Query")
        raise ServiceRefused("reading was refused") from cause

    world.stores.on_request = deny
    results = world.results()
    assert {results[name].outcome for name in ("leases", "index", "submissions", "counts")} == {
        Outcome.NOT_MADE
    }
    assert len(results["permissions"].findings) == 3


def test_without_credentials_only_the_api_is_checked() -> None:
    results = World().results(with_aws=False)
    made = {name for name, each in results.items() if each.outcome is Outcome.HEALTHY}
    assert made == {"version", "pulses", "pools", "clock", "permissions"}
    unmade = [each for each in results.values() if each.outcome is Outcome.NOT_MADE]
    assert all("AWS credentials" in each.why for each in unmade)
    assert not is_healthy(results.values())


def test_the_local_stack_measures_no_lag_and_is_healthy_all_the_same() -> None:
    world = World()
    del world.aws.sources["worker"][0]["ScalingConfig"]
    results = world.results(is_local=True)
    assert results["lag"].outcome is Outcome.NOT_MEASURED
    assert is_healthy(results.values())


def test_an_api_that_does_not_answer_hides_nothing_of_aws() -> None:
    world = World()

    def fail() -> NoReturn:
        raise ApiUnreachable("no answer")

    sight = Sight(
        Deployment(world.aws.client, API_URL),
        fail,
        fail,
        lambda: 0.0,
        lambda _: world.services,
        NOW_MS,
        "0.1.0",
    )
    results = {each.check: each for each in examine(sight, lambda _: None)}
    assert [name for name, each in results.items() if each.outcome is not Outcome.HEALTHY] == [
        *("version", "pulses", "pools", "counts")
    ]


@pytest.mark.parametrize(("stack", "url"), [("other", API_URL), (None, "https://jobs.example.com/live")])
def test_a_stack_that_is_not_found_is_said(stack: str | None, url: str) -> None:
    deployment = Deployment(FakeAws().client, url, stack=stack)
    with pytest.raises(NotMade, match=r"--stack|says ValidationError"):
        _ = deployment.stack


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("https://abc123.execute-api.eu-west-1.amazonaws.com/live", Outcome.HEALTHY),
        ("https://def456.execute-api.eu-west-1.amazonaws.com/live", Outcome.HEALTHY),
        ("http://127.0.0.1:4566/_aws/execute-api/abc123/live", Outcome.HEALTHY),
        ("https://fed789.execute-api.eu-west-1.amazonaws.com/live", Outcome.FINDINGS),
        ("http://127.0.0.1:4566/_aws/execute-api/fed789/live", Outcome.FINDINGS),
        ("https://jobs.example.com/live", Outcome.NOT_MEASURED),
    ],
)
def test_the_address_is_compared_with_the_apis_of_the_named_stack(url: str, outcome: Outcome) -> None:
    world = World()
    world.aws.stack["Outputs"].append({"OutputKey": "OAuthApiId", "OutputValue": "def456"})
    result = world.results(stack="prod", api_url=url)["address"]
    assert result.outcome is outcome
    assert ("can't be compared" in result.why) is (outcome is Outcome.NOT_MEASURED)


def _deploy_gradually(world: World) -> None:
    for each in world.aws.stack["Parameters"]:
        if each["ParameterKey"] == "GradualDeployment":
            each["ParameterValue"] = "Canary10Percent5Minutes"


def test_the_version_that_the_gateway_calls_is_the_one_that_is_looked_at() -> None:
    world = World()
    _deploy_gradually(world)
    live = world.aws.aliases["api:live"] = deepcopy(world.aws.functions["api"])
    change_variable(
        world, "api", "TIDEGATE_SHARDS", "8"
    )  # which no request meets before a version is made of it
    assert found(world.results()) == []
    live["Environment"]["Variables"]["TIDEGATE_SHARDS"] = "2"
    (finding,) = world.results()["configuration"].findings
    assert finding.what == "the function api was changed by hand: TIDEGATE_SHARDS is 2 and not 4"


def test_a_missing_alias_is_found() -> None:
    world = World()
    _deploy_gradually(world)
    results = world.results()
    assert found(results) == [("functions", "error")]
    assert results["functions"].findings[0].what == "the function api is MISSING (it, or its alias live)"


def test_shared_facts_are_read_once() -> None:
    world = World()
    world.results()
    asked = world.aws.asked
    assert asked.count("DescribeStacks") == 1
    assert asked.count("GetFunctionConfiguration") == 5
    assert asked.count("ListEventSourceMappings") == 4  # the dispatcher's come in two pages


# --- the clock ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ahead_seconds", [-10.0, 0.0, 120.0])
def test_the_clock_is_compared_with_the_date_of_any_answer(ahead_seconds: float) -> None:
    transport = httpx.MockTransport(
        lambda _: httpx.Response(403, headers={"date": "Tue, 01 Dec 2026 08:00:00 GMT"})
    )
    theirs_s = 1_796_112_000.5
    now_s = iter([theirs_s + ahead_seconds - 0.25, theirs_s + ahead_seconds + 0.25])
    assert clock_ahead_seconds(API_URL, lambda: next(now_s), transport=transport) == ahead_seconds


def test_an_answer_without_a_date_is_no_measure() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    with pytest.raises(NotMade, match="has no date"):
        clock_ahead_seconds(API_URL, lambda: 0.0, transport=transport)
