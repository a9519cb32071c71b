"""At each `LogLevel`, each function's own lines from that level on reach the logs, and metric lines always do.

The function starts as on Lambda, with the levels that the template sets. Its output then goes through Lambda's own
filter, as AWS documents it: a line without a level counts as INFO.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.template import Resolved

pytestmark = pytest.mark.slow  # each case starts a function in a process of its own

ROOT = Path(__file__).resolve().parents[2]
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FUNCTIONS = ("api", "dispatcher", "reaper", "recorder", "worker")
LOG_AT_EACH_LEVEL = """
import app
from aws_lambda_powertools import Logger
logger = Logger()
for level in ("debug", "info", "warning", "error"):
    getattr(logger, level)("said")
"""
PUBLISH = {
    "reaper": """
from tests.functions.test_reaper_metrics import WITH_METRICS, Fixture
Fixture(WITH_METRICS).run()
""",
    "dispatcher": """
from tests.functions.test_metrics import Fixture, stream_event
fixture = Fixture()
fixture.dispatch(stream_event(fixture))
""",
    "api": """
from tests.functions.test_metrics import JOB, Api, post
post(Api(), "/v1/jobs", JOB, "once")
""",
    "recorder": """
from tests.functions.test_metrics import Fixture, read_event
Fixture().record(read_event("recorder-stream"))
""",
}


def environment(function: str, level: str, alarms: str = "false") -> dict[str, str]:
    """Returns the variables that decide what is logged. Lambda makes its own from the function's LoggingConfig."""
    template = Resolved(LogLevel=level, Alarms=alarms)
    logs = template.properties(f"{function.title()}Function")["LoggingConfig"]
    return {
        "POWERTOOLS_LOG_LEVEL": template.globals["Function"]["Environment"]["Variables"][
            "POWERTOOLS_LOG_LEVEL"
        ],
        "AWS_LAMBDA_LOG_FORMAT": logs["LogFormat"],
        "AWS_LAMBDA_LOG_LEVEL": logs["ApplicationLogLevel"],
    }


def logged(function: str, level: str, code: str, alarms: str = "false") -> list[dict[str, object]]:
    """Returns the lines that the code prints and Lambda lets through."""
    variables = environment(function, level, alarms)
    path = os.pathsep.join([str(ROOT), str(ROOT / "functions" / function)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert not done.stderr, done.stderr
    lines: list[dict[str, object]] = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if lets_through(line, variables["AWS_LAMBDA_LOG_LEVEL"])]


def lets_through(line: dict[str, object], level: str) -> bool:
    names = logging.getLevelNamesMapping()
    return names.get(str(line.get("level")), logging.INFO) >= names[level]


# Every level in one function, and every function at one level: a level means the same in all of them.
@pytest.mark.parametrize(
    ("function", "level"),
    [*(("api", level) for level in LEVELS), *((each, "WARNING") for each in FUNCTIONS if each != "api")],
)
def test_each_function_logs_from_the_level_that_is_asked_for(function: str, level: str) -> None:
    said = [line["level"] for line in logged(function, level, LOG_AT_EACH_LEVEL) if line["message"] == "said"]
    assert said == list(LEVELS[LEVELS.index(level) :])


@pytest.mark.parametrize("level", ["INFO", "WARNING"])
def test_metrics_are_published_at_every_level(level: str) -> None:
    lines = logged("reaper", level, PUBLISH["reaper"])
    assert {line["Pool"] for line in lines if "_aws" in line} == {"ecs", "lambda"}
    others = [line for line in lines if "_aws" not in line]
    assert bool(others) == (level == "INFO"), others


@pytest.mark.parametrize(
    ("function", "level", "metric"),
    [
        ("api", "ERROR", "JobsSubmitted"),
        *((each, level, "WriteUnits") for each in ("dispatcher", "recorder") for level in ("INFO", "ERROR")),
    ],
)
def test_with_alarms_their_metrics_pass_and_no_more_of_their_own_lines(
    function: str, level: str, metric: str
) -> None:
    lines = logged(function, level, PUBLISH[function], alarms="true")
    assert [line for line in lines if metric in line]
    others = [line for line in lines if "_aws" not in line]
    assert bool(others) == (level == "INFO"), others
