"""The client has a method for every route, and a field for every field of docs/reference/openapi.json."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from tests.client.every_operation import MODULES, operations, requests
from tests.harness.tracked import ROOT
from tidegate_client import AsyncClient, Client, JobFilter
from tidegate_client.models import (
    bulk,
    costs,
    failures,
    forecasts,
    jobs,
    operate,
    statistics,
    timetables,
    webhooks,
    workflows,
)
from tidegate_client.models.base import Model
from tidegate_client.models.states import TERMINAL, State
from tidegate_client.workflow import JobOptions, Retry, Share, WorkflowOptions

DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs/reference/openapi.json").read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
MODELS: dict[str, type[Model]] = {
    "ActOut": operate.Act,
    "ActedOut": bulk.Acted,
    "AllSessionsOut": operate.AllSessions,
    "AnnouncedOut": operate.AnnouncedType,
    "CallerOut": operate.Caller,
    "CancellationForeseenOut": jobs.Job,
    "CancelledJobOut": jobs.Job,
    "CancelledOut": jobs.Cancelled,
    "CancelledWorkflowOut": workflows.CancelledWorkflow,
    "ChainJobOut": jobs.ChainJob,
    "ChainOut": jobs.Chain,
    "CountOut": operate.Count,
    "CriticalPathOut": workflows.CriticalPath,
    "DependencyOut": jobs.Dependency,
    "DownstreamOut": jobs.DownstreamJob,
    "ErrorOut": jobs.JobFailure,
    "FactOut": jobs.Fact,
    "FailedInOut": failures.FailedIn,
    "FailureGroupOut": failures.FailureGroup,
    "FailuresOut": failures.Failures,
    "MuteOut": failures.Mute,
    "ForeseenOut": bulk.Foreseen,
    "DeliveryOut": webhooks.Delivery,
    "NewSecretOut": webhooks.NewSecret,
    "TestedOut": webhooks.Tested,
    "WebhookOut": webhooks.Webhook,
    "GrantOut": operate.Grant,
    "GraphOut": workflows.Graph,
    "HealthOut": operate.Health,
    "JobOut": jobs.Job,
    "JobRowOut": jobs.Job,
    "UnitsOut": costs.CostUnits,
    "WastedAttemptsOut": costs.WastedAttempts,
    "JobCostOut": costs.JobCost,
    "CostGroupOut": costs.CostGroup,
    "WorkflowCostOut": costs.WorkflowCost,
    "ForecastOut": forecasts.WorkflowForecast,
    "ForecastRowOut": forecasts.ForecastRow,
    "IntervalOut": forecasts.Interval,
    "JobForecastOut": forecasts.JobForecast,
    "NoteOut": forecasts.ForecastNote,
    "FinishByOut": forecasts.FinishBy,
    "HelpOut": forecasts.Help,
    "JobComparedOut": forecasts.JobCompared,
    "LaterOut": forecasts.Later,
    "SubmittedOut": forecasts.SubmissionForeseen,
    "WhatIfOut": forecasts.WhatIf,
    "WorkflowComparedOut": forecasts.WorkflowCompared,
    "BackfillCountOut": timetables.BackfillCount,
    "BackfilledOut": timetables.Backfilled,
    "NextRunOut": timetables.NextRun,
    "NextRunsOut": timetables.NextRuns,
    "TimetableOut": timetables.Timetable,
    "TimetableRowOut": timetables.TimetableSummary,
    "TimetableRunOut": timetables.TimetableRun,
    "JudgementOut": jobs.Judgement,
    "LinkOut": jobs.Link,
    "LogLineOut": jobs.LogLine,
    "LogPageOut": jobs.LogPage,
    "MarkedJobOut": jobs.Job,
    "MeOut": operate.Me,
    "OnHoldOut": workflows.OnHold,
    "OneTypeOut": operate.JobType,
    "PoolChangesOut": operate.PoolChanges,
    "PoolPausedOut": operate.PoolPaused,
    "PoolOut": operate.Pool,
    "ProgressOut": jobs.Progress,
    "RedriveForeseenOut": operate.Redriven,
    "RedrivenOut": operate.Redriven,
    "ReopeningOut": jobs.Reopening,
    "RerunForeseenOut": workflows.Rerun,
    "WorkflowCancellationForeseenOut": workflows.CancelledWorkflow,
    "RerunJobOut": jobs.Job,
    "RerunOut": workflows.Rerun,
    "QuantilesOut": statistics.Quantiles,
    "StatisticsOut": statistics.Statistics,
    "StatisticsRowOut": statistics.StatisticsRow,
    "StepEndsOut": statistics.StepEnds,
    "RerunningOut": jobs.Rerunning,
    "RowForecastOut": forecasts.EndForecast,
    "RetriedJobOut": jobs.Job,
    "RetryForeseenOut": jobs.Job,
    "RetryOut": jobs.Retry,
    "ScheduleOut": operate.Schedule,
    "ShareOut": operate.Share,
    "StatesOut": workflows.States,
    "StatusOut": operate.Status,
    "StepOut": jobs.Step,
    "StragglerOut": jobs.Straggler,
    "OutsideOut": jobs.Outside,
    "HeartbeatOut": jobs.HeartbeatOutside,
    "ToldOut": bulk.Told,
    "StreamOut": operate.StreamReader,
    "TypeChangesOut": operate.TypeChanges,
    "TypeOut": operate.JobType,
    "UpstreamOut": jobs.UpstreamJob,
    "WhyOut": jobs.Why,
    "WorkerJobOut": operate.WorkerJob,
    "WorkerJobsOut": operate.WorkerJobs,
    "WorkerOut": operate.Worker,
    "WorkflowOut": workflows.WorkflowPage,
    "WorkflowRowOut": workflows.WorkflowSummary,
    "tidegate__contracts__pool_responses__ChangeOut": operate.RuleChange,
    "tidegate__contracts__why__ChangeOut": jobs.StartingChange,
}
READ_OTHERWISE = {
    "Accepted", "AcceptedWorkflow",  # the dataclass Accepted
    "AuditPageOut", "DeliveryPageOut", "DownstreamPageOut", "GrantList", "JobsOut", "PoolList", "ShareList", "TypeList",
    "TimetableListOut", "TimetableRunsOut", "UpstreamPageOut", "WebhookList", "WorkerPageOut",
    "WorkflowListOut",  # pages and lists, read by the name of their items
    "ListForecastOut",  # of such a page, whose rows have the ends
    "Problem", "FieldError", "GatewayMessage",  # errors
}  # fmt: skip
LATER = {"WorkflowRowOut": {"namespace"}, "WorkflowOut": {"forecast"}}
"""Fields of a model that stand in another schema of the same thing."""


def _routes() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }


def _template(method: str, path: str) -> str:
    """Returns the path of the document that a request's path is of, the one with the fewest parameters."""
    fitting = [
        template
        for known, template in _routes()
        if known == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    ]
    assert fitting, f"{method} {path} is no route"
    return min(fitting, key=lambda template: template.count("{"))


def test_there_is_an_operation_for_every_route() -> None:
    asked = {(request.method, _template(request.method, request.path)) for _, request in requests()}
    assert asked == _routes().keys()


def test_every_query_parameter_can_be_given() -> None:
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for _, request in requests():
        asked[request.method, _template(request.method, request.path)] |= {name for name, _ in request.query}
    for route, operation in _routes().items():
        known = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        assert asked[route] == known, route


def test_every_field_of_a_small_body_can_be_given() -> None:
    given: dict[tuple[str, str], set[str]] = defaultdict(set)  # two operations may share a route
    for _, request in requests():
        route = request.method, _template(request.method, request.path)
        if request.body is None or route[1] in ("/v1/jobs", "/v1/workflows"):
            assert route[0] != "PUT", route
            continue
        given[route] |= request.body.keys()
    for route, names in given.items():
        body = _routes()[route]["requestBody"]["content"]["application/json"]
        schema = body["schema"]["$ref"].rpartition("/")[2]
        assert names == SCHEMAS[schema]["properties"].keys(), route


@pytest.mark.parametrize(
    ("schema", "options", "given_otherwise"),
    [
        ("JobIn", JobOptions, {"key", "type", "parameters", "depends_on", "namespace"}),
        ("WorkflowIn", WorkflowOptions, {"name", "jobs"}),
        ("RetryIn", Retry, set()),
    ],
)
def test_the_builder_knows_every_field(schema: str, options: type, given_otherwise: set[str]) -> None:
    assert get_type_hints(options).keys() | given_otherwise == SCHEMAS[schema]["properties"].keys()


def test_a_filter_knows_every_field() -> None:
    everything: dict[str, Any] = {each.name: "x" for each in fields(JobFilter)} | {"tag": ["team=data"]}
    assert JobFilter(**everything).as_json().keys() == SCHEMAS["WantedIn"]["properties"].keys()


def test_the_builder_knows_every_field_of_a_share() -> None:
    (described,) = (each for each in SCHEMAS["ShareIn"]["anyOf"] if each["type"] == "object")
    assert get_type_hints(Share).keys() == described["properties"].keys()


def test_every_answer_has_a_model() -> None:
    answers = {name for name, schema in SCHEMAS.items() if "properties" in schema and not name.endswith("In")}
    assert answers == MODELS.keys() | READ_OTHERWISE


@pytest.mark.parametrize("schema", MODELS)
def test_a_model_has_every_field(schema: str) -> None:
    known = SCHEMAS[schema]["properties"].keys()
    fields = MODELS[schema].model_fields.keys()
    assert not known - fields
    described = {
        name
        for each, model in MODELS.items()
        if model is MODELS[schema]
        for name in SCHEMAS[each]["properties"]
    }
    assert fields - described <= LATER.get(schema, set())


def test_the_states_are_the_api_s() -> None:
    assert list(State) == SCHEMAS["State"]["enum"]
    assert {state.value for state in TERMINAL} < set(SCHEMAS["State"]["enum"])


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_each_client_has_a_method_for_every_operation(client: type) -> None:
    for name, _ in operations():
        assert callable(getattr(client, name)), name
        assert getattr(client, name).__doc__


def test_both_clients_have_the_same_methods() -> None:
    def public(client: type) -> set[str]:
        return {name for name in dir(client) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)
    folder = ROOT / "clients/python/tidegate_client/operations"
    assert sorted(module.__name__.rpartition(".")[2] for module in MODULES) == sorted(
        file.stem for file in folder.glob("*.py") if file.stem != "__init__"
    )


def test_examples_of_the_document_are_read() -> None:
    read = 0
    for (_, path), operation in _routes().items():
        for status, answer in operation["responses"].items():
            content = answer.get("content", {}).get("application/json", {})
            reference = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if status.startswith("2") and "example" in content and reference in MODELS:
                MODELS[reference].model_validate(content["example"])
                read += 1
            assert path
    assert read > 10
