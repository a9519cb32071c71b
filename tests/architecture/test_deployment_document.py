"""docs/guides/deploy.md says what the template has, and dollars in docs/reference/cost.md are count times price."""

from __future__ import annotations

import re

import pytest

from dev.benchmarks import prices
from tests.architecture.test_template_pools import FARGATE_STOP_SECONDS
from tests.harness.domain.documents import read_document, table_rows
from tests.harness.template import Resolved
from tidegate_worker import protection
from tidegate_worker.process import HAND_BACK_SECONDS

IDLE = table_rows(read_document("reference/cost.md"), "while nothing runs")
LISTED = {
    "Lambda invocations": prices.INVOCATIONS,
    "Lambda GB-seconds": prices.GB_SECONDS,
    "SQS requests": prices.SQS_REQUESTS,
    "schedule calls": prices.SCHEDULE_CALLS,
    "read units": prices.READ_UNITS,
    "write units": prices.WRITE_UNITS,
    "MB of logs": prices.LOG_MEGABYTES,
    "traces": prices.TRACES,
    "KMS requests": prices.KEY_REQUESTS,
}
MINUTES = 43_800
"""Of a month: 365 days in twelve parts."""


def number(text: str) -> float:
    return float(re.sub(r"[$,]", "", text))


def test_the_parameters_and_their_defaults_are_those_of_the_template() -> None:
    defaults = Resolved().parameters
    for name, value, *_ in table_rows(read_document("guides/deploy.md"), "parameter"):
        assert defaults[name.strip("`")] == ("" if value == "empty" else value.strip("`")), name


def test_the_limits_of_the_deployment_are_those_of_template_and_worker() -> None:
    document = read_document("reference/limits.md")
    rows = dict(table_rows(document[document.index("Limits of the deployment") :], "limit"))
    assert list(rows.values()) == [
        "160 ASCII characters without blanks, quotes and backslashes",
        "20 names and 400 characters, commas included",
        "100 and 200, by parameters; `GET /v1/health` and `POST /v1/workflows` 10 and 20",
        f"{FARGATE_STOP_SECONDS} s: 90 to drain, {HAND_BACK_SECONDS:g} to hand back",
        f"{protection.PROTECT_AFTER_SECONDS:g} s",
        f"{protection.LONGEST_PROTECTED_SECONDS / 3_600:g} hours, "
        f"then {protection.OPEN_SECONDS / 60:g} minutes without",
        f"{protection.EXPIRES_MINUTES} minutes",
    ]


@pytest.mark.parametrize("row", IDLE, ids=[row[0] for row in IDLE])
def test_what_an_idle_month_costs_is_count_times_price(row: list[str]) -> None:
    _, count, unit, price, dollars = row
    amount, _, per = price.partition(" per ")
    assert number(amount) * {"million": 1, "GB": 1_000}[per] == LISTED[unit]
    assert abs(number(count) * LISTED[unit] / 1_000_000 - number(dollars)) < 0.005


def test_the_counts_of_an_idle_month_are_those_of_the_template() -> None:
    counts = {row[0]: number(row[1]) for row in IDLE}
    schedules = [
        spec["Properties"]["Events"]["EveryMinute"]["Properties"]["ScheduleExpression"]
        for spec in Resolved().resources.values()
        if "EveryMinute" in spec.get("Properties", {}).get("Events", {})
    ]
    assert schedules == ["rate(1 minute)"] * 2
    assert counts["two schedules, once a minute each"] == 2 * MINUTES
    (source,) = [
        spec["Properties"]
        for spec in Resolved().resources.values()
        if spec["Type"] == "AWS::Lambda::EventSourceMapping"
        and "BatchSize" in spec["Properties"]
        and spec["Properties"]["EventSourceArn"] == "<LambdaPoolQueue.Arn>"
    ]
    # With a maximum, Lambda never uses fewer than five pollers. Each asks for 20 s at a time.
    assert "MaximumConcurrency" in source["ScalingConfig"]
    assert counts["Lambda looks into the function pool's queue"] == 5 * 3 * MINUTES
