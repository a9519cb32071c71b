"""The checks of `tidegate doctor`: they find nothing on a healthy deployment, and each thing that is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.architecture.test_links import _anchors
from tests.harness.cli.deployment import NOW_MS, World
from tests.harness.cli.fake_aws import API_URL, FakeAws
from tests.harness.domain.job_samples import PENDING, RUNNING
from tidegate.domain.errors import ServiceRefused
from tidegate.domain.job import HistoryEntry
from tidegate.domain.states import Group, State
from tidegate.domain.submission import Phase, Submission
from tidegate_cli.doctor import findings
from tidegate_cli.doctor.clock import clock_ahead_seconds
from tidegate_cli.doctor.examine import CHECKS, Sight, examine, is_healthy
from tidegate_cli.doctor.findings import NotMade, Outcome
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


def _remove_output(world: World) -> None:
    world.aws.stack["Outputs"] = [
        each for each in world.aws.stack["Outputs"] if each["OutputKey"] != "StageName"
    ]


def _old_job(world: World) -> None:
    """Leaves an entry of the index in a group that its job left long ago."""
    world.stores.write(replace(PENDING, job_id="S.2"))
    (key,) = [key for key in world.stores.index if key[1] is Group.PENDING]
    entries = list(world.stores.index[key])
    world.stores.write(replace(RUNNING, job_id="S.2", lease_expires_at_ms=NOW_MS + 1))
    world.stores.index[key] = entries


def _stuck_submission(world: World, submission_id: str = "01S") -> None:
    world.services.submissions.begin_if_absent(
        Submission(
            submission_id=submission_id,
            phase=Phase.COMMITTED,
            job_count=2,
            fingerprint="",
            created_at_ms=NOW_MS - 3_600_000,
        )
    )


def _function(world: World, name: str, **changes: Any) -> None:
    world.aws.functions[name] |= changes


def _variable(world: World, name: str, variable: str, value: str) -> None:
    world.aws.functions[name]["Environment"]["Variables"][variable] = value


BROKEN: dict[str, tuple[Callable[[World], object], str, str, str]] = {
    "stack failed": (
        lambda w: w.aws.stack.update(StackStatus="UPDATE_ROLLBACK_FAILED"),
        *("stack", "error", "is UPDATE_ROLLBACK_FAILED"),
    ),
    "stack rolled back": (
        lambda w: w.aws.stack.update(StackStatus="UPDATE_ROLLBACK_COMPLETE"),
        *("stack", "warning", "was rolled back"),
    ),
    "deploy under way": (
        lambda w: w.aws.stack.update(StackStatus="UPDATE_IN_PROGRESS"),
        *("stack", "warning", "is UPDATE_IN_PROGRESS"),
    ),
    "output missing": (_remove_output, "stack", "error", "lacks outputs: StageName"),
    "another stack's API": (
        lambda w: next(each for each in w.aws.stack["Outputs"] if each["OutputKey"] == "ApiId").update(
            OutputValue="def456"
        ),
        *("address", "error", "leads to the API abc123, and stack prod has def456"),
    ),
    "another version": (
        lambda w: w.status.update(version="0.0.9"),
        *("version", "warning", "version 0.0.9, this command line 0.1.0"),
    ),
    "schedule dead": (
        lambda w: w.status["schedules"][1].update(alive=False, last_at=None),
        *("pulses", "error", "the schedule reaper is dead: its last pulse was never"),
    ),
    "reader dead": (
        lambda w: w.status["streams"][0].update(alive=False),
        *("pulses", "error", "the reader of the stream release is dead"),
    ),
    "schedule disabled": (
        lambda w: w.aws.schedules["reaper"].update(State="DISABLED"),
        *("schedules", "error", "the schedule reaper is DISABLED"),
    ),
    "schedule missing": (
        lambda w: w.aws.schedules.pop("dispatcher"),
        *("schedules", "error", "the schedule dispatcher is MISSING"),
    ),
    "schedule slow": (
        lambda w: w.aws.schedules["reaper"].update(ScheduleExpression="rate(1 hour)"),
        *("schedules", "warning", "is rate(1 hour) instead of"),
    ),
    "function inactive": (
        lambda w: _function(w, "worker", State="Inactive", StateReason="its layer is gone"),
        *("functions", "error", "the function worker is Inactive (its layer is gone)"),
    ),
    "function missing": (
        lambda w: w.aws.functions.pop("api"),
        *("functions", "error", "the function api is MISSING"),
    ),
    "queue missing": (
        lambda w: w.aws.letters.pop("EcsPoolDeadLetters"),
        *("dead-letters", "error", "the queue EcsPoolDeadLetters is MISSING"),
    ),
    "table missing": (
        lambda w: w.aws.expiries.pop("Lanes"),
        *("expiry", "error", "the table Lanes is MISSING"),
    ),
    "update failed": (
        lambda w: _function(w, "api", LastUpdateStatus="Failed"),
        *("functions", "error", "the last update of the function api failed"),
    ),
    "variable changed": (
        lambda w: _variable(w, "dispatcher", "TIDEGATE_SHARDS", "8"),
        *("configuration", "warning", "TIDEGATE_SHARDS is 8 and not 4"),
    ),
    "another table": (
        lambda w: _variable(w, "reaper", "TIDEGATE_TABLE_SUBMISSION_PLANS", "elsewhere"),
        *("configuration", "warning", "TIDEGATE_TABLE_SUBMISSION_PLANS names another table"),
    ),
    "memory changed": (
        lambda w: _function(w, "worker", MemorySize=256),
        *("configuration", "warning", "WorkerMemoryMegabytes is 256 and not 1024"),
    ),
    "versions differ": (
        lambda w: _function(w, "reaper", Layers=[{"Arn": "arn:core:6"}]),
        *("configuration", "error", "run different versions"),
    ),
    "source missing": (
        lambda w: w.aws.sources["dispatcher"].pop(),
        *("sources", "error", "the dispatcher has 2 event sources instead of 3"),
    ),
    "source disabled": (
        lambda w: w.aws.sources["recorder"][0].update(State="Disabled"),
        *("sources", "error", "of the recorder is Disabled"),
    ),
    "third source fails": (
        lambda w: w.aws.sources["dispatcher"][2].update(LastProcessingResult="PROBLEM: Function call failed"),
        *("sources", "error", "of the dispatcher fails: PROBLEM"),
    ),
    "worker bounded otherwise": (
        lambda w: w.aws.sources["worker"][0].update(ScalingConfig={"MaximumConcurrency": 2}),
        *("sources", "warning", "at most 2 jobs at once, and WorkerConcurrency is 4"),
    ),
    "worker not bounded": (
        lambda w: w.aws.sources["worker"][0].pop("ScalingConfig"),
        *("sources", "warning", "the worker runs without a bound, and WorkerConcurrency is 4"),
    ),
    "reader late": (
        lambda w: w.aws.lags_ms["recorder"].extend([10.0, 61_000.0]),
        *("lag", "warning", "the recorder read changes up to 61 s late"),
    ),
    "function stopped": (
        lambda w: w.aws.reserved.update(dispatcher=0),
        *("concurrency", "error", "the function dispatcher may not run"),
    ),
    "reserved by hand": (
        lambda w: w.aws.reserved.update(dispatcher=3),
        *("concurrency", "warning", "3 executions are reserved for the dispatcher"),
    ),
    "too few executions": (
        lambda w: w.aws.account.update(UnreservedConcurrentExecutions=7),
        *("concurrency", "warning", "4 workers leave 3 to the other functions"),
    ),
    "dead letters": (
        lambda w: w.aws.letters.update(EventDeadLetters=3),
        *("dead-letters", "error", "EventDeadLetters holds 3 messages"),
    ),
    "lease overdue": (
        lambda w: w.run_job(lease_expires_at_ms=NOW_MS - 300_001),
        *("leases", "error", "1 sampled jobs run under leases that ended over five minutes ago: S.1"),
    ),
    "entry misplaced": (_old_job, "index", "error", "1 of 2 sampled entries of the index differ"),
    "submission stuck": (_stuck_submission, "submissions", "error", "for over a quarter of an hour: 01S"),
    "no expiry": (
        lambda w: w.aws.expiries["Audit"].update(TimeToLiveStatus="DISABLED"),
        *("expiry", "warning", "items of the table Audit never expire"),
    ),
    "another expiry": (
        lambda w: w.aws.expiries["Jobs"].update(AttributeName="ttl"),
        *("expiry", "warning", "expire by ttl and not by expires_at"),
    ),
    "clock ahead": (
        lambda w: setattr(w, "ahead_seconds", 6.0),
        *("clock", "warning", "6 s ahead of the API's"),
    ),
    "clock far behind": (
        lambda w: setattr(w, "ahead_seconds", -301.0),
        *("clock", "error", "301 s behind the API's"),
    ),
}


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
        _stuck_submission(world, f"01S{number:03}")
    (finding,) = world.results()["submissions"].findings
    assert finding.what.startswith(said)


def test_a_late_entry_and_a_lease_just_ended_are_no_findings() -> None:
    world = World()
    _old_job(world)
    job = world.stores.jobs["S.2"]
    claimed = HistoryEntry(NOW_MS - 59_000, State.RUNNING, 1, "w")
    world.stores.jobs["S.2"] = replace(job, history=(*job.history, claimed))
    world.run_job(lease_expires_at_ms=NOW_MS - 299_000)
    assert found(world.results()) == []


def test_a_missing_function_hides_nothing_of_the_others() -> None:
    world = World()
    for name in ("reaper", "dispatcher"):
        del world.aws.functions[name]
    _function(world, "worker", MemorySize=256)
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
    _variable(world, "reaper", "TIDEGATE_TABLE_WORKERS", "somewhere")
    results = world.results()
    assert found(results) == [("stack", "error")]
    assert results["expiry"].why == "the stack has no output WorkersTable"


def test_without_any_function_the_stores_have_no_names() -> None:
    world = World()
    world.aws.functions.clear()
    results = world.results()
    unmade = {name: each.why for name, each in results.items() if each.outcome is Outcome.NOT_MADE}
    why = "every function is missing, and so are the names of the tables"
    assert unmade == dict.fromkeys(("leases", "index", "submissions"), why)
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
    assert {results[name].outcome for name in ("leases", "index", "submissions")} == {Outcome.NOT_MADE}
    assert len(results["permissions"].findings) == 2


def test_without_credentials_only_the_api_is_checked() -> None:
    results = World().results(with_aws=False)
    made = {name for name, each in results.items() if each.outcome is Outcome.HEALTHY}
    assert made == {"version", "pulses", "clock", "permissions"}
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

    def fail() -> Mapping[str, Any]:
        raise ApiUnreachable("no answer")

    sight = Sight(
        Deployment(world.aws.client, API_URL), fail, lambda: 0.0, lambda _: world.services, NOW_MS, "0.1.0"
    )
    results = {each.check: each for each in examine(sight, lambda _: None)}
    assert [name for name, each in results.items() if each.outcome is not Outcome.HEALTHY] == [
        "version",
        "pulses",
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
    _variable(world, "api", "TIDEGATE_SHARDS", "8")  # which no request meets before a version is made of it
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
